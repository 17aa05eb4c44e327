import { Link } from '@tanstack/react-router';
import type { RolloutDetail, TaskDot } from '../../../src/api/index.ts';
import { counted } from '../words.ts';
import { FailureCard } from './failure-card.tsx';
import { Sentence } from './sentence.tsx';
import { Ago } from './time.tsx';

/** In two lines: what failed, where and since when; how many tasks, what was done about it, which commits. */
export function FailureBanner({ rollout }: { rollout: RolloutDetail }) {
  const phase = rollout.phases[rollout.currentPhase];
  const failedAtMs = phase?.endedAtMs ?? rollout.endedAtMs;
  return (
    <div className="failure-banner" role="alert">
      <p>
        <strong>✗ Failed{phase === undefined ? '' : ` in ${phase.name}`}</strong>
        {failedAtMs !== null && (
          <span className="quiet">
            {' '}
            <Ago atMs={failedAtMs} />
          </span>
        )}{' '}
        <Sentence text={rollout.failure ?? ''} />
      </p>
      <p>
        {doneAboutIt(rollout)}
        {rollout.marks.map((mark) => (
          <span key={mark}>
            {' '}
            The commit is{' '}
            <Link to="/marks/$mark" params={{ mark }}>
              marked
            </Link>
            : no build that contains it goes further without a fix.
          </span>
        ))}
      </p>
      {cardsOf(rollout).map(({ index, card }) => (
        <details key={index} open>
          <summary>Task {index}: what it said</summary>
          <FailureCard failure={card} />
        </details>
      ))}
    </div>
  );
}

type Card = NonNullable<TaskDot['failure']>;
const shownCards = 2;

/** Of tasks that went back already: their cards are in the events of the operations that failed. */
function cardsOf({ tasks, timeline }: RolloutDetail): { readonly index: number; readonly card: Card }[] {
  // Those that fail now show theirs when they are opened.
  if (tasks.some(({ failure }) => failure !== null)) return [];
  const cards = new Map<number, Card>();
  for (const { type, data } of timeline) {
    if (type !== 'operation.ended' || data.failure === undefined || data.failure === null) continue;
    const card = { exitCode: null, signal: null, probe: null, ...(data.failure as Partial<Card>) } as Card;
    if (!cards.has(Number(data.index))) cards.set(Number(data.index), card);
  }
  return [...cards].slice(0, shownCards).map(([index, card]) => ({ index, card }));
}

function doneAboutIt(rollout: RolloutDetail): string {
  const { state, to } = rollout;
  const touched = rollout.phases[rollout.currentPhase]?.members.length ?? 0;
  const still = rollout.tasks.filter((task) => task.version === to?.id || task.assigned === to?.id).length;
  const went = `${counted(touched, 'task')} had it`;
  if (state === 'reverted') return `${went}; all are back on the version that was good.`;
  if (state === 'reverting') return `${went}; ${touched === 1 ? 'it goes' : 'they go'} back now.`;
  if (state === 'held')
    return `${went}, and ${still === 1 ? '1 still has' : `${still} still have`} it: it waits for a person.`;
  return `${went}; ${still === 0 ? 'none runs it any more' : `${counted(still, 'task')} still ${still === 1 ? 'runs' : 'run'} it`}.`;
}

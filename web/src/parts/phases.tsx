import type { PhaseView } from '../../../src/api/index.ts';
import { counted } from '../words.ts';
import { StateWord } from './state-word.tsx';
import { Lasting } from './time.tsx';

interface Props {
  readonly phases: readonly PhaseView[];
  /** Which one it is in; -1 when the rollout is over. */
  readonly current: number;
}

/** The phases from left to right; the current one is marked. Each shows the ground its tasks have in the field. */
export function Phases({ phases, current }: Props) {
  return (
    <ol className="phases">
      {phases.map((phase, i) => (
        <li
          key={phase.name}
          aria-current={i === current ? 'step' : undefined}
          className={i === current ? 'current' : ''}
        >
          <div className="line">
            <svg width="12" height="12" aria-hidden="true">
              <rect
                x="0.5"
                y="0.5"
                width="11"
                height="11"
                rx="3"
                className={`ground ground-${Math.min(i, 4)} ${i === current ? 'current' : ''}`}
              />
            </svg>
            <strong>{phase.name}</strong>{' '}
            {isNeverReached(phase, current) ? (
              <span className="quiet">not reached</span>
            ) : (
              <StateWord state={phase.state} />
            )}
          </div>
          <div className="num quiet">
            {progressOf(phase, current)}
            {phase.startedAtMs !== null && (
              <>
                {' · '}
                <Lasting fromMs={phase.startedAtMs} toMs={phase.endedAtMs} />
              </>
            )}
          </div>
          {phase.promised !== null && phase.promised !== '' && (
            <details className="small quiet">
              <summary>what this phase can show</summary>
              With 80 % chance: {phase.promised}.
            </details>
          )}
          {phase.passedBy !== null && (
            <div className="note" title={phase.passedBy.note}>
              {noteOf(phase.passedBy)}
            </div>
          )}
        </li>
      ))}
    </ol>
  );
}

/** The rollout ended before it came to this phase. */
function isNeverReached({ state }: PhaseView, current: number): boolean {
  return current < 0 && state === 'waiting';
}

function progressOf(phase: PhaseView, current: number): string {
  if (phase.members.length > 0) return `${phase.updated} of ${counted(phase.members.length, 'task')}`;
  return isNeverReached(phase, current) ? 'it ended before' : 'not started';
}

/** In a few words; the timeline and the checks have the numbers. */
function noteOf({ by, note }: NonNullable<PhaseView['passedBy']>): string {
  if (by === 'judge') return 'its checks passed';
  if (by === 'onUndecided') return 'undecided, let through';
  if (by === 'person') return 'let through by a person';
  return note;
}

import type { EventView, RolloutDetail } from '../../api/index.ts';
import type { FailureCard } from '../../model/index.ts';
import { plain, type Style } from './style.ts';

const shownCards = 2;

/** What a person would look for first when a task failed: the probe and its answer, the exit, the last lines. */
export function failureLines(rollout: RolloutDetail, style: Style): string[] {
  const now = rollout.tasks.flatMap((task) =>
    task.failure === null ? [] : [{ index: task.index, card: task.failure }],
  );
  const cards = now.length > 0 ? now : rollout.timeline.flatMap(cardOf);
  return cards
    .slice(0, shownCards)
    .flatMap(({ index, card }) => [
      style.bad(`✗ task ${index}: ${plain(card.summary)}`),
      ...(card.probe ? [`  asked     ${plain(card.probe.request)}`, `  answered  ${plain(card.probe.answer)}`] : []),
      ...(card.exitCode == null ? [] : [`  exit code ${card.exitCode}`]),
      ...(card.signal == null ? [] : [`  signal    ${card.signal}`]),
      ...(card.lastLogLines.length === 0 ? [] : ['  its last lines:']),
      ...card.lastLogLines.slice(-10).map((line) => `  │ ${plain(line)}`),
    ]);
}

type Shown = Pick<NonNullable<RolloutDetail['tasks'][number]['failure']>, 'summary' | 'probe' | 'lastLogLines'> & {
  readonly exitCode?: number | null | undefined;
  readonly signal?: string | null | undefined;
};

/** The card that is kept in the event of an operation that failed. */
function cardOf({ type, data }: EventView): { index: number; card: Shown }[] {
  if (type !== 'operation.ended' || data.failure === undefined) return [];
  const card = data.failure as FailureCard;
  return [
    { index: Number(data.index), card: { ...card, lastLogLines: [...card.lastLogLines], probe: card.probe ?? null } },
  ];
}

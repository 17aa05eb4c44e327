import { type Amount, budgetOf, type JudgeSpec, type PlanSpec, type Rollout, type TaskIndex } from '../model/index.ts';
import { letGo } from './assign.ts';
import { type Draft, emitForRollout, setRollout } from './draft.ts';

/** Curves from which the judge knows what a restart of this service does. */
const enoughCurves = 3;
/** A service of so few tasks has next to nobody to compare with: asked for by number, it gets its placebo every time. */
const fewTasks = 5;
/** So many are restarted where nobody said how many. */
const tasksOfAuto = 3;
/** Longer than this an age curve does not change any more. */
const longestMs = 600_000;

export interface PlaceboFacts {
  readonly placebo: JudgeSpec['placebo'];
  /** Of the job as it runs. */
  readonly size: number;
  readonly budget: Amount;
  /** Restart curves that are known of it. */
  readonly curves: number;
}

/**
 * The old tasks that are restarted before the first phase, so that the judge sees what a restart alone does; none: it
 * is not wanted, or not needed. The last ones: phases begin at the first, and a task is not restarted twice in a row.
 */
export function placeboTasks({ placebo = 'off', size, budget, curves }: PlaceboFacts): readonly TaskIndex[] {
  if (placebo === 'off' || budgetOf(budget, size) < 1) return [];
  const isKnown = curves >= enoughCurves;
  const count =
    placebo === 'auto'
      ? isKnown || size < 2
        ? 0
        : Math.min(tasksOfAuto, Math.floor(size / 2))
      : isKnown && size > fewTasks
        ? 0
        : Math.min(placebo.tasks, size);
  return Array.from({ length: count }, (_, at) => size - count + at);
}

/** How long restarted tasks are looked at: as long as the first phase may bake. */
export function placeboBakeMs({ phases }: Pick<PlanSpec, 'phases'>): number {
  const [first] = phases;
  return Math.min(longestMs, Math.max(first?.minBakeMs ?? 0, first?.maxBakeMs ?? 0));
}

/** One phase over those tasks, as many at once as the budget lets; what does not come back holds for a person. */
export function placeboPlan(tasks: readonly TaskIndex[], bakeMs: number): PlanSpec {
  return {
    phases: [
      {
        name: 'placebo',
        select: { tasks: [...tasks] },
        concurrency: { percent: 100 },
        minBakeMs: bakeMs,
        maxBakeMs: bakeMs,
        onFail: 'hold',
        onUndecided: 'proceed',
      },
    ],
    newcomers: 'last-good',
    overlap: 'wait',
    forwardOnly: false,
  };
}

/** The round that a deployment waits for, if there is one still. */
export function placeboOf(rollouts: Iterable<Rollout>, deployment: Rollout): Rollout | undefined {
  for (const rollout of rollouts) if (rollout.placeboFor === deployment.id) return rollout;
  return undefined;
}

/** Whether it may begin: its deployment waits, and nobody paused that. */
export function mayBeginPlacebo(draft: Draft, { placeboFor }: Rollout): boolean {
  return placeboFor === undefined || draft.rollouts.get(placeboFor)?.state === 'waiting';
}

/**
 * A placebo of a deployment that has begun or ended is for nobody: it ends, and gives back what has not begun. What is
 * under way already serves the release that came instead, so that tasks are not restarted for each of them.
 */
export function endUselessPlacebos(draft: Draft, newest: Rollout | undefined): boolean {
  let hasEnded = false;
  for (const round of [...draft.rollouts.values()]) {
    if (round.placeboFor === undefined || isAwaited(draft, round)) continue;
    const own = newest && placeboOf(draft.rollouts.values(), newest);
    if (newest !== undefined && own?.state === 'waiting' && round.startedAtMs !== undefined) {
      end(draft, own, round.id);
      setRollout(draft, round.id, { placeboFor: newest.id });
      emitForRollout(draft, round.id, 'rollout.placebo-handed-on', { before: newest.id, instead: own.id });
    } else end(draft, round, newest?.id);
    hasEnded = true;
  }
  return hasEnded;
}

function isAwaited(draft: Draft, { placeboFor }: Rollout): boolean {
  const deployment = draft.rollouts.get(placeboFor!);
  return deployment?.state === 'waiting' || (deployment?.state === 'held' && deployment.hold?.resumesTo === 'waiting');
}

function end(draft: Draft, round: Rollout, by: Rollout['id'] | undefined): void {
  letGo(draft, round);
  emitForRollout(draft, round.id, 'rollout.superseded', { by, why: 'no deployment waits for this placebo any more' });
  setRollout(draft, round.id, { state: 'superseded', hold: undefined, endedAtMs: draft.nowMs });
}

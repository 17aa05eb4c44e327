import type { Rollout, TimeSplit, TimeUse } from '../model/index.ts';
import { type Draft, setRollout } from './draft.ts';

/** What a rollout's time goes to at this moment. */
export function timeUseOf(rollout: Rollout, isBlocked: boolean): TimeUse {
  switch (rollout.state) {
    case 'held':
      return 'held';
    case 'reverting':
      return 'reverting';
    case 'running':
      if (rollout.phases[rollout.currentPhase]?.state === 'judging') return 'judging';
      // For other jobs.
      if (rollout.phases[rollout.currentPhase]?.state === 'passed') return 'waiting';
      return isBlocked ? 'blocked' : 'updating';
    default:
      return 'waiting';
  }
}

/** Books the time until now, and what the time from now on goes to. */
export function bookTime(time: TimeSplit, activity: TimeUse, nowMs: number): TimeSplit {
  const spent = (time.spentMs[time.activity] ?? 0) + Math.max(0, nowMs - time.accountedToMs);
  return { accountedToMs: nowMs, activity, spentMs: { ...time.spentMs, [time.activity]: spent } };
}

/** Books where the activity has changed, and at the end: the parts sum to the whole. */
export function keepTime(draft: Draft): void {
  const ended = [...draft.changedRollouts.values()].filter((rollout) => rollout.endedAtMs !== undefined);
  for (const rollout of ended) {
    const time = bookTime(rollout.time, rollout.time.activity, draft.nowMs);
    draft.changedRollouts.set(rollout.id, { ...rollout, time });
  }
  for (const rollout of draft.rollouts.values()) {
    const activity = timeUseOf(rollout, isBlocked(draft, rollout));
    if (activity === rollout.time.activity) continue;
    setRollout(draft, rollout.id, { time: bookTime(rollout.time, activity, draft.nowMs) });
  }
}

/** Nothing of it is under way, and something of it waits. */
function isBlocked(draft: Draft, rollout: Rollout): boolean {
  let waits = false;
  for (const operation of draft.operations.values()) {
    if (operation.rollout !== rollout.id) continue;
    if (operation.admittedAtMs !== undefined) return false;
    waits = true;
  }
  return waits;
}

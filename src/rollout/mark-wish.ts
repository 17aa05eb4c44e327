import { isExtra, isServing } from '../disruption/index.ts';
import type { Rollout } from '../model/index.ts';
import { type Draft, setRollout, setWatched } from './draft.ts';
import { isRound } from './rounds.ts';
import type { MarkWish } from './state.ts';
import { blamed } from './watch.ts';

/** Once a rollout has failed by checks it asks `blame/` for a mark, and again as what is known of it grows. */
export function keepMarkWishes(draft: Draft): void {
  const failed = [...draft.changedRollouts.values(), ...draft.rollouts.values(), ...draft.watched.values()];
  const seen = new Set<string>();
  for (const rollout of failed) {
    const isMarkable = rollout.failure?.by === 'judge' || rollout.failure?.by === 'basic-checks';
    if (!isMarkable || isRound(rollout) || seen.has(rollout.id)) continue;
    seen.add(rollout.id);
    const hosts = restoredHosts(draft, rollout);
    const wish: MarkWish = { rollout: blamed(rollout), areOldTasksWell: true, lastGoodServesOn: hosts };
    const isFirst = rollout.failure?.markAskedAtMs === undefined;
    const isNews = rollout.state === 'reverting' || rollout.state === 'reverted';
    if (isFirst && rollout.failure !== undefined) {
      const asked = { failure: { ...rollout.failure, markAskedAtMs: draft.nowMs } };
      if (draft.rollouts.has(rollout.id)) setRollout(draft, rollout.id, asked);
      else if (draft.watched.has(rollout.id)) setWatched(draft, rollout, asked);
    }
    if (isFirst || (isNews && wish.lastGoodServesOn.length > 0)) draft.markWishes.push(wish);
  }
}

/** Hosts on which a task failed on the new version and now serves the one it was given back to. */
function restoredHosts(draft: Draft, rollout: Rollout): string[] {
  const hosts = new Set<string>();
  const indices = rollout.failure?.indices ?? [];
  // A task of a second set goes back to nothing: there those of the first set speak for the host.
  if (indices.some(isExtra)) {
    for (const task of draft.tasks.values()) {
      const { current } = task;
      if (isExtra(task.index) || !isServing(task, draft.hostStates) || current === undefined) continue;
      if (current.version !== rollout.to && rollout.failure?.hosts.includes(current.host)) hosts.add(current.host);
    }
  }
  for (const index of indices) {
    const task = draft.tasks.get(index);
    if (!isServing(task, draft.hostStates) || task?.current === undefined) continue;
    const { host, version } = task.current;
    const isBack = version !== rollout.to && version === draft.assignment.get(index)?.version;
    if (isBack && rollout.failure?.hosts.includes(host)) hosts.add(host);
  }
  return [...hosts].sort();
}

import { isExtra, isGone } from '../disruption/index.ts';
import { formatDuration } from '../kit/index.ts';
import type { Rollout } from '../model/index.ts';
import type { Explanation } from './explain.ts';
import type { JobState } from './state.ts';
import { secondSetOf } from './strategies/blue-green.ts';

/** Waits that only a second set has: for another one to go, and for its own to have served long enough. */
export function explainSet(state: JobState, rollout: Rollout, nowMs: number): Explanation | undefined {
  const { traffic } = state.job;
  const phase = rollout.phases[rollout.currentPhase];
  if (traffic !== undefined && traffic.rollout !== rollout.id) return leftOver(state, traffic.rollout);
  if (rollout.state === 'reverting' && traffic?.side === 'only') {
    const sentence = 'Clients are still told of the second set: too few of the first one serve to switch back to it.';
    return { sentence, next: 'more of them serve, or a person raises the budget', unblocker: personOf('raise-budget') };
  }
  const times = secondSetOf(rollout.plan);
  const isWaiting = rollout.state === 'running' && phase !== undefined && phase.startedAtMs === undefined;
  if (times !== undefined && isWaiting && traffic === undefined && firstLeft(state) !== undefined) {
    return leftOver(state, undefined);
  }
  if (times === undefined || phase?.state !== 'updating' || traffic?.side !== 'without') return undefined;
  const since = phase.members.map((index) => state.tasks.get(index)?.current?.servingSinceMs ?? nowMs);
  const atMs = Math.max(0, ...since) + times.checkMs;
  if (atMs > nowMs) {
    const sentence = `The second set serves, out of traffic, and is checked for ${formatDuration(times.checkMs)}.`;
    const next = `traffic is switched to it in ${formatDuration(atMs - nowMs)}`;
    return { sentence, next, unblocker: { kind: 'time', atMs } };
  }
  const sentence = 'Too few of the second set serve to switch traffic to it.';
  const next = 'the others serve, or a person raises the budget or aborts';
  return { sentence, next, unblocker: personOf('raise-budget', 'abort') };
}

function firstLeft(state: JobState) {
  return state.tasks.values().find((one) => isExtra(one.index) && !isGone(one));
}

function leftOver(state: JobState, owner: Rollout['id'] | undefined): Explanation {
  const sentence = `What is left of ${owner === undefined ? 'an earlier second set' : `the second set of ${owner}`} goes first.`;
  const task = firstLeft(state);
  const host = task?.current?.host;
  if (task !== undefined && host !== undefined) {
    return { sentence, next: `task ${task.index} on ${host} stops`, unblocker: { kind: 'task', index: task.index } };
  }
  const unblocker = owner === undefined ? personOf('abort') : ({ kind: 'rollout', rollout: owner } as const);
  return { sentence, next: 'its tasks stop', unblocker };
}

function personOf(...commands: string[]): Explanation['unblocker'] {
  return { kind: 'person', commands };
}

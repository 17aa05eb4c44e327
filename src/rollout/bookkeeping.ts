import { mayLive, type TaskFacts } from '../disruption/index.ts';
import type { Placement } from '../fleet/index.ts';
import { isUnderWay, type Outage, type OutageCause, type TaskIndex } from '../model/index.ts';
import { type Draft, setOutage } from './draft.ts';

/** Opens and closes the outages of single tasks: what the screens and the time line show as the cause. */
export function keepOutages(draft: Draft): void {
  const open = new Map<TaskIndex, Outage>();
  for (const outage of draft.outages.values()) if ('index' in outage.scope) open.set(outage.scope.index, outage);
  const causes = new Map<TaskIndex, { cause: OutageCause; operation: Outage['operation'] }>();
  for (const task of draft.tasks.values()) {
    if (task.outSinceMs !== undefined && task.servedOnce)
      causes.set(task.index, { cause: 'failure', operation: undefined });
  }
  for (const { id, index, kind, rollout, state } of draft.operations.values()) {
    if (!isUnderWay(state)) continue;
    const known = open.get(index);
    // A repair of a failure stays a failure.
    if (known?.cause === 'failure' && kind !== 'update') continue;
    causes.set(index, { cause: causeOf(kind, rollout), operation: id });
  }
  for (const [index, outage] of open) {
    if (causes.has(index)) continue;
    setOutage(draft, { ...outage, endedAtMs: draft.nowMs });
  }
  for (const [index, { cause, operation }] of causes) {
    if (open.has(index)) continue;
    const scope = { job: draft.job.id, index };
    const base = { scope, operation, startsAtMs: draft.nowMs, deadlineAtMs: undefined, endedAtMs: undefined };
    setOutage(draft, { id: draft.id('out'), cause, ...base });
  }
}

function causeOf(kind: string, rollout: string | undefined): OutageCause {
  if (kind === 'resize-down') return 'resize';
  if (kind === 'move' || kind === 'stop') return 'rebalance';
  if (kind === 'restart') return 'restart';
  return rollout === undefined ? 'failure' : 'rollout';
}

/** Room is claimed for what may live and what is being brought to life, and for nothing else. */
export function keepPlacements(draft: Draft): void {
  const { id: job } = draft.job;
  const known = new Map<string, Placement>();
  for (const claim of draft.before.inventory.placements) {
    if (claim.job === job) known.set(`${claim.index}/${claim.incarnation}`, claim);
  }
  const wanted = new Set<string>();
  for (const task of draft.tasks.values()) {
    for (const one of livingOf(task)) {
      if (mayLive(one, draft.hostStates)) wanted.add(`${task.index}/${one.incarnation}`);
    }
  }
  for (const { index, nextIncarnation, state } of draft.operations.values()) {
    if (isUnderWay(state)) wanted.add(`${index}/${nextIncarnation}`);
  }
  for (const [key, claim] of known) if (!wanted.has(key)) draft.unplaced.push(claim);
}

function livingOf(task: TaskFacts) {
  return task.current === undefined ? task.others : [...task.others, task.current];
}

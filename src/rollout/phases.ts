import { isExtra, isHeard } from '../disruption/index.ts';
import {
  type HostId,
  type Phase,
  type PhaseSpec,
  type PlanSpec,
  phaseCountOf,
  type Rollout,
  type TaskIndex,
} from '../model/index.ts';
import type { Draft } from './draft.ts';
import { isRenewed, isRound } from './rounds.ts';
import type { TaskPlace } from './select.ts';
import { takesDown } from './strategies/chosen.ts';

/** The phases of a plan before they start; `members` is fixed when each one does. */
export function phasesOf(plan: PlanSpec): Phase[] {
  return plan.phases.map((spec) => ({
    name: spec.name,
    state: 'waiting',
    members: [],
    allowance: 0,
    concurrency: 0,
    minBakeMs: spec.minBakeMs,
    maxBakeMs: spec.maxBakeMs,
    onFail: spec.onFail,
    onUndecided: spec.onUndecided ?? undefined,
    startedAtMs: undefined,
    updatedAtMs: undefined,
    endedAtMs: undefined,
    passAsked: undefined,
    passedBy: undefined,
  }));
}

/** `25 %` of 12 → 3 at a time; always at least one. */
export function concurrencyOf(spec: PhaseSpec, size: number): number {
  return Math.max(1, phaseCountOf(spec.concurrency, size));
}

export function specOf(plan: PlanSpec, phase: Phase): PhaseSpec | undefined {
  return plan.phases.find((spec) => spec.name === phase.name);
}

/** Where the job's tasks are, for selectors. */
export function placesOf(draft: Draft): TaskPlace[] {
  const labels = new Map<HostId, Readonly<Record<string, string>>>();
  for (const host of draft.inventory.hosts) labels.set(host.id, host.labels);
  const places: TaskPlace[] = [];
  for (let index = 0; index < draft.job.size; index++) {
    const host = draft.tasks.get(index)?.current?.host;
    places.push({ index, host, labels: (host === undefined ? undefined : labels.get(host)) ?? {} });
  }
  return places;
}

/** How far the members of a phase are. */
export interface PhaseProgress {
  readonly serving: number;
  /** Not serving the new version, for no other cause than the rollout. */
  readonly missing: readonly TaskIndex[];
  /** Out for another cause: not waited for. */
  readonly excused: readonly TaskIndex[];
}

export function progressOf(draft: Draft, phase: Phase, rollout: Rollout): PhaseProgress {
  const missing: TaskIndex[] = [];
  const excused: TaskIndex[] = [];
  let serving = 0;
  // Its strategy has stopped them, and starts them again.
  const isTaken = takesDown(draft, rollout);
  for (const index of phase.members) {
    if (index >= draft.job.size && !isExtra(index)) continue;
    const current = draft.tasks.get(index)?.current;
    const host = current?.host ?? hostOfOperation(draft, index);
    if (host !== undefined && !isHeard(draft.hostStates(host))) excused.push(index);
    else if (current?.state === 'serving' && isRenewedBy(draft, rollout, index)) serving += 1;
    else if (current?.state === 'stopped' && !(isTaken && current.version !== rollout.to)) excused.push(index);
    else missing.push(index);
  }
  return { serving, missing, excused };
}

/** Its newest incarnation is what the rollout wants of it: the new version, or in a round a new one of the same. */
export function isRenewedBy(draft: Draft, rollout: Rollout, index: TaskIndex): boolean {
  const task = draft.tasks.get(index);
  if (!isRound(rollout)) return task?.current?.version === rollout.to;
  const row = draft.assignment.get(index);
  return row?.rollout === rollout.id && row.renewAbove !== undefined && isRenewed(row, task);
}

function hostOfOperation(draft: Draft, index: TaskIndex): HostId | undefined {
  for (const operation of draft.operations.values()) {
    if (operation.index === index && operation.admittedAtMs !== undefined) return operation.host;
  }
  return undefined;
}

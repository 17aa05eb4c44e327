import { v0, v1 } from '../sim/scenario.ts';
import { commitOf, jobId, startMs, versionOf } from '../sim/versions.ts';
import { newTask, noLimits } from '../src/disruption/index.ts';
import type { Inventory, Placement } from '../src/fleet/index.ts';
import { makeId, seededChance } from '../src/kit/index.ts';
import type { AssignmentRow, PlanSpec, TaskReport, Version, VersionId } from '../src/model/index.ts';
import {
  decideJob,
  type JobDecision,
  type JobState,
  type MakeId,
  newRollout,
  standardRules,
} from '../src/rollout/index.ts';

const perHost = 20;

/** 1 task → 1 % → 10 % → 50 % → all, without bakes; 10 % may be out. */
export const plan: PlanSpec = {
  phases: ([{ count: 1 }, { percent: 1 }, { percent: 10 }, { percent: 50 }, { percent: 100 }] as const).map(
    (select, at) => ({
      ...{ name: `phase-${at + 1}`, select, concurrency: { percent: 100 }, minBakeMs: 0, maxBakeMs: 0 },
      ...{ onFail: 'revert', onUndecided: 'proceed' },
    }),
  ),
  newcomers: 'last-good',
  overlap: 'wait',
  forwardOnly: false,
};

/** A job of so many tasks that all serve, 20 on a host, and a rollout to another version that waits to begin. */
export function largeJob(size: number): JobState {
  const hosts: Inventory['hosts'] = Array.from({ length: Math.ceil(size / perHost) }, (_, at) => ({
    ...{ id: hostOf(at * perHost), state: 'up', isSilent: false },
    labels: { region: `region-${at % 3}`, rack: `rack-${at % 30}` },
    capacity: { cpuMillis: 100_000, memoryMb: 100_000, maxTasks: 2 * perHost },
  }));
  const indices = Array.from({ length: size }, (_, index) => index);
  const placements = indices.map((index): Placement => {
    return { job: jobId, index, incarnation: 1, host: hostOf(index), cpuMillis: 100, memoryMb: 64 };
  });
  const rollout = newRollout(
    {
      ...{ id: 'ro_1', job: jobId, release: undefined, to: v1, kind: 'deploy', plan, judged: false },
      ...{ holdAfter: undefined, createdBy: { kind: 'rollway', part: 'bench' }, reason: undefined },
    },
    startMs,
  );
  return {
    job: {
      ...{
        id: jobId,
        service: 'guestbook',
        environment: 'production',
        limits: noLimits,
        driver: 'simulated',
        createdAtMs: startMs,
      },
      ...{ wantedSize: size, size, resizingFrom: undefined, budget: { percent: 10 }, goodVersions: [v0] },
      ...{ env: {}, hostLabels: {} },
    },
    revision: 1,
    assignment: new Map(indices.map((index) => [index, assigned(index)])),
    rollouts: [rollout],
    ...{ operations: [], outages: [], reports: [], answers: [], commands: [] },
    tasks: new Map(
      indices.map((index) => [index, standardRules.foldReport(newTask(index), serving(index, versionOf(v0)))]),
    ),
    inventory: { hosts, placements, massSilence: false },
    versions: new Map<VersionId, Version>([v0, v1].map((id) => [id, { ...versionOf(id), commit: commitOf(id) }])),
    carriers: new Map(),
    evidence: new Map(),
    buckets: [],
  };
}

function hostOf(index: number): string {
  return `host-${Math.floor(index / perHost)}`;
}

function assigned(index: number): AssignmentRow {
  return { job: jobId, index, version: v0, rollout: undefined, lastGood: v0 };
}

function serving(index: number, version: Version, incarnation = 1, sequence = 1): TaskReport {
  return {
    ...{ job: jobId, index, incarnation, life: 0, host: hostOf(index), version: version.id, state: 'serving' },
    ...{ ports: { http: 20_000 + (index % perHost) }, address: '127.0.0.1', sequence, atMs: startMs },
  };
}

/** Steps through a rollout: each decision gets the reports that all orders of the one before it are done. */
export class Steps {
  state: JobState;
  #nowMs = startMs + 1000;
  readonly #chance = seededChance(1);

  constructor(state: JobState) {
    this.state = state;
  }

  readonly id: MakeId = (prefix) => makeId(prefix, this.#nowMs, this.#chance);

  /** Decides on the state as it is; the state stays. */
  decide(state = this.state): JobDecision {
    return decideJob(state, this.#nowMs, this.id);
  }

  /** Takes the decision over, with what the agents report of it. */
  take(decision: JobDecision): void {
    this.#nowMs += 1000;
    const reports = decision.dispatches.flatMap((one): TaskReport[] => {
      if (one.kind !== 'execute') return [];
      const { id, index, version, nextIncarnation } = one.request;
      return [{ ...serving(index, version!, nextIncarnation, 2), operation: { id, outcome: 'done' } }];
    });
    this.state = { ...decision.after, reports };
  }
}

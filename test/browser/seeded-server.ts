// A server over an in-memory store with jobs of chosen sizes, each in the middle of a rollout, with every state that a
// task can have. Nothing runs the jobs: what stands in the rows stays, until the test itself changes it.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { insertCommits } from '../../src/blame/rows.ts';
import { type LedgerOperation, newTask, noLimits, type TaskFacts } from '../../src/disruption/index.ts';
import { saveOperation, saveTask } from '../../src/disruption/rows.ts';
import { insertHost, updateHostFacts, updateHostState } from '../../src/fleet/rows.ts';
import { insertVerdict } from '../../src/judge/rows.ts';
import {
  type CheckResult,
  type FailureCard,
  type JobId,
  jobId,
  type Phase,
  type Rollout,
  type RolloutId,
  rollway,
  type Verdict,
  type VersionId,
} from '../../src/model/index.ts';
import { insertVersion, saveService } from '../../src/pipeline/rows.ts';
import { newRollout } from '../../src/rollout/index.ts';
import { ensureJob, findRollout, insertRollout, saveAssignment, saveRollout } from '../../src/rollout/rows.ts';
import { compose } from '../../src/server/compose.ts';
import { openDataFolder } from '../../src/server/data-folder.ts';
import { openFace } from '../../src/server/face.ts';
import { listen } from '../../src/server/listen.ts';
import { silentLog } from '../../src/server/log.ts';
import { readSettings } from '../../src/server/settings.ts';
import type { Store, Tx } from '../../src/store/index.ts';

export interface SeededServer {
  readonly url: string;
  signInUrl(role?: 'admin' | 'viewer'): Promise<string>;
  /** Seeds one more service with a rollout over so many tasks. */
  seed(size: number): Promise<SeededRollout>;
  /** Seeds a service of two jobs whose rollouts go together: `us` is in its second phase, `eu` waits for it. */
  seedTogether(): Promise<void>;
  readonly store: Store;
  /** Lets the viewers hear that something changed. */
  tell(job: JobId): Promise<void>;
  readonly errors: readonly unknown[];
  close(): Promise<void>;
}
export interface SeededRollout {
  readonly id: RolloutId;
  readonly job: JobId;
  readonly tasks: readonly TaskFacts[];
}

export const oldVersion: VersionId = 'v_old';
export const newVersion: VersionId = 'v_new';

export async function openSeededServer(): Promise<SeededServer> {
  const dataFolder = mkdtempSync(join(tmpdir(), 'rollway-seeded-'));
  const folder = openDataFolder(dataFolder);
  const settings = readSettings({ dataFolder, store: { kind: 'sqlite', path: ':memory:' }, contextFile: undefined });
  const errors: unknown[] = [];
  const house = await compose(settings, { ...silentLog, error: (what, error) => errors.push({ what, error }) });
  const running = new AbortController();
  const turns = house.engine.run(running.signal);
  let port = 0;
  const face = openFace(
    house,
    () => port,
    () => true,
  );
  const listening = await listen(face.fetch, '127.0.0.1', 0, false);
  port = listening.port;
  const admin = await house.auth.createToken({ name: 'ada', role: 'admin', createdBy: rollway('test') });
  const viewer = await house.auth.createToken({ name: 'vera', role: 'viewer', createdBy: rollway('test') });
  await house.store.transaction(seedCommon);
  const url = `http://127.0.0.1:${port}`;
  return {
    url,
    store: house.store,
    errors,
    signInUrl: async (role = 'admin') => {
      const { secret } = role === 'admin' ? admin : viewer;
      return `${url}/sign-in#code=${(await house.auth.createCodeBySecret(secret)).code}`;
    },
    seed: (size) => house.store.transaction((tx) => seedRollout(tx, size, Date.now())),
    seedTogether: () => house.store.transaction((tx) => seedTogether(tx, Date.now())),
    tell: (job) =>
      house.engine.append({
        events: [{ stream: `job/${job}`, type: 'test.moved', actor: rollway('test'), data: {} }],
      }),
    async close() {
      await Promise.all([face.close(), listening.close()]);
      running.abort();
      await turns;
      await house.close();
      folder.release();
      rmSync(dataFolder, { recursive: true, force: true });
    },
  };
}

/** What is asked of it here. */
const taskSpec = {
  stop: { signal: 'SIGTERM', graceMs: 1000 },
  drainMs: 1000,
  singleton: false,
  ready: { deadlineMs: 10_000 },
};

const hostCount = 40;
const hostOf = (index: number, size: number) => `host-${(index % Math.min(hostCount, Math.ceil(size / 2))) + 1}`;

async function seedCommon(tx: Tx): Promise<void> {
  const nowMs = Date.now();
  for (let i = 0; i < hostCount; i++) {
    const id = `host-${i + 1}`;
    const labels = { region: i % 2 === 0 ? 'north' : 'south', rack: `r${(i % 8) + 1}` };
    const capacity = { cpuMillis: 32_000, memoryMb: 65_536, maxTasks: 200 };
    await insertHost(tx, id, `key of ${id}`, '0.1.0', nowMs);
    await updateHostFacts(
      tx,
      id,
      { address: `10.0.0.${i + 1}`, labels, capacity, abilities: [], agentVersion: '0.1.0' },
      nowMs,
    );
  }
  await updateHostState(tx, 'host-7', 'suspected', nowMs);
  const commits = ['Greet visitors', 'Greet visitors more warmly, by their own names'];
  await insertCommits(
    tx,
    'shop',
    commits.map((subject, seq) => ({
      ...{ seq, id: String(seq + 1).repeat(40), parents: [], parentSeqs: seq === 0 ? [] : [0], author: 'Ada', subject },
      ...{ committedAtMs: nowMs, trailers: { fixes: [], reverts: [] } },
    })),
  );
  for (const [seq, id] of ([oldVersion, newVersion] as const).entries()) {
    await insertVersion(tx, {
      ...{ id, service: 'shop', commit: String(seq + 1).repeat(40), repository: 'shop', release: undefined },
      ...{ package: 'a'.repeat(64), task: taskSpec as never, createdAtMs: nowMs },
    });
  }
}

async function seedTogether(tx: Tx, nowMs: number): Promise<void> {
  const members = ['us', 'eu'].map((name) => ({
    ...{ name, job: jobId('shop-regions', 'production', name), rollout: `ro_seeded${name}` as RolloutId },
  }));
  for (const [at, { name, job, rollout: id }] of members.entries()) {
    await seedRollout(tx, 4 + 2 * at, nowMs, { service: 'shop-regions', job, id });
    const known = (await findRollout(tx, id))!;
    const group = { id: 'run_1' as const, name, waves: [['us'], ['eu']], barrier: 'phase' as const, members };
    // The later wave has passed its first phase, and waits before its second one.
    const phases = known.phases.map((phase, i) =>
      at === 0 || i < 1 ? phase : { ...phase, state: 'waiting' as const },
    );
    const plan = { ...known.plan, phases: phases.map((phase) => ({ name: phase.name })) } as unknown as Rollout['plan'];
    await saveRollout(tx, { ...known, group, plan, phases, currentPhase: at === 0 ? known.currentPhase : 0 });
  }
}

async function seedRollout(
  tx: Tx,
  size: number,
  nowMs: number,
  named: { service: string; job: JobId; id: RolloutId } | undefined = undefined,
): Promise<SeededRollout> {
  const service = named?.service ?? `shop-${size}`;
  const job = named?.job ?? jobId(service, 'production');
  const id = named?.id ?? (`ro_seeded${size}` as RolloutId);
  await saveService(tx, {
    ...{ name: service, repository: 'shop', configPath: 'rollway.yaml', branch: 'main' },
    ...{ revision: undefined, createdAtMs: nowMs },
  });
  await ensureJob(
    tx,
    {
      ...{ id: job, service, environment: 'production', wantedSize: size, budget: { percent: 10 } },
      ...{ env: {}, hostLabels: {}, limits: noLimits, driver: 'fleet' },
    },
    nowMs,
  );
  const rollout = rolloutOver(id, job, size, nowMs);
  await insertRollout(tx, rollout);
  const current = rollout.phases[rollout.currentPhase];
  const tasks: TaskFacts[] = [];
  for (let index = 0; index < size; index++) {
    const isMember = current?.members.includes(index) === true;
    const task = taskAt(index, size, isMember, nowMs);
    await saveTask(tx, job, task);
    await saveAssignment(tx, {
      ...{ job, index, version: isMember ? newVersion : oldVersion },
      ...{ rollout: isMember ? id : undefined, lastGood: oldVersion },
    });
    if (isMember && index % 17 === 5) await saveOperation(tx, operationOn(task, rollout, nowMs));
    tasks.push(task);
  }
  for (let look = 0; look < 30; look++) {
    await insertVerdict(tx, verdictAt(id, look, nowMs - (30 - look) * 1000, size));
  }
  return { id, job, tasks };
}

function rolloutOver(id: RolloutId, job: JobId, size: number, nowMs: number): Rollout {
  const sizes = [...new Set([1, Math.ceil(size / 4), size])].filter((n) => n <= size).sort((a, b) => a - b);
  const at = Math.min(1, sizes.length - 1);
  const phases = sizes.map((count, i): Phase => {
    const state = i < at ? 'passed' : i === at ? 'judging' : 'waiting';
    const startedAtMs = i <= at ? nowMs - (at - i + 1) * 60_000 : undefined;
    return {
      ...{ name: i === sizes.length - 1 ? 'all' : `${count}-tasks`, state, allowance: count, concurrency: 4 },
      members: i <= at ? Array.from({ length: count }, (_, index) => index) : [],
      ...{ minBakeMs: 10_000, maxBakeMs: 300_000, onFail: 'revert', onUndecided: 'proceed', startedAtMs },
      updatedAtMs: i <= at ? nowMs - 20_000 : undefined,
      endedAtMs: i < at ? nowMs - 60_000 : undefined,
      passAsked: undefined,
      passedBy: i < at ? { by: 'judge', note: '2 checks pass (errors, latency).' } : undefined,
    };
  });
  const plan = { phases: [], newcomers: 'new', overlap: 'wait', forwardOnly: false } as unknown as Rollout['plan'];
  const request = {
    ...{ id, job, release: undefined, to: newVersion, kind: 'deploy' as const, judged: true, plan },
    ...{ holdAfter: undefined, reason: undefined, createdBy: rollway('pipeline') },
  };
  return {
    ...newRollout(request, nowMs - 130_000),
    ...{ state: 'running', from: [oldVersion], phases, currentPhase: at, startedAtMs: nowMs - 125_000 },
  };
}

const failure: FailureCard = {
  reason: 'not-ready',
  summary: 'did not become ready within 10 s',
  exitCode: undefined,
  lastLogLines: ['listening on 28711', 'cannot reach the database: connection refused'],
  probe: { request: 'GET /healthz', answer: '503 Service Unavailable' },
};

function taskAt(index: number, size: number, isMember: boolean, nowMs: number): TaskFacts {
  const isBad = isMember && size > 1 && index % 23 === 2;
  const state = isBad ? 'failed' : 'serving';
  const sinceMs = nowMs - 10_000 - index * 10;
  return {
    ...newTask(index),
    ...{ highestIncarnation: 2, servedOnce: true, outSinceMs: isBad ? sinceMs : undefined },
    current: {
      ...{ incarnation: 2, life: 0, host: hostOf(index, size), version: isMember ? newVersion : oldVersion, state },
      ...{ ports: { http: 20_000 + index }, address: '10.0.0.1', sequence: 1, reportedAtMs: nowMs },
      ...{ servingSinceMs: isBad ? undefined : sinceMs, failure: isBad ? failure : undefined },
    },
  };
}

function operationOn(task: TaskFacts, rollout: Rollout, nowMs: number): LedgerOperation {
  const isBlocked = task.index % 2 === 0;
  return {
    ...{ id: `op_${rollout.id.slice(3)}x${task.index}`, job: rollout.job, index: task.index, kind: 'update' },
    ...{ incarnation: 2, nextIncarnation: 3, from: oldVersion, to: newVersion, host: task.current?.host },
    ...{ rollout: rollout.id, phase: 1, reason: 'rollout', state: isBlocked ? 'blocked' : 'executing' },
    blockedBy: isBlocked ? 'the budget is used up; it goes on when a task serves again' : undefined,
    ...{ precondition: undefined, epoch: 1, deadlineAtMs: undefined, proposedAtMs: nowMs - 5000 },
    ...{ admittedAtMs: isBlocked ? undefined : nowMs - 4000, endedAtMs: undefined, exemption: undefined },
    ...{ cancelAskedAtMs: undefined, isWithdrawn: false, dispatches: 1, outcome: undefined },
  };
}

function verdictAt(rollout: RolloutId, look: number, atMs: number, size: number): Parameters<typeof insertVerdict>[1] {
  const half = Math.max(1, Math.floor(size / 2));
  const wave = Math.sin(look / 4) / 10;
  const shared = { delta: 0.01, margin: 0.2, oldTasks: half, newTasks: half, newEvents: 500 + look * 90, drivers: [0] };
  const perCheck: CheckResult[] = [
    {
      ...shared,
      ...{ check: 'latency', verdict: 'undecided', estimate: 0.04 + wave, interval: [-0.1 + wave, 0.24 + wave] },
      ...{ oldLevel: 0.024, newLevel: 0.025 + wave / 50, power: 0.4 },
      sentence: 'p99 of the new tasks is 4 % higher than that of old tasks in the same bins.',
      components: [
        {
          ...{ component: 'postgresql select', estimate: 0.1, interval: [-0.1, 0.4], oldLevel: 0.012, newLevel: 0.013 },
          ...{ oldMean: 0.0061, newMean: 0.0068, shareOfAdded: 0.88 },
        },
        {
          ...{ component: 'self', estimate: undefined, interval: undefined, oldLevel: undefined, newLevel: undefined },
          ...{ oldMean: 0.003, newMean: 0.0031, shareOfAdded: 0.12 },
        },
      ],
    },
    {
      ...shared,
      ...{ check: 'errors', verdict: 'pass', estimate: -0.05, interval: [-0.3, 0.1], oldLevel: 0.041, newLevel: 0.039 },
      ...{ power: 0.98, sentence: '3.9 % of the requests to new tasks failed, 4.1 % of those to old tasks.' },
    },
  ];
  const verdict: Verdict = 'undecided';
  return {
    ...{ rollout, phase: 1, measured: true, missing: [], lostData: false, powerReached: false },
    verdict: { verdict, lookId: `${rollout}/${look}`, atMs, perCheck, sentence: perCheck[0]?.sentence ?? '' },
  };
}

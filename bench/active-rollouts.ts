/**
 * What one server needs while so many rollouts are under way at once, 12 tasks each: each is judged every 10 s on two
 * series of each of its tasks, and goes on to its next phase every ten minutes. Meanwhile other services run their
 * pipelines: how long from an action that is done to the next one. Everything that a server runs behind its faces, in
 * a process of its own for each size; hosts are simulated.
 * `node bench/active-rollouts.ts [--sizes 100,300,1000,3000,10000] [--seconds 60]`; sizes that were measured before, and
 * are not asked for, are kept in the result.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { type RolloutId, rollway, type Sample, type ServiceSpec } from '../src/model/index.ts';
import { compileSpec } from '../src/spec/index.ts';
import { describeMachine, median, writeResult } from './machine.ts';
import { openPlane, type Plane, type Repositories } from './plane.ts';
import { residentBytesOf } from './processes.ts';

const { values } = parseArgs({
  options: { sizes: { type: 'string' }, seconds: { type: 'string' }, measure: { type: 'string' } },
});
const sizes = (values.sizes ?? '100,300,1000,3000,10000').split(',').map(Number);
const seconds = Number(values.seconds ?? 60);
const tasksEach = 12;
const nextPhaseEveryMs = 600_000;
const binMs = 10_000;
const probes = 10;
const steps = 6;

if (values.measure === undefined) main();
else console.log(JSON.stringify(await measure(Number(values.measure))));

function main(): void {
  const machine = describeMachine();
  const file = join(import.meta.dirname, 'results', 'active-rollouts.json');
  const before = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')).figures : {};
  const figures: Record<string, object> = {};
  for (const size of sizes) {
    const args = ['--expose-gc', '--max-old-space-size=12000', '--disable-warning=ExperimentalWarning'];
    const words = [...args, import.meta.filename, '--measure', String(size), '--seconds', String(seconds)];
    const figure = JSON.parse(execFileSync(process.execPath, words, { encoding: 'utf8', maxBuffer: 2 ** 26 }));
    console.log(size, figure);
    figures[size] = figure;
    // What was measured is kept, also when a later size takes too long.
    const all = { ...before, ...figures };
    const path = writeResult('active-rollouts', { machine, seconds, tasksEach, figures: all });
    console.log(`written to ${path}`);
  }
}

async function measure(size: number) {
  const folder = mkdtempSync(join(tmpdir(), 'rollway-active-'));
  const file = join(folder, 'rollway.db');
  const repositories: Repositories = new Map();
  for (let n = 0; n < size; n++) repositories.set(`service-${n}`, [serviceSpec(`service-${n}`, '0s')]);
  const plane = await openPlane(file, repositories, 8 + Math.ceil((size * tasksEach) / 500));
  try {
    const began = process.cpuUsage();
    const fillBeganMs = performance.now();
    await readAll(plane, [...repositories.keys()]);
    await until(async () => (await countSucceeded(plane)) === size, `${size} first deployments`);
    const first = cpuMsSince(began) / size;
    for (const [name, commits] of repositories) commits.push(serviceSpec(name, '2h'));
    await readAll(plane, [...repositories.keys()]);
    await until(async () => (await listBaking(plane)).length === size, `${size} rollouts that bake`);
    const fillMs = performance.now() - fillBeganMs;
    for (let n = 0; n < probes; n++) repositories.set(`probe-${n}`, [probeSpec(`probe-${n}`, 0)]);
    const stop = sendSamples(plane);
    const progress = moveOn(plane, size);
    const probing = probe(plane, repositories);
    await sleep(15_000);
    const beganMs = performance.now();
    const cpu = process.cpuUsage();
    const moved = progress.moved;
    const lateness = watchLateness(plane);
    await sleep(seconds * 1000);
    const tookMs = performance.now() - beganMs;
    const cpuMs = cpuMsSince(cpu);
    const moves = progress.moved - moved;
    const late = lateness.stop();
    const latencies = latenciesOf(plane, beganMs).sort((a, b) => a - b);
    stop();
    progress.stop();
    await probing.stop();
    const rssMb = megabytes(residentBytesOf('self'));
    for (let n = 0; n < 3; n++) {
      globalThis.gc?.();
      await sleep(100);
    }
    const { heapUsed, external } = process.memoryUsage();
    return {
      cpuPercent: round((cpuMs / tookMs) * 100),
      cpuMsPerRolloutAndMinute: round((cpuMs / tookMs) * (60_000 / size)),
      phasesPerMinute: round(moves * (60_000 / tookMs)),
      ...{ rssMb, heapMb: megabytes(heapUsed + external), databaseMb: megabytes(statSync(file).size) },
      ...{
        latencyMedianMs: round(median(latencies)),
        latencyP95Ms: round(latencies[Math.floor(latencies.length * 0.95)]!),
      },
      // How long what is due has been due, once a second: it grows without end where one process cannot keep up.
      ...{ lateMedianMs: round(median(late)), lateMostMs: round(late.at(-1)!) },
      ...{ latencies: latencies.length, cpuMsPerFirstDeployment: round(first), fillSeconds: round(fillMs / 1000) },
      load: round(loadavg()[0]!),
    };
  } finally {
    await plane.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

// ---------------------------------------------------------------- what is deployed

/** One task, a quarter, half, all: each of them bakes until somebody lets it through. */
function serviceSpec(name: string, bake: string): ServiceSpec {
  const rollout = { tasks: tasksEach, budget: '25%', bake: { min: bake, max: bake }, onUndecided: 'proceed' };
  // Nothing was scraped before it is measured: that must not be a failure.
  const judged = { metrics: '/metrics', judge: { bin: '10s', warmup: '20s' }, checks: { errors: { required: false } } };
  return specOf({ name, build: 'make', ...rollout, ...judged });
}

function probeSpec(name: string, turn: number): ServiceSpec {
  const actions = Array.from({ length: steps }, (_, at) => ({
    ...{ name: `step-${at}`, type: 'run', commands: `${name} ${turn} ${at}`, safeToRepeat: true },
  }));
  return specOf({ name, pipeline: { actions } });
}

function specOf(wish: object): ServiceSpec {
  const whole = { command: 'node server.js', ready: { running: '1s' }, drain: '0s', ...wish };
  const compiled = compileSpec(whole, 'rollway.yaml');
  if (!compiled.ok) throw new Error(JSON.stringify(compiled.error));
  return compiled.value.spec;
}

// ---------------------------------------------------------------- what goes on meanwhile

/** Lets one rollout after the other through its phase, so that each comes to its turn every ten minutes. */
function moveOn(plane: Plane, size: number) {
  const everyMs = nextPhaseEveryMs / size;
  const state = { moved: 0, stop: () => clearInterval(timer) };
  let owed = 0;
  let turn = 0;
  let ids: { id: RolloutId; job: string }[] = [];
  let isBusy = false;
  const timer = setInterval(async () => {
    owed += 100 / everyMs;
    if (isBusy || owed < 1) return;
    isBusy = true;
    if (ids.length === 0) ids = await listBaking(plane);
    for (; owed >= 1; owed--) {
      const next = ids[turn++ % ids.length]!;
      await plane.engine.submitCommand({
        ...{ id: `cmd_${turn}`, kind: 'job/decide', key: next.job, name: 'skip-bake', arguments: { rollout: next.id } },
        ...{ actor: rollway('bench'), reason: 'its turn', atMs: Date.now() },
      });
      state.moved += 1;
    }
    isBusy = false;
  }, 100);
  return state;
}

/** A commit to one of ten other services every second: each goes through six actions. */
function probe(plane: Plane, repositories: Repositories) {
  let turn = 0;
  let going: Promise<void> = Promise.resolve();
  const timer = setInterval(() => {
    const name = `probe-${turn % probes}`;
    if (turn >= probes) repositories.get(name)!.push(probeSpec(name, Math.floor(turn / probes)));
    turn += 1;
    going = going.then(() => plane.read(name));
  }, 1000);
  return {
    async stop() {
      clearInterval(timer);
      await going;
    },
  };
}

/** From an action that is done until the next of the same release is ordered; reports are taken in every 20 ms. */
function latenciesOf({ actions }: Plane, sinceMs: number): number[] {
  const at = new Map(actions.map(({ command, atMs }) => [command, atMs]));
  return actions.flatMap(({ command, atMs }) => {
    const [name, turn, step] = command.split(' ');
    const before = name?.startsWith('probe') ? at.get(`${name} ${turn} ${Number(step) - 1}`) : undefined;
    return before === undefined || atMs < sinceMs ? [] : [atMs - before];
  });
}

/** Two counters of each task in each bin; a tenth of the tasks each second. */
function sendSamples({ tasks, samples }: Plane): () => void {
  let second = 0;
  const send = () => {
    const at = second++ % 10;
    const toMs = Math.floor(Date.now() / binMs) * binMs;
    const share = [...tasks.values()].filter(({ state }, n) => n % 10 === at && state === 'serving');
    samples.append(
      share.flatMap(({ job, index, incarnation, version, host }): Sample[] => {
        const base = { job, index, incarnation, version, state: 'serving', fromMs: toMs - binMs, toMs } as const;
        const labels = { host };
        return [
          { ...base, metric: 'http_requests_total', labels: { ...labels, code: '200' }, value: { counterDelta: 200 } },
          { ...base, metric: 'http_requests_total', labels: { ...labels, code: '500' }, value: { counterDelta: 0 } },
        ];
      }),
      Date.now(),
    );
  };
  const timer = setInterval(send, 1000);
  return () => clearInterval(timer);
}

async function readAll(plane: Plane, names: readonly string[]): Promise<void> {
  // Many at once share a commit.
  for (let at = 0; at < names.length; at += 50)
    await Promise.all(names.slice(at, at + 50).map((name) => plane.read(name)));
}

/** How long the work that waits longest has been due, looked at each second. */
function watchLateness({ store }: Plane) {
  const late: number[] = [];
  const timer = setInterval(async () => {
    const row = await store.read((tx) =>
      tx
        .selectFrom('work')
        .select('ready_at')
        .where('urgent', '=', 0)
        .where('owner', 'is', null)
        .orderBy('ready_at')
        .limit(1)
        .executeTakeFirst(),
    );
    late.push(Math.max(0, Date.now() - (row?.ready_at ?? Date.now())));
  }, 1000);
  return {
    stop: () => {
      clearInterval(timer);
      return late.sort((a, b) => a - b);
    },
  };
}

async function countSucceeded({ store }: Plane): Promise<number> {
  const { n } = await store.read((tx) =>
    tx
      .selectFrom('release')
      .select((of) => of.fn.countAll().as('n'))
      .where('state', '=', 'succeeded')
      .executeTakeFirstOrThrow(),
  );
  return Number(n);
}

async function listBaking({ store }: Plane): Promise<{ id: RolloutId; job: string }[]> {
  const live = await store.read((tx) =>
    tx.selectFrom('rollout').select(['id', 'job', 'body']).where('is_ended', '=', 0).execute(),
  );
  const baking = live.filter(({ body }) => {
    const { state, phases, currentPhase } = JSON.parse(body);
    return state === 'running' && phases[currentPhase]?.state === 'judging';
  });
  return baking.map(({ id, job }) => ({ id: id as RolloutId, job }));
}

async function until(isSo: () => Promise<boolean>, what: string): Promise<void> {
  const deadlineMs = Date.now() + 3_600_000;
  while (!(await isSo())) {
    if (Date.now() > deadlineMs) throw new Error(`not within an hour: ${what}`);
    await sleep(3000);
  }
}

function cpuMsSince(before: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

function megabytes(bytes: number): number {
  return round(bytes / 1e6);
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

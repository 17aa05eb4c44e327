/**
 * What a server's process needs for 1,000 idle pipelines (each with one finished release, deployed to one task), and
 * for 100 active rollouts (12 tasks each; a first task runs the new version and is judged every second): memory after
 * garbage collection and processor time, each less those of the same process with nothing in its database.
 * `node bench/memory.ts [--pipelines 1000] [--rollouts 100] [--seconds 20] [--runs 3]`.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { listAllEndpoints } from '../src/fleet/rows.ts';
import type { Sample, ServiceSpec } from '../src/model/index.ts';
import { compileSpec } from '../src/spec/index.ts';
import { describeMachine, median, writeResult } from './machine.ts';
import { openPlane, type Plane, type Repositories } from './plane.ts';
import { residentBytesOf } from './processes.ts';

const { values } = parseArgs({
  options: {
    ...{ pipelines: { type: 'string' }, rollouts: { type: 'string' }, seconds: { type: 'string' } },
    ...{ runs: { type: 'string' }, measure: { type: 'string' } },
  },
});
const seconds = Number(values.seconds ?? 20);

interface Figures {
  readonly heapMb: number;
  readonly rssMb: number;
  /** Of one core. */
  readonly cpuPercent: number;
}

if (values.measure !== undefined) console.log(JSON.stringify(await measure(values.measure)));
else await main();

async function main(): Promise<void> {
  const [pipelines, rollouts] = [Number(values.pipelines ?? 1000), Number(values.rollouts ?? 100)];
  const runs = Number(values.runs ?? 3);
  const machine = describeMachine();
  const folder = mkdtempSync(join(tmpdir(), 'rollway-memory-'));
  try {
    const files = { none: join(folder, 'none.db'), idle: join(folder, 'idle.db'), active: join(folder, 'active.db') };
    await fill(files.none, new Map());
    await fill(files.idle, new Map(names(pipelines).map((name) => [name, [idleSpec(name)]])));
    const first: Repositories = new Map(names(rollouts).map((name) => [name, [activeSpec(name, '0s')]]));
    await fill(files.active, first);
    for (const [name, commits] of first) commits.push(activeSpec(name, '2h'));
    await fill(files.active, first, rollouts);
    // One after the other, so that what else the machine does hits all of them.
    const all = { none: [] as Figures[], idle: [] as Figures[], active: [] as Figures[] };
    for (let run = 0; run < runs; run++)
      for (const key of ['none', 'idle', 'active'] as const) all[key].push(measureApart(files[key]));
    const [none, idle, active] = [medians(all.none), medians(all.idle), medians(all.active)];
    const figures = {
      'nothing in its database': none,
      '1,000 idle pipelines': {
        ...less(idle, none, 1000 / pipelines),
        databaseMb: megabytes(statSync(files.idle).size),
      },
      '100 active rollouts': {
        ...less(active, none, 100 / rollouts),
        databaseMb: megabytes(statSync(files.active).size),
      },
    };
    console.log(figures);
    console.log(`written to ${writeResult('memory', { machine, pipelines, rollouts, seconds, runs, figures, all })}`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function names(count: number): string[] {
  return Array.from({ length: count }, (_, i) => `service-${i}`);
}

function idleSpec(name: string): ServiceSpec {
  return specOf({ ...{ name, tasks: 1, test: 'make test' }, bake: { min: '0s', max: '0s' }, onUndecided: 'proceed' });
}

function activeSpec(name: string, bake: string): ServiceSpec {
  const rollout = { tasks: 12, budget: '25%', bake: { min: bake, max: bake }, onUndecided: 'proceed' };
  // Nothing was scraped between filling and measuring: that must not be a failure.
  const judge = { bin: '1s', warmup: '2s' };
  return specOf({ name, ...rollout, metrics: '/metrics', judge, checks: { errors: { required: false } } });
}

function specOf(wish: object): ServiceSpec {
  const whole = { command: 'node server.js', ready: { running: '1s' }, build: 'make', drain: '0s', ...wish };
  const compiled = compileSpec(whole, 'rollway.yaml');
  if (!compiled.ok) throw new Error(JSON.stringify(compiled.error));
  return compiled.value.spec;
}

// ---------------------------------------------------------------- filling

/** Lets every repository's newest commit go its way: to the end, or until so many rollouts are being judged. */
async function fill(file: string, repositories: Repositories, active?: number): Promise<void> {
  const plane = await openPlane(file, repositories);
  for (const name of repositories.keys()) await plane.read(name);
  const commits = [...repositories.values()].reduce((sum, list) => sum + list.length, 0);
  const deadlineMs = Date.now() + 900_000;
  for (;;) {
    const done = await countDone(plane);
    if (active === undefined ? done.releases === commits : done.judging === active) break;
    if (Date.now() > deadlineMs) throw new Error(`not within 15 minutes: ${JSON.stringify(done)} of ${commits}`);
    await sleep(200);
  }
  await plane.close();
}

async function countDone({ store }: Plane): Promise<{ releases: number; judging: number }> {
  return store.read(async (tx) => {
    const ended = await tx.selectFrom('release').select('state').where('state', '=', 'succeeded').execute();
    const live = await tx.selectFrom('rollout').select('body').where('is_ended', '=', 0).execute();
    const judging = live.filter(({ body }) => {
      const { state, phases, currentPhase } = JSON.parse(body);
      return state === 'running' && phases[currentPhase]?.state === 'judging';
    });
    return { releases: ended.length, judging: judging.length };
  });
}

// ---------------------------------------------------------------- measuring

/** In a process of its own, which has done nothing before. */
function measureApart(file: string): Figures {
  const args = ['--expose-gc', '--disable-warning=ExperimentalWarning', import.meta.filename, '--measure', file];
  return JSON.parse(execFileSync(process.execPath, [...args, '--seconds', String(seconds)], { encoding: 'utf8' }));
}

async function measure(file: string): Promise<Figures> {
  const plane = await openPlane(file, new Map());
  const before = await countDone(plane);
  await decideAll(plane);
  const stop = await sendSamples(plane);
  await sleep(5000);
  const beganMs = performance.now();
  const cpuBefore = process.cpuUsage();
  await sleep(seconds * 1000);
  const { user, system } = process.cpuUsage(cpuBefore);
  const tookMs = performance.now() - beganMs;
  for (let n = 0; n < 3; n++) {
    globalThis.gc?.();
    await sleep(100);
  }
  const { heapUsed, external } = process.memoryUsage();
  const figures = {
    heapMb: megabytes(heapUsed + external),
    rssMb: megabytes(residentBytesOf('self')),
    cpuPercent: ((user + system) / 1000 / tookMs) * 100,
  };
  stop();
  const after = await countDone(plane);
  if (JSON.stringify(after) !== JSON.stringify(before))
    throw new Error(`what was measured did not stay as it was: ${JSON.stringify([before, after])}`);
  await plane.close();
  return figures;
}

/** Every pipeline is decided once, so that what a server keeps of it is there. */
async function decideAll({ store, engine }: Plane): Promise<void> {
  const services = await store.read((tx) => tx.selectFrom('service').select('name').execute());
  await engine.enqueue(...services.map(({ name }) => ({ kind: 'pipeline/decide', key: name })));
  const isOpen = async () => {
    const rows = await store.read((tx) =>
      tx
        .selectFrom('work')
        .select('key')
        .whereRef('wanted', '>', 'done')
        .where('kind', '=', 'pipeline/decide')
        .execute(),
    );
    return rows.length > 0;
  };
  while (await isOpen()) await sleep(100);
}

/** What agents scrape each second of the tasks of judged services: two counters, a histogram, a gauge. */
async function sendSamples({ store, samples }: Plane): Promise<() => void> {
  const { tasks, judged } = await store.read(async (tx) => {
    const live = await tx.selectFrom('rollout').select('job').where('is_ended', '=', 0).execute();
    return { tasks: await listAllEndpoints(tx), judged: new Set<string>(live.map(({ job }) => job)) };
  });
  const scraped = tasks.filter(({ job, state }) => judged.has(job) && state === 'serving');
  const bounds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, Number.POSITIVE_INFINITY];
  const counts = [2, 4, 6, 4, 2, 1, 1, 0, 0, 0, 0, 0];
  const send = () => {
    const toMs = Math.floor(Date.now() / 1000) * 1000;
    samples.append(
      scraped.flatMap(({ job, index, incarnation, version, host }): Sample[] => {
        const base = { job, index, incarnation, version, state: 'serving', fromMs: toMs - 1000, toMs } as const;
        const labels = { host };
        return [
          { ...base, metric: 'http_requests_total', labels: { ...labels, code: '200' }, value: { counterDelta: 20 } },
          { ...base, metric: 'http_requests_total', labels: { ...labels, code: '500' }, value: { counterDelta: 0 } },
          {
            ...base,
            metric: 'http_request_duration_seconds',
            labels,
            value: { histogramDelta: { bounds, counts, sum: 1 } },
          },
          { ...base, metric: 'process_resident_memory_bytes', labels, value: { gauge: 5e7 } },
        ];
      }),
      Date.now(),
    );
  };
  const timer = setInterval(send, 1000);
  return () => clearInterval(timer);
}

// ---------------------------------------------------------------- numbers

function medians(all: readonly Figures[]): Figures {
  const of = (key: keyof Figures): number => round(median(all.map((one) => one[key])));
  return { heapMb: of('heapMb'), rssMb: of('rssMb'), cpuPercent: of('cpuPercent') };
}

function less(some: Figures, none: Figures, factor: number): Figures {
  const of = (key: keyof Figures): number => round((some[key] - none[key]) * factor);
  return { heapMb: of('heapMb'), rssMb: of('rssMb'), cpuPercent: of('cpuPercent') };
}

function megabytes(bytes: number): number {
  return round(bytes / 1e6);
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

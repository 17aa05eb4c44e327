/**
 * How many durable transitions a second: claim, load, decide, commit of state, guard, one effect, one event, one
 * follow-up, for rollouts of 12 tasks. `node bench/transition.ts [--n 4000] [--runs 5]`.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { createEngine, type Engine } from '../src/engine/index.ts';
import { realChance } from '../src/io/chance.ts';
import { realClock } from '../src/io/clock.ts';
import { openStore, type Store, type StoreOptions } from '../src/store/index.ts';
import { startPostgres } from '../src/store/testing/postgres.ts';
import { describeMachine, median, writeResult } from './machine.ts';
import { type Load, prepareLoad } from './transition-load.ts';

const { values } = parseArgs({ options: { n: { type: 'string' }, runs: { type: 'string' } } });
const n = Number(values.n ?? 4000);
const runs = Number(values.runs ?? 5);
let files = 0;
const machine = describeMachine();
const folder = mkdtempSync(join(tmpdir(), 'rollway-bench-'));

try {
  const figures = {
    'sqlite, durable': await measure(fileStore, drive),
    'sqlite, durable, effects carried out': await measure(fileStore, drive, { withEffects: true }),
    'sqlite in memory, step by step': await measure(async () => ({ kind: 'sqlite', path: ':memory:' }), stepThrough),
    ...(await measurePostgres()),
  };
  for (const [name, { perSecond, all, cpuMicrosEach }] of Object.entries(figures)) {
    console.log(
      `${name}: ${perSecond} transitions/s (median of ${all.length}: ${all.join(', ')}), ${cpuMicrosEach} µs of CPU each`,
    );
  }
  console.log(
    `written to ${writeResult('transition', { machine, n, runs, tasks: 12, unit: 'transitions/s', figures })}`,
  );
} finally {
  rmSync(folder, { recursive: true, force: true });
}

async function fileStore(): Promise<StoreOptions> {
  files += 1;
  return { kind: 'sqlite', path: join(folder, `${files}.db`) };
}

type Drive = (engine: Engine, load: Load) => Promise<void>;

async function measure(options: () => Promise<StoreOptions>, driveIt: Drive, extra: { withEffects?: boolean } = {}) {
  const all: number[] = [];
  const cpu: number[] = [];
  let met = 0;
  const startedAt = performance.now();
  // The first one warms up and is not counted.
  for (let run = 0; run <= runs; run++) {
    const store = await openStore(await options());
    const { rate, cpuMicros, deadlocks } = await measureOnce(store, driveIt, extra.withEffects === true);
    await store.close();
    if (run === 0) continue;
    all.push(Math.round(rate));
    cpu.push(Math.round(cpuMicros));
    met += deadlocks;
  }
  return {
    perSecond: median(all),
    all,
    cpuMicrosEach: median(cpu),
    ...(met > 0 ? { deadlocks: met } : {}),
    durationMs: Math.round(performance.now() - startedAt),
  };
}

async function measureOnce(store: Store, driveIt: Drive, withEffects: boolean) {
  let deadlocks = 0;
  const engine = createEngine({
    store,
    clock: realClock,
    chance: realChance,
    processId: 'bench',
    onTrouble: ({ what, error }) => {
      // Two transactions met head-on: the engine does it again, which costs time but nothing else.
      if (error instanceof Error && 'code' in error && error.code === '40P01') deadlocks += 1;
      else throw new Error(what, { cause: error });
    },
  });
  const load = await prepareLoad(store, engine, { transitions: n, jobs: 16, tasks: 12, withEffects });
  const startedAt = performance.now();
  const cpuBefore = process.cpuUsage();
  await driveIt(engine, load);
  const { user, system } = process.cpuUsage(cpuBefore);
  const seconds = (performance.now() - startedAt) / 1000;
  await load.check();
  // Of this process: on a busy machine it says more than the rate does.
  return { rate: n / seconds, cpuMicros: (user + system) / n, deadlocks };
}

async function drive(engine: Engine, load: Load): Promise<void> {
  const stop = new AbortController();
  const running = engine.run(stop.signal);
  await Promise.race([load.isOver, running]);
  stop.abort();
  await running;
}

async function stepThrough(engine: Engine): Promise<void> {
  while (await engine.step());
}

async function measurePostgres(): Promise<Record<string, Awaited<ReturnType<typeof measure>>>> {
  const postgres = await startPostgres({ isDurable: true });
  if ('impossible' in postgres) {
    console.log(`postgres: not measured (${postgres.impossible})`);
    return {};
  }
  try {
    const options = async (): Promise<StoreOptions> => ({ kind: 'postgres', url: await postgres.createDatabase() });
    return { 'postgres, durable, 4 turns at a time': await measure(options, drive) };
  } finally {
    await postgres.stop();
  }
}

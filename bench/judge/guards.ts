/**
 * What the guards do without any history of the service: how many harmless versions they stop, and how many of each
 * fault they catch within a minute, on services of one to twelve tasks of which only the fleet speaks.
 * `node bench/judge/guards.ts [--harmless 600] [--runs 40]` writes `bench/results/judge-guards.json`.
 */
import { parseArgs } from 'node:util';
import { type GuardWorld, watchGuards } from '../../src/judge/testing/guard-world.ts';
import { compileSpec } from '../../src/spec/index.ts';
import { binomialInterval } from '../../src/stats/index.ts';
import { describeMachine, median, writeResult } from '../machine.ts';

const { values } = parseArgs({
  options: { harmless: { type: 'string', default: '600' }, runs: { type: 'string', default: '40' } },
});
const compiled = compileSpec({ name: 'shop', command: 'node server.js' }, 'rollway.yaml');
if (!compiled.ok) throw new Error('the smallest configuration is refused');
const { judge } = compiled.value.spec;

/** Tasks and new ones among them: one of one, the first of three, all of three, two of six, three of twelve. */
const sizes: readonly GuardWorld[] = [
  { tasks: 1, newTasks: 1 },
  { tasks: 3, newTasks: 1 },
  { tasks: 3, newTasks: 3 },
  { tasks: 6, newTasks: 2 },
  { tasks: 12, newTasks: 3 },
];
/** How busy they are, how empty they start, and what a start costs. */
function worldOf(seed: number): GuardWorld {
  return {
    ...sizes[seed % sizes.length]!,
    seed,
    cpu: [0.003, 0.05, 0.4][seed % 3]!,
    emptiness: [0.5, 0.8, 1][Math.floor(seed / 3) % 3]!,
    burst: [0.2, 0.5, 0.9][Math.floor(seed / 9) % 3]!,
  };
}
/** Harmless too, and told apart from a fault only by their end: compilers and caches that take long to warm up. */
const longStarts: readonly (readonly [string, (world: GuardWorld) => Partial<GuardWorld>])[] = [10, 20, 40].map(
  (seconds) => [
    `harmless: a start that takes 0.9 cores, halving every ${seconds} s`,
    () => ({ burst: 0.9, burstHalves: seconds }),
  ],
);
const faults: readonly (readonly [string, (world: GuardWorld) => Partial<GuardWorld>])[] = [
  ['CPU ×2', ({ cpu }) => ({ newCpu: cpu! * 2 })],
  ['CPU ×5', ({ cpu }) => ({ newCpu: cpu! * 5 })],
  ['CPU: a whole core', () => ({ newCpu: 1 })],
  ['memory ×1.5', ({ emptiness }) => ({ emptiness: emptiness! * 1.5 })],
  ['a leak of 1 MiB a second', () => ({ leak: 1 })],
  ['a leak of 5 MiB a second', () => ({ leak: 5 })],
  ['each new task starts again every 15 s', () => ({ restartEvery: 15 })],
  ['a third of the readiness probes fail', () => ({ unready: 0.33 })],
];

const percent = (k: number, n: number) => {
  const [low, high] = binomialInterval(k, n);
  return { percent: Math.round((1000 * k) / n) / 10, interval: [low, high].map((x) => Math.round(1000 * x) / 10) };
};
function tried(runs: number, fault: (world: GuardWorld) => Partial<GuardWorld>) {
  const seconds: number[] = [];
  for (let seed = 1; seed <= runs; seed += 1) {
    const world = worldOf(seed);
    const { verdict, second } = watchGuards({ ...world, ...fault(world) }, judge);
    if (verdict.verdict === 'fail') seconds.push(second - 240);
  }
  const found = percent(seconds.length, runs);
  return { runs, stopped: seconds.length, ...found, ...(seconds.length > 0 && { medianSeconds: median(seconds) }) };
}

const machine = describeMachine();
const harmless = tried(Number(values.harmless), () => ({}));
console.log(JSON.stringify({ fault: 'none (harmless)', ...harmless }));
const lines = [...longStarts, ...faults].map(([fault, of]) => {
  const line = { fault, ...tried(Number(values.runs), of) };
  console.log(JSON.stringify(line));
  return line;
});
writeResult('judge-guards', { machine, harmless, lines });

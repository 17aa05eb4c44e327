/**
 * Performance tests of real builds on this machine (T1): how often a build that takes 2 % more processor time is found,
 * and how often the same build twice is. The process that an agent starts is run as it is.
 *
 *     node bench/perf-test.ts --runs 20
 */
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs, promisify } from 'node:util';
import type { PerfTask } from '../src/agent/perf/task.ts';
import { judgePerf } from '../src/judge/index.ts';
import { binomialInterval } from '../src/stats/index.ts';
import { median, writeResult } from './machine.ts';

const { values } = parseArgs({ options: { runs: { type: 'string', default: '20' } } });
const runs = Number(values.runs);
const main = fileURLToPath(new URL('../src/agent/perf/main.ts', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'rollway-perf-'));
/** A loop of so many rounds, and what processor time it took. */
const program = (rounds: number) => `
let sum = 0;
const before = process.cpuUsage();
for (let i = 0; i < ${rounds}; i += 1) sum = (sum * 1103515245 + i) % 2147483647;
const { user, system } = process.cpuUsage(before);
console.log('checksum ' + sum);
console.log('microseconds ' + (user + system));
`;
const rounds = 30_000_000;

function build(name: string, of: number): string {
  const place = join(folder, name);
  mkdirSync(place, { recursive: true });
  writeFileSync(join(place, 'bench.js'), program(of));
  return place;
}

async function compare(fresh: string, seed: number) {
  const order = {
    ...{ command: [process.execPath, 'bench.js'], measure: { output: 'microseconds' }, better: 'lower' as const },
    ...{ delta: 0.005, margin: 0.02, alpha: 0.01, minPairs: 10, maxPairs: 60, seed },
  };
  const output = join(folder, 'pairs.json');
  const task: PerfTask = { order, folders: { old: build('old', rounds), new: fresh }, output, endsInMs: 600_000 };
  const file = join(folder, 'task.json');
  writeFileSync(file, JSON.stringify(task));
  await promisify(execFile)(process.execPath, ['--no-warnings', main, file]);
  const pairs = (JSON.parse(readFileSync(output, 'utf8')) as [number, number][]).map(([old, one]) => ({
    old,
    new: one,
  }));
  return judgePerf(order, pairs);
}

const lines = [];
for (const [name, share] of [
  ['the same build twice', 1],
  ['2 % more work', 1.02],
  ['5 % more work', 1.05],
] as const) {
  const fresh = build('new', Math.round(rounds * share));
  const counts = { pass: 0, fail: 0, undecided: 0 };
  const pairs: number[] = [];
  for (let seed = 1; seed <= runs; seed += 1) {
    const seen = await compare(fresh, seed);
    counts[seen.verdict] += 1;
    pairs.push(seen.pairs);
  }
  const line = {
    ...{ name, runs, ...counts, called: (100 * counts.fail) / runs, interval: binomialInterval(counts.fail, runs) },
    medianPairs: median(pairs),
  };
  lines.push(line);
  console.log(JSON.stringify(line));
}
rmSync(folder, { recursive: true, force: true });
writeResult('perf-test', { delta: 0.005, margin: 0.02, alpha: 0.01, figures: lines });

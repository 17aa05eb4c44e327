// node sim/soak.ts --hours 8 --seeds 1..5000000       decisions on all cores, resumed where it was left
// node sim/soak.ts --depth whole --seeds 1..50000
import { type ChildProcess, execFileSync, fork } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus } from 'node:os';
import { dirname } from 'node:path';
import { parseArgs } from 'node:util';
import { missingEdges } from './coverage.ts';
import type { SoakChunk, SoakReply } from './soak-worker.ts';

const { values } = parseArgs({
  options: {
    depth: { type: 'string', default: 'decisions' },
    hours: { type: 'string', default: '8' },
    seeds: { type: 'string', default: '1..5000000' },
    cores: { type: 'string', default: String(availableParallelism()) },
    out: { type: 'string', default: 'bench/results/soak.json' },
    fresh: { type: 'boolean', default: false },
  },
});

interface Progress {
  readonly depth: string;
  readonly from: number;
  readonly to: number;
  /** Every seed below it was run. */
  next: number;
  runs: number;
  seconds: number;
  violations: { seed: number; what: string }[];
  coverage: Record<string, number>;
}

const [from, to] = rangeOf(values.seeds);
const depth = values.depth === 'whole' ? 'whole' : 'decisions';
const chunkSize = depth === 'whole' ? 20 : 500;
const progress = resume();
const startSeed = progress.next;
const startedAt = performance.now();
const until = startedAt + Number(values.hours) * 3_600_000;
let handedOut = progress.next;
let toldAt = 0;
const waiting = new Map<number, SoakReply>();
const workers = Array.from({ length: Number(values.cores) }, () => startWorker());
process.once('SIGINT', () => {
  console.log('\nstopping: what is done is kept; the same command goes on from there');
  for (const worker of workers) worker.disconnect();
});
await Promise.all(workers.map((worker) => new Promise((resolve) => worker.once('exit', resolve))));
save();
tell();
const missing = missingEdges(progress.coverage);
console.log(missing.length === 0 ? 'every edge of the state tables was seen' : `not seen: ${missing.join('; ')}`);
if (progress.violations.length > 0) process.exitCode = 1;

function startWorker(): ChildProcess {
  const worker = fork(new URL('./soak-worker.ts', import.meta.url), { stdio: 'inherit' });
  worker.on('message', (reply: SoakReply) => {
    waiting.set(reply.from, reply);
    take();
    if (worker.connected) give(worker);
  });
  give(worker);
  return worker;
}

function give(worker: ChildProcess): void {
  const isOver = performance.now() > until || handedOut > to || progress.violations.length >= 20;
  if (isOver) {
    worker.disconnect();
    return;
  }
  const chunk: SoakChunk = { depth, from: handedOut, to: Math.min(to, handedOut + chunkSize - 1) };
  handedOut = chunk.to + 1;
  worker.send(chunk);
}

/** Takes chunks in their order, so that the file can name one seed to go on from. */
function take(): void {
  for (let reply = waiting.get(progress.next); reply !== undefined; reply = waiting.get(progress.next)) {
    waiting.delete(reply.from);
    progress.next = reply.to + 1;
    progress.runs += reply.to - reply.from + 1;
    progress.violations.push(...reply.violations);
    for (const { seed, what } of reply.violations) {
      console.log(`seed ${seed}: ${what.slice(0, 500)}`);
      console.log(`  made short by: node sim/run.ts --depth ${depth} --seed ${seed} --shrink ${depth}-${seed}.json`);
    }
    for (const [edge, count] of Object.entries(reply.coverage)) {
      progress.coverage[edge] = (progress.coverage[edge] ?? 0) + count;
    }
  }
  save();
}

function save(): void {
  const seconds = (performance.now() - startedAt) / 1000;
  const file = { ...progress, seconds: progress.seconds + seconds };
  const facts = {
    commit: execFileSync('git', ['rev-parse', 'HEAD'], { encoding: 'utf8' }).trim(),
    machine: `${cpus().length} × ${cpus()[0]?.model ?? 'unknown'}, Node ${process.version}`,
    scenariosPerSecond: Math.round((10 * file.runs) / file.seconds) / 10,
  };
  mkdirSync(dirname(values.out), { recursive: true });
  const all = existsSync(values.out) ? (JSON.parse(readFileSync(values.out, 'utf8')) as Record<string, unknown>) : {};
  writeFileSync(values.out, `${JSON.stringify({ ...all, [depth]: { ...file, ...facts } }, null, 2)}\n`);
  if (performance.now() - toldAt > 10_000) {
    toldAt = performance.now();
    tell();
  }
}

function tell(): void {
  const seconds = (performance.now() - startedAt) / 1000;
  const { next, runs, violations } = progress;
  const edges = Object.keys(progress.coverage).length;
  console.log(
    `${depth}: ${runs} runs, next seed ${next}, ${((next - startSeed) / seconds).toFixed(0)} a second, ` +
      `${violations.length} violations, ${edges} edges covered`,
  );
}

function resume(): Progress {
  const blank = { depth, from, to, next: from, runs: 0, seconds: 0, violations: [], coverage: {} };
  if (values.fresh || !existsSync(values.out)) return blank;
  const all = JSON.parse(readFileSync(values.out, 'utf8')) as Record<string, Progress | undefined>;
  const known = all[depth];
  return known?.from === from && known.next > from ? { ...known, to } : blank;
}

function rangeOf(text: string): [number, number] {
  const [a = 1, b = a] = text.split('..').map(Number);
  return [a, b];
}

import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { isNewFirst, judgePerf, type PerfPair } from '../../judge/index.ts';
import { measureOnce } from './measure.ts';
import type { PerfTask } from './task.ts';

/**
 * Runs two builds by turns until it can be told whether the new one is slower, all pairs are run, or time is up. A
 * process of its own, under a keeper like any command, so that a new agent does not disturb it. What it measured is
 * written down after each pair; what that means is decided by whoever reads it.
 */
const [, , file = ''] = process.argv;
const task = JSON.parse(readFileSync(file, 'utf8')) as PerfTask;
const { order, folders, output, endsInMs } = task;
const startedAt = performance.now();
/** A shorter measurement of ours is repeated: the processor's time is told in hundredths of a second. */
const shortestMs = 1000;
const mostRepeats = 20;

async function run(build: 'old' | 'new', repeats: number): Promise<{ value: number; seconds: number }> {
  let sum = 0;
  let seconds = 0;
  for (let i = 0; i < repeats; i += 1) {
    const measured = await measureOnce(order.command, folders[build], order.measure);
    if (!measured.ok) {
      console.error(`The ${build} build: ${order.command.join(' ')}: ${measured.why}`);
      process.exit(1);
    }
    sum += measured.value;
    seconds += measured.seconds;
  }
  return { value: sum / repeats, seconds };
}

const warm = [await run('old', 1), await run('new', 1)];
const shortest = Math.max(0.001, Math.min(...warm.map(({ seconds }) => seconds)));
const isOurs = typeof order.measure === 'string';
const wanted = Math.min(mostRepeats, Math.max(1, Math.ceil(shortestMs / 1000 / shortest)));
const repeats = isOurs ? wanted : 1;
const pairs: PerfPair[] = [];
let longestMs = 0;
for (;;) {
  const begunAt = performance.now();
  const pair = { old: 0, new: 0 };
  const builds = isNewFirst(order.seed, pairs.length) ? (['new', 'old'] as const) : (['old', 'new'] as const);
  for (const build of builds) pair[build] = (await run(build, repeats)).value;
  pairs.push(pair);
  writeFileSync(`${output}.next`, JSON.stringify(pairs.map((one) => [one.old, one.new])));
  renameSync(`${output}.next`, output);
  const seen = judgePerf(order, pairs);
  const now = seen.worse === undefined ? '' : `; so far ${(seen.worse * 100).toFixed(1)} % worse`;
  console.log(`pair ${pairs.length} of at most ${order.maxPairs}: old ${show(pair.old)}, new ${show(pair.new)}${now}`);
  longestMs = Math.max(longestMs, performance.now() - begunAt);
  // The action's timeout would fail it: what there is by then is worth more.
  const isLate = performance.now() - startedAt + 1.5 * longestMs > endsInMs;
  if (isLate && !seen.isDone) console.log('There is no time for another pair.');
  if (seen.isDone || isLate) break;
}
console.log(judgePerf(order, pairs).sentence);

function show(value: number): string {
  return isOurs ? `${value.toFixed(3)} s` : String(value);
}

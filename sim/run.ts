// node sim/run.ts --depth decisions --seed 42 --trace        one run, told line by line
// node sim/run.ts --depth decisions --seeds 1..1000          many, with a count
import { parseArgs } from 'node:util';
import { scenarioOf } from './scenario.ts';
import { closeWhole, runWhole } from './whole.ts';
import { runDecisions } from './world.ts';

const { values } = parseArgs({
  options: {
    depth: { type: 'string', default: 'decisions' },
    seed: { type: 'string' },
    seeds: { type: 'string', default: '1..200' },
    trace: { type: 'boolean', default: false },
  },
});

const [from, to] = values.seed === undefined ? rangeOf(values.seeds) : [Number(values.seed), Number(values.seed)];
const startedAt = performance.now();
const cpuAtStart = process.cpuUsage();
let decisions = 0;
let events = 0;
const outcomes = new Map<string, number>();
const failed: number[] = [];
for (let seed = from; seed <= to; seed++) {
  const trace = values.trace ? (line: string) => console.log(line) : undefined;
  const options = trace === undefined ? {} : { trace };
  const scenario = scenarioOf(seed);
  const result = values.depth === 'whole' ? await runWhole(scenario, options) : runDecisions(scenario, options);
  decisions += result.decisions;
  events += result.events;
  for (const outcome of result.outcomes) outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
  if (result.violation !== undefined) {
    failed.push(seed);
    if (failed.length <= 5) console.log(`seed ${seed}: ${result.violation.message.slice(0, 1500)}`);
  }
}
await closeWhole();
const seconds = (performance.now() - startedAt) / 1000;
const cpuSeconds = process.cpuUsage(cpuAtStart).user / 1e6;
const runs = to - from + 1;
console.log(
  `${runs} runs, ${failed.length} violations, ${(runs / seconds).toFixed(0)} runs/s (${(runs / cpuSeconds).toFixed(0)} per second of processor), ` +
    `${(decisions / runs).toFixed(1)} decisions and ${(events / runs).toFixed(1)} events a run; ` +
    [...outcomes].map(([state, count]) => `${count} ${state}`).join(', '),
);
if (failed.length > 0) {
  console.log(`seeds: ${failed.slice(0, 20).join(', ')}`);
  process.exitCode = 1;
}

function rangeOf(text: string): [number, number] {
  const [a, b] = text.split('..').map(Number);
  return [a ?? 1, b ?? a ?? 1];
}

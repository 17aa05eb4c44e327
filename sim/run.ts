// node sim/run.ts --depth decisions --seed 42 --trace        one run, told line by line
// node sim/run.ts --depth decisions --seeds 1..1000          many, with a count, and which edges of the state tables they missed
// node sim/run.ts --depth whole --seed 42 --shrink 42.json   a failing one made short and written down
// node sim/run.ts --replay 42.json --trace                   and seen again
import { parseArgs } from 'node:util';
import { missingEdges } from './coverage.ts';
import { readScript, writeScript } from './replay.ts';
import { scenarioOf } from './scenario.ts';
import { closeWhole, runWhole } from './whole.ts';
import { runDecisions } from './world.ts';

const { values } = parseArgs({
  options: {
    depth: { type: 'string', default: 'decisions' },
    seed: { type: 'string' },
    seeds: { type: 'string', default: '1..200' },
    trace: { type: 'boolean', default: false },
    shrink: { type: 'string' },
    replay: { type: 'string' },
  },
});

const script = values.replay === undefined ? undefined : readScript(values.replay);
const depth = (script?.depth ?? values.depth) === 'whole' ? 'whole' : 'decisions';
if (values.shrink !== undefined) {
  const { breaks, scenario } = await writeScript(depth, scenarioOf(Number(values.seed)), values.shrink);
  await closeWhole();
  console.log(`${values.shrink}: ${scenario.happenings.length} happenings that break ${breaks}`);
  process.exit();
}
const [from, to] =
  script !== undefined
    ? [0, 0]
    : values.seed === undefined
      ? rangeOf(values.seeds)
      : [Number(values.seed), Number(values.seed)];
const startedAt = performance.now();
const cpuAtStart = process.cpuUsage();
let decisions = 0;
let events = 0;
const outcomes = new Map<string, number>();
let forced = 0;
const failed: number[] = [];
const covered = new Set<string>();
for (let seed = from; seed <= to; seed++) {
  const trace = values.trace ? (line: string) => console.log(line) : undefined;
  const cover = (edge: string): unknown => covered.add(edge);
  const options = trace === undefined ? { cover } : { trace, cover };
  const scenario = script?.scenario ?? scenarioOf(seed);
  const result = depth === 'whole' ? await runWhole(scenario, options) : runDecisions(scenario, options);
  decisions += result.decisions;
  events += result.events;
  forced += result.forced;
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
    [...[...outcomes].map(([state, count]) => `${count} ${state}`), `${forced} stops forced`].join(', '),
);
const missing = missingEdges(covered);
if (to - from >= 1000 && missing.length > 0) console.log(`edges of the state tables not seen: ${missing.join('; ')}`);
if (failed.length > 0) {
  console.log(`seeds: ${failed.slice(0, 20).join(', ')}`);
  process.exitCode = 1;
}

function rangeOf(text: string): [number, number] {
  const [a, b] = text.split('..').map(Number);
  return [a ?? 1, b ?? a ?? 1];
}

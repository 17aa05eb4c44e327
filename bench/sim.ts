/**
 * How many runs and rollouts a second the simulator does on one core, at both depths. One run = 12 tasks, 3 phases, at
 * least 4 faults, judge and marks on, invariants checked after every event.
 * `node bench/sim.ts [--decisions 2000] [--whole 150] [--runs 5]`.
 */
import { parseArgs } from 'node:util';
import { type Scenario, scenarioOf } from '../sim/scenario.ts';
import { closeWhole, runWhole } from '../sim/whole.ts';
import { type RunResult, runDecisions } from '../sim/world.ts';
import { describeMachine, median, writeResult } from './machine.ts';

const { values } = parseArgs({
  options: { decisions: { type: 'string' }, whole: { type: 'string' }, runs: { type: 'string' } },
});
const runs = Number(values.runs ?? 5);
const machine = describeMachine();

const figures = {
  decisions: await measure(Number(values.decisions ?? 2000), (scenario) => runDecisions(scenario)),
  whole: await measure(Number(values.whole ?? 150), (scenario) => runWhole(scenario)),
};
await closeWhole();
for (const [depth, { runsPerSecond, rolloutsPerSecond, runsPerWallSecond, violations }] of Object.entries(figures))
  console.log(
    `${depth}: ${runsPerSecond} runs and ${rolloutsPerSecond} rollouts per second of processor ` +
      `(${runsPerWallSecond} runs/s by the clock), ${violations} violations`,
  );
console.log(`written to ${writeResult('sim', { machine, runs, unit: 'per second of processor time', figures })}`);

/** The same seeds each time; the first time warms up and is not counted. */
async function measure(seeds: number, simulate: (scenario: Scenario) => RunResult | Promise<RunResult>) {
  const byCpu: number[] = [];
  const byClock: number[] = [];
  let rollouts = 0;
  let decisions = 0;
  let violations = 0;
  for (let run = 0; run <= runs; run++) {
    rollouts = 0;
    decisions = 0;
    violations = 0;
    const beganMs = performance.now();
    const cpuBefore = process.cpuUsage();
    for (let seed = 1; seed <= seeds; seed++) {
      const result = await simulate(scenarioOf(seed));
      rollouts += result.outcomes.length;
      decisions += result.decisions;
      if (result.violation !== undefined) violations += 1;
    }
    const { user, system } = process.cpuUsage(cpuBefore);
    if (run === 0) continue;
    byCpu.push((seeds / (user + system)) * 1e6);
    byClock.push((seeds / (performance.now() - beganMs)) * 1000);
  }
  const runsPerSecond = median(byCpu);
  return {
    seeds,
    violations,
    runsPerSecond: Math.round(runsPerSecond),
    rolloutsPerSecond: Math.round((runsPerSecond * rollouts) / seeds),
    decisionsPerRun: Math.round(decisions / seeds),
    all: byCpu.map(Math.round),
    runsPerWallSecond: Math.round(median(byClock)),
  };
}

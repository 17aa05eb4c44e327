/**
 * A job of 15,000 tasks: how long one decision takes – the first of a rollout, one with a single report, one with a
 * whole batch –, the plan for people, and loading, deciding and committing on a durable SQLite.
 * `node bench/plan-size.ts [--tasks 15000] [--runs 9]`.
 */
import { strict as assert } from 'node:assert';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { appendReports, saveOperation, saveTask } from '../src/disruption/rows.ts';
import { createEngine, type Engine } from '../src/engine/index.ts';
import * as fleet from '../src/fleet/rows.ts';
import { realChance } from '../src/io/chance.ts';
import { realClock } from '../src/io/clock.ts';
import { insertVersion } from '../src/pipeline/rows.ts';
import { type JobState, ownStrategies } from '../src/rollout/index.ts';
import * as rows from '../src/rollout/rows.ts';
import { rolloutWork } from '../src/rollout/work.ts';
import { decidePlan } from '../src/server/plan.ts';
import { compileSpec } from '../src/spec/index.ts';
import { openStore, type Store } from '../src/store/index.ts';
import { largeJob, plan, Steps } from './large-job.ts';
import { describeMachine, median, writeResult } from './machine.ts';

const { values } = parseArgs({ options: { tasks: { type: 'string' }, runs: { type: 'string' } } });
const tasks = Number(values.tasks ?? 15_000);
const runs = Number(values.runs ?? 9);
const machine = describeMachine();
/** Of reports: none is numbered like another. */
let sequence = 0;

const planned = whatToPlan();
const first = largeJob(tasks);
const one = stateWithReports(1);
const batch = stateWithReports(Number.POSITIVE_INFINITY);
const figures = {
  'decide, first of the rollout': time(() => new Steps(first).decide()),
  'decide, one report': time(() => new Steps(one).decide()),
  [`decide, ${batch.reports.length} reports`]: time(() => new Steps(batch).decide()),
  'plan of five phases': time(planForPeople),
  ...(await timeCommits()),
};
for (const [name, { medianMs, cpuMs }] of Object.entries(figures))
  console.log(`${name}: ${medianMs} ms (${cpuMs} ms of processor)`);
console.log(`written to ${writeResult('plan-size', { machine, tasks, runs, unit: 'ms', figures })}`);

/** In the fourth phase, of half the job: so many of the tasks that are being updated have just been reported. */
function stateWithReports(count: number): JobState {
  const steps = new Steps(largeJob(tasks));
  for (let n = 0; n < 100; n++) {
    const phase = steps.state.rollouts[0]?.currentPhase ?? 0;
    if (phase === 3 && steps.state.reports.length === Math.floor(tasks / 10)) break;
    steps.take(steps.decide());
  }
  const { state } = steps;
  assert(state.rollouts[0]?.currentPhase === 3 && state.reports.length > 1);
  return { ...state, reports: state.reports.slice(0, count) };
}

function time(act: () => unknown) {
  const all: number[] = [];
  const cpu: number[] = [];
  // The first three warm up.
  for (let run = -3; run < runs; run++) {
    const beganMs = performance.now();
    const before = process.cpuUsage();
    act();
    const { user, system } = process.cpuUsage(before);
    if (run < 0) continue;
    all.push(performance.now() - beganMs);
    cpu.push((user + system) / 1000);
  }
  return summary(all, cpu);
}

function summary(all: readonly number[], cpu: readonly number[]) {
  const round = (value: number): number => Math.round(value * 10) / 10;
  return { medianMs: round(median(all)), mostMs: round(Math.max(...all)), cpuMs: round(median(cpu)) };
}

function planForPeople() {
  const view = decidePlan({
    spec: planned.spec,
    job: { job: undefined, spec: planned.spec.environments[0]!, plan: planned.action.plan },
    environment: planned.action.environment,
    commit: 'c0ffee',
    places: planned.places,
    from: [],
    marks: [],
    hasHosts: true,
    strategies: ownStrategies,
    promises: [],
    nowMs: 0,
  });
  assert(view.phases.length === 5);
}

function whatToPlan() {
  const compiled = compileSpec({ name: 'guestbook', command: 'node server.js', tasks }, 'rollway.yaml');
  if (!compiled.ok) throw new Error(JSON.stringify(compiled.error));
  const { spec } = compiled.value;
  const action = spec.pipeline.actions.find((one) => one.type === 'deploy');
  assert(action);
  const { hosts, placements } = largeJob(tasks).inventory;
  const labels = new Map(hosts.map((host) => [host.id, host.labels]));
  const places = placements.map(({ index, host }) => ({ index, host, labels: labels.get(host)! }));
  return { spec, action: { ...action, plan }, places };
}

/** On a durable SQLite: a decision in a process that knows nothing of the job yet, one in a process that does, and none. */
async function timeCommits() {
  const folder = mkdtempSync(join(tmpdir(), 'rollway-plan-size-'));
  const store = await openStore({ kind: 'sqlite', path: join(folder, 'rollway.db') });
  try {
    await storeState(store, one);
    return {
      'load + decide + commit, one report, just started': await timeTurns(store, 'job/decide', 'anew'),
      'load + decide + commit, one report': await timeTurns(store, 'job/decide', 'known'),
      'load + commit, one report of what is known': await timeTurns(store, 'job/observe', 'known'),
    };
  } finally {
    await store.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function timeTurns(store: Store, kind: 'job/decide' | 'job/observe', memory: 'anew' | 'known') {
  const open = (): Engine => {
    const engine = createEngine({ store, clock: realClock, chance: realChance, processId: 'bench' });
    const world = { clock: realClock, driverOf: () => assert.fail('nothing is sent out here') };
    for (const work of rolloutWork(world).work) engine.registerWork(work);
    return engine;
  };
  let engine = open();
  const [report] = one.reports;
  const all: number[] = [];
  const cpu: number[] = [];
  for (let run = -2; run < runs; run++) {
    if (memory === 'anew') engine = open();
    sequence += 1;
    // The first ends an operation, the others say once more that the task serves.
    const operation = sequence === 1 ? report!.operation : undefined;
    const next = { ...report!, sequence: report!.sequence + sequence, operation };
    await engine.append({ write: (tx) => appendReports(tx, [next]), work: [{ kind, key: one.job.id }] });
    const beganMs = performance.now();
    const before = process.cpuUsage();
    assert(await engine.step());
    const { user, system } = process.cpuUsage(before);
    if (run < 0) continue;
    all.push(performance.now() - beganMs);
    cpu.push((user + system) / 1000);
  }
  return summary(all, cpu);
}

async function storeState(
  store: Store,
  { job, assignment, rollouts, operations, tasks: all, inventory, versions }: JobState,
) {
  await store.transaction(async (tx) => {
    for (const host of inventory.hosts) {
      await fleet.insertHost(tx, host.id, 'key', '0.1.0', 0);
      const facts = {
        address: '127.0.0.1',
        labels: host.labels,
        capacity: host.capacity,
        abilities: [],
        agentVersion: '0.1.0',
      };
      await fleet.updateHostFacts(tx, host.id, facts, 0);
      await fleet.updateHostState(tx, host.id, 'up', 0);
    }
    await rows.ensureJob(tx, job, 0);
    await rows.updateJobInForce(tx, job);
    for (const version of versions.values()) await insertVersion(tx, version);
    for (const row of assignment.values()) await rows.saveAssignment(tx, row);
    for (const rollout of rollouts) await rows.insertRollout(tx, rollout);
    for (const operation of operations) await saveOperation(tx, operation);
    for (const task of all.values()) await saveTask(tx, job.id, task);
    for (const placement of inventory.placements) await fleet.insertPlacement(tx, placement);
  });
}

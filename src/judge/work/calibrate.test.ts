import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createEngine, type Engine } from '../../engine/index.ts';
import { seededChance } from '../../kit/index.ts';
import type { JudgeSpec, Rollout, RolloutId, Sample } from '../../model/index.ts';
import { insertRevision, saveService } from '../../pipeline/rows.ts';
import { newRollout } from '../../rollout/index.ts';
import { insertRollout, saveRollout } from '../../rollout/rows.ts';
import { openStore, type Store } from '../../store/index.ts';
import { openSampleStore, type SampleStore } from '../index.ts';
import { plainCheck } from '../plain-check.ts';
import { findCalibration, findCalibrationTurn, listCalibrationRuns } from '../rows.ts';
import { calibrateFrom, calibrateWork } from './calibrate.ts';

const job = 'shop@production' as const;
const binMs = 1000;
const t0 = 1_700_000_000_000;
const hourMs = 3_600_000;
const check = {
  ...plainCheck,
  ...{ name: 'queue', class: 'system', metric: { gauge: 'queue' }, worse: 'higher', delta: 0.01, margin: 0.1 },
  ...{ critical: true, required: false, trust: 'revert' },
} as JudgeSpec['checks'][number];
const spec: JudgeSpec = { checks: [check], failShare: 0.5, alpha: 0.05, binMs, warmupMs: binMs };

let store: Store;
let engine: Engine;
let samples: SampleStore;
let nowMs: number;

beforeEach(async () => {
  nowMs = t0;
  store = await openStore({ kind: 'sqlite', path: ':memory:' });
  samples = await openSampleStore({ nowMs });
  openEngine();
});
afterEach(async () => {
  await samples.close();
  await store.close();
});

function openEngine(): void {
  const clock = { nowMs: () => nowMs, sleepUntil: () => Promise.resolve() };
  const settings = { isSoleProcess: true };
  engine = createEngine({ store, clock, chance: seededChance(1), processId: `test-${nowMs}`, settings });
  engine.registerWork(calibrateWork({ samples }));
}

async function configure(more: Partial<JudgeSpec> = {}): Promise<void> {
  await store.transaction(async (tx) => {
    const service = { name: 'shop', repository: 'shop', configPath: '', branch: 'main', revision: 1, createdAtMs: t0 };
    await saveService(tx, service as Parameters<typeof saveService>[1]);
    await insertRevision(tx, 'shop', 1, 'digest', JSON.stringify({ judge: { ...spec, ...more } }), 'abc', t0);
  });
  await engine.append({ work: [calibrateFrom(job, nowMs)] });
}

/** A hundred bins of six tasks until now; with `drift` every other host goes its own way after half of them. */
async function quietTime(drift: boolean): Promise<void> {
  const beginMs = nowMs;
  for (let bin = 0; bin < 100; bin += 1) {
    const at = { fromMs: beginMs + bin * binMs, toMs: beginMs + (bin + 1) * binMs };
    const batch = [0, 1, 2, 3, 4, 5].map((index): Sample => {
      const level = drift && index % 2 === 0 && bin > 55 ? 300 : 100;
      const task = { job, index, incarnation: 1, version: 'v_a' as const, state: 'serving' as const };
      return { ...task, labels: {}, metric: 'queue', value: { gauge: level + ((bin * 7 + index * 3) % 5) }, ...at };
    });
    samples.append(batch, at.toMs);
    await samples.tend(at.toMs);
  }
  nowMs = beginMs + 104 * binMs;
}

/** Everything that is due, with the pauses that it makes. */
async function work(): Promise<number> {
  let turns = 0;
  for (let idle = 0; idle < 3; ) {
    if (await engine.step()) {
      turns += 1;
      idle = 0;
    } else idle += 1;
    nowMs += 250;
  }
  return turns;
}

const turnOf = () => store.read((tx) => findCalibrationTurn(tx, job));
const runsOf = () => store.read((tx) => listCalibrationRuns(tx, job));
const answerOf = async () => (await store.read((tx) => findCalibration(tx, job)))?.calibration;

function running(state: Rollout['state'], endedAtMs?: number): Rollout {
  const request = { job, release: undefined, to: 'v_a', kind: 'deploy', judged: true, holdAfter: undefined } as const;
  const plan = {
    phases: [],
    newcomers: 'last-good',
    overlap: 'wait',
    forwardOnly: false,
  } as unknown as Rollout['plan'];
  const createdBy = { kind: 'person', name: 'ada' } as const;
  const waiting = newRollout({ ...request, id: 'ro_1' as RolloutId, plan, createdBy, reason: undefined }, t0);
  return { ...waiting, state, startedAtMs: t0, endedAtMs };
}

describe('H6 H7 calibration begins by itself', () => {
  test('a look a turn, not before its time; the answer, an event and the next time are written down', async () => {
    await configure();
    expect(await work()).toBe(0);
    nowMs = t0 + 2 * hourMs;
    await quietTime(true);
    // More than the 20 rollouts that it makes up: it gives way after each of their looks.
    expect(await work()).toBeGreaterThan(100);
    expect(await answerOf()).toMatchObject({ runs: 20, tasks: 6, checks: [{ check: 'queue', isHonest: false }] });
    const { atMs, nextAtMs, refused } = (await turnOf())!;
    expect(refused).toBeUndefined();
    expect(nextAtMs - atMs).toBe(19 * hourMs);
    const events = await store.read((tx) => tx.selectFrom('event').select(['type', 'stream', 'data']).execute());
    expect(events).toMatchObject([{ type: 'judge.calibrated', stream: `job/${job}` }]);
  }, 60_000);

  test('the next quiet time is added; what was looked at once is not looked at again', async () => {
    await configure();
    nowMs = t0 + 2 * hourMs;
    await quietTime(false);
    await work();
    const first = (await turnOf())!;
    // Woken early by something else: there is nothing new.
    await engine.append({ work: [{ kind: 'judge/calibrate', key: job }] });
    await work();
    expect((await turnOf())!.refused).toMatch(/too few tasks/);
    expect(await runsOf()).toHaveLength(1);
    nowMs = first.nextAtMs;
    await quietTime(false);
    await work();
    expect(await runsOf()).toHaveLength(2);
    expect(await answerOf()).toMatchObject({ runs: 40, checks: [{ alarms: 0, isHonest: true }] });
  }, 60_000);

  test('while something is deployed it waits, and says so', async () => {
    await configure();
    await store.transaction((tx) => insertRollout(tx, running('running')));
    nowMs = t0 + 2 * hourMs;
    await quietTime(false);
    await work();
    expect(await turnOf()).toMatchObject({ refused: 'Something is being deployed.' });
    expect(await answerOf()).toBeUndefined();
    await store.transaction((tx) => saveRollout(tx, running('succeeded', t0 + hourMs)));
    nowMs = (await turnOf())!.nextAtMs;
    await quietTime(false);
    await work();
    expect(await answerOf()).toMatchObject({ runs: 20 });
  }, 60_000);

  test('a process that dies in the middle loses nothing but its minutes', async () => {
    await configure();
    nowMs = t0 + 2 * hourMs;
    await quietTime(false);
    for (let turn = 0; turn < 10; turn += 1) {
      expect(await engine.step()).toBe(true);
      nowMs += 250;
    }
    openEngine();
    await work();
    expect(await answerOf()).toMatchObject({ runs: 20 });
    expect(await runsOf()).toHaveLength(1);
  }, 60_000);

  test('switched off it does nothing, and asks no more', async () => {
    await configure({ calibrate: 'off' });
    nowMs = t0 + 2 * hourMs;
    await quietTime(false);
    expect(await work()).toBe(1);
    expect(await turnOf()).toBeUndefined();
    expect(await answerOf()).toBeUndefined();
    nowMs += 100 * hourMs;
    expect(await work()).toBe(0);
  });
});

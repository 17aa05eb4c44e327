import { afterEach, beforeEach, expect, test } from 'vitest';
import { type CalibrationRequest, calibrate, openSampleStore, type SampleStore } from '../../judge/index.ts';
import { calibrationRequest } from '../../judge/work.ts';
import { seededChance } from '../../kit/index.ts';
import type { JudgeSpec, Rollout, RolloutId, Sample } from '../../model/index.ts';
import { newRollout } from '../../rollout/index.ts';
import { insertRollout } from '../../rollout/rows.ts';
import { openStore, type Store } from '../../store/index.ts';
import { inTurns } from './calibration.ts';

const job = 'shop@production' as const;
const binMs = 1000;
const t0 = 1_700_000_000_000;
const nowMs = t0 + 104 * binMs;
const spec: JudgeSpec = {
  checks: [
    {
      ...{ name: 'queue', class: 'system', metric: { gauge: 'queue' }, worse: 'higher', against: 'old', limit: null },
      ...{ delta: 0.01, margin: 0.1, critical: true, required: false, missing: 'undecided', minSamples: 0 },
      ...{ windowMs: null, weight: 1, trust: 'revert' },
    } as JudgeSpec['checks'][number],
  ],
  ...{ failShare: 0.5, alpha: 0.05, binMs, warmupMs: binMs },
};
let store: Store;
let samples: SampleStore;

beforeEach(async () => {
  store = await openStore({ kind: 'sqlite', path: ':memory:' });
  samples = await openSampleStore({ nowMs: t0 });
  for (let bin = 0; bin < 100; bin += 1) {
    const at = { fromMs: t0 + bin * binMs, toMs: t0 + (bin + 1) * binMs };
    const batch = [0, 1, 2, 3, 4, 5].map((index): Sample => {
      // Every other host goes its own way for a while.
      const level = index % 2 === 0 && bin > 55 ? 300 : 100;
      const task = { job, index, incarnation: 1, version: 'v_a' as const, state: 'serving' as const };
      return { ...task, labels: {}, metric: 'queue', value: { gauge: level + ((bin * 7 + index * 3) % 5) }, ...at };
    });
    samples.append(batch, at.toMs);
    await samples.tend(at.toMs);
  }
  await samples.tend(nowMs);
});
afterEach(async () => {
  await samples.close();
  await store.close();
});

const ask = (): Promise<Omit<CalibrationRequest, 'runs'> | undefined> =>
  store.read((tx) => calibrationRequest(tx, job, spec, samples, nowMs));

function rolloutAt(startedAtMs: number, endedAtMs: number | undefined): Rollout {
  const request = { job, release: undefined, to: 'v_a', kind: 'deploy', judged: true, holdAfter: undefined } as const;
  const plan = { phases: [], newcomers: 'last-good', overlap: 'wait', forwardOnly: false } as Rollout['plan'];
  const createdBy = { kind: 'person', name: 'ada' } as const;
  const id = `ro_${startedAtMs}` as RolloutId;
  const waiting = newRollout({ ...request, id, plan, createdBy, reason: undefined }, startedAtMs);
  return { ...waiting, state: endedAtMs === undefined ? 'running' : 'succeeded', startedAtMs, endedAtMs };
}

test('H6 over a quiet time a check that is not honest for the service is found out', async () => {
  const request = (await ask())!;
  const found = await inTurns(calibrate({ ...request, runs: 40 }, seededChance(3, 'calibrate')));
  expect(found).toMatchObject({ runs: 40, tasks: 6, checks: [{ check: 'queue', isHonest: false }] });
}, 60_000);

test('what was deployed in between is left out; while something is deployed nothing is tried', async () => {
  await store.transaction((tx) => insertRollout(tx, rolloutAt(t0 + 10_000, t0 + 60_000)));
  const request = (await ask())!;
  expect(Math.min(...request.samples.map(({ fromMs }) => fromMs))).toBeGreaterThanOrEqual(t0 + 63_000);
  expect(await inTurns(calibrate({ ...request, runs: 5 }, seededChance(3)))).toBeUndefined();
  await store.transaction((tx) => insertRollout(tx, rolloutAt(t0 + 90_000, undefined)));
  expect(await ask()).toBeUndefined();
});

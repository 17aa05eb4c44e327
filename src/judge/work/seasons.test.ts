import { afterEach, beforeEach, expect, test } from 'vitest';
import type { JudgeSpec, Rollout, Sample } from '../../model/index.ts';
import { ensureJob } from '../../rollout/rows.ts';
import { openStore, type Store } from '../../store/index.ts';
import { type JudgePlan, openSampleStore, type SampleStore } from '../index.ts';
import { insertHistory } from '../rows.ts';
import { historyKey } from '../watch/history-step.ts';
import { loadSeasons } from './seasons.ts';

const [minuteMs, stepMs, dayMs] = [60_000, 300_000, 24 * 3_600_000];
const nine = 20_000 * dayMs + 9 * 3_600_000;
const job = 'shop@production' as const;
const cpu: JudgeSpec['checks'][number] = {
  ...{ name: 'cpu', class: 'system', metric: { gauge: 'cpu' }, worse: 'higher', against: 'old', limit: null },
  ...{ delta: 0.01, margin: 0.2, critical: true, required: false, trust: 'revert', missing: 'undecided' },
  ...{ minSamples: 0, windowMs: null, weight: 1 },
};
const spec: JudgeSpec = { checks: [cpu], failShare: 0.5, alpha: 0.01, binMs: minuteMs, warmupMs: minuteMs };
const rollout = { id: 'ro_1', job, plan: { watchMs: 12 * stepMs } } as unknown as Rollout;

let store: Store;
let samples: SampleStore;

/** A job of so many tasks that takes half as much more CPU from nine o'clock on, each day. */
async function begin(tasks: number): Promise<void> {
  await store.transaction(async (tx) => {
    const wish = { id: job, service: 'shop', environment: 'production', wantedSize: tasks, budget: { count: 1 } };
    const rest = { limits: {}, env: {}, hostLabels: {}, driver: 'fleet' };
    await ensureJob(tx, { ...wish, ...rest } as unknown as Parameters<typeof ensureJob>[1], 0);
    for (let fromMs = nine - 4 * dayMs; fromMs < nine; fromMs += stepMs) {
      const value = fromMs % dayMs >= 9 * 3_600_000 ? 0.6 : 0.4;
      const levels = { [historyKey(cpu)]: { tasks, value } };
      await insertHistory(tx, job, { fromMs, toMs: fromMs + stepMs, busy: false, levels });
    }
  });
  const nowMs = nine + 12 * minuteMs;
  samples = await openSampleStore({ nowMs: nine });
  for (let fromMs = nine; fromMs < nowMs; fromMs += minuteMs) {
    const of = { job, incarnation: 2, version: 'v_new', state: 'serving', labels: {}, metric: 'cpu' } as const;
    const one: Sample = { ...of, index: 0, fromMs, toMs: fromMs + minuteMs, value: { gauge: 0.6 } };
    samples.append([one], fromMs + minuteMs);
  }
  await samples.tend(nowMs);
}

const planWith = (updates: JudgePlan['updates']) => ({ spec, updates, unserved: undefined, updatedAtMs: undefined });
const load = (updated: number) => {
  const updates = Array.from({ length: updated }, (_, index) => ({ index, admittedAtMs: nine, servingAtMs: nine }));
  return store.read((tx) => loadSeasons(tx, rollout, planWith(updates), samples, nine - 120 * minuteMs));
};

beforeEach(async () => {
  store = await openStore({ kind: 'sqlite', path: ':memory:' });
});
afterEach(() => store.close());

test('where hardly an old task is left, the past of the job says what this time of day does', async () => {
  await begin(3);
  const found = await load(2);
  expect(found?.cpu?.season).toBe('day');
  expect(found?.cpu?.change).toBeCloseTo(Math.log(1.5), 2);
});

test('old tasks that are left say it themselves; before a task serves again nothing is asked', async () => {
  await begin(6);
  expect(await load(3)).toBeUndefined();
  expect(await load(4)).toBeDefined();
  const updates = [{ index: 0, admittedAtMs: nine, servingAtMs: undefined }];
  expect(await store.read((tx) => loadSeasons(tx, rollout, planWith(updates), samples, nine - 1))).toBeUndefined();
});

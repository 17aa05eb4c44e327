import { afterEach, describe, expect, test } from 'vitest';
import { createEngine, type Engine } from '../../engine/index.ts';
import { seededChance } from '../../kit/index.ts';
import type { JudgeSpec, PlanSpec, Rollout, RolloutId, Sample } from '../../model/index.ts';
import { insertRevision, saveService } from '../../pipeline/rows.ts';
import { newRollout } from '../../rollout/index.ts';
import { insertRollout, saveRollout } from '../../rollout/rows.ts';
import { openStore, type Store } from '../../store/index.ts';
import { openSampleStore, type SampleStore } from '../index.ts';
import { findMemory, latestVerdict, listHistory } from '../rows.ts';
import { stepOf, watchWork } from './watch.ts';

/** On the grid of steps. */
const t0 = 1_700_000_000_000;
const id = 'ro_1' as RolloutId;
const job = 'shop@production' as const;
const spec: JudgeSpec = { checks: [], failShare: 0.5, alpha: 0.05, binMs: 1000, warmupMs: 1000 };
const watchMs = 60_000;
const stepMs = 5000;
const plan: PlanSpec = {
  phases: [],
  newcomers: 'last-good',
  overlap: 'wait',
  forwardOnly: false,
  watchMs,
} as never;
const begunAt = 240;
const watchedFrom = 250;

let store: Store;
let engine: Engine;
let samples: SampleStore;
let nowMs: number;
let told: number;

async function begin(): Promise<Rollout> {
  nowMs = t0;
  told = 0;
  store = await openStore({ kind: 'sqlite', path: ':memory:' });
  samples = await openSampleStore({ nowMs });
  openEngine();
  const request = { id, job, release: undefined, to: 'v_new', kind: 'deploy', judged: true, plan } as const;
  const createdBy = { kind: 'person', name: 'ada' } as const;
  const waiting = newRollout({ ...request, holdAfter: undefined, createdBy, reason: undefined }, nowMs);
  await store.transaction(async (tx) => {
    const service = { name: 'shop', repository: 'shop', configPath: '', branch: 'main', revision: 1, createdAtMs: t0 };
    await saveService(tx, service as Parameters<typeof saveService>[1]);
    await insertRevision(tx, 'shop', 1, 'digest', JSON.stringify({ judge: spec }), 'abc', t0);
    await insertRollout(tx, waiting);
  });
  return waiting;
}

function openEngine(): void {
  const clock = { nowMs: () => nowMs, sleepUntil: () => Promise.resolve() };
  const settings = { isSoleProcess: true };
  engine = createEngine({ store, clock, chance: seededChance(1), processId: `test-${nowMs}`, settings });
  engine.registerWork(watchWork({ samples }));
  engine.registerWork({
    kind: 'job/decide',
    async run() {
      told += 1;
    },
  });
}

function traffic(second: number, failing: number): void {
  const isNew = second >= begunAt;
  const batch = [0, 1, 2, 3].flatMap((index): Sample[] => {
    const base = {
      job,
      index,
      incarnation: isNew ? 2 : 1,
      version: isNew ? ('v_new' as const) : ('v_old' as const),
      state: 'serving' as const,
      metric: 'http_requests_total',
      fromMs: t0 + second * 1000,
      toMs: t0 + second * 1000 + 1000,
    };
    return [
      { ...base, labels: { code: '200' }, value: { counterDelta: 400 } },
      { ...base, labels: { code: '500' }, value: { counterDelta: failing } },
    ];
  });
  samples.append(batch, t0 + second * 1000 + 1000);
}

async function run(from: number, to: number, failing: (second: number) => number): Promise<void> {
  for (let second = from; second < to; second += 1) {
    traffic(second, failing(second));
    nowMs = t0 + (second + 1) * 1000 + 300;
    if (second === 2) await engine.enqueue({ kind: 'judge/watch', key: job });
    while (await engine.step()) {}
  }
}

const steady = (second: number) => 4 + (second % 3);

/** A quiet past, a rollout of ten seconds, and what the watch sees after it. */
async function watched(failing: (second: number) => number, seconds = 70): Promise<void> {
  const waiting = await begin();
  await run(0, begunAt, steady);
  const running = { ...waiting, state: 'running', startedAtMs: t0 + begunAt * 1000, from: ['v_old'] } as const;
  await store.transaction((tx) => saveRollout(tx, running));
  await run(begunAt, watchedFrom, steady);
  const fromMs = t0 + watchedFrom * 1000;
  const watch = {
    state: 'watching',
    fromMs,
    untilMs: fromMs + watchMs,
    earlier: [],
    named: [],
    note: undefined,
  } as const;
  await store.transaction((tx) => saveRollout(tx, { ...running, state: 'succeeded', endedAtMs: fromMs, watch }));
  await run(watchedFrom, watchedFrom + seconds, failing);
}

const latest = () => store.read((tx) => latestVerdict(tx, id, 0));

describe('H10 the watch as durable work', () => {
  afterEach(async () => store.close());

  test('writes a past down step by step, and finds what grows only after the last phase', async () => {
    await watched((second) => steady(second) + Math.max(0, second - watchedFrom - 5) * 4);
    const steps = await store.read((tx) => listHistory(tx, job, stepMs));
    expect(steps.length).toBeGreaterThan(55);
    for (const [at, step] of steps.entries()) expect(step.fromMs).toBe(steps[0]!.fromMs + at * stepMs);
    expect(steps.filter(({ busy }) => busy).map(({ fromMs }) => (fromMs - t0) / 1000)).toEqual([240, 245]);
    const row = (await latest())!;
    expect(row.verdict).toMatchObject({ verdict: 'fail', perCheck: [{ check: 'errors', verdict: 'fail' }] });
    expect(row.named).toEqual([id]);
    expect(row.verdict.sentence).toMatch(/^The share of failed requests is .* higher than before the release \(/);
    expect(told).toBeGreaterThan(0);
    const events = await engine.readStream(`rollout/${id}`, 0, 100);
    expect(events.map(({ data }) => (data as { phase: string }).phase)).toContain('watch');
  });

  test('a steady service is let alone, and the job is told when the time is over', async () => {
    await watched(steady);
    const row = (await latest())!;
    expect(row.verdict.verdict).not.toBe('fail');
    expect(row.verdict.atMs).toBeGreaterThanOrEqual(t0 + watchedFrom * 1000 + watchMs);
    expect(told).toBeGreaterThan(0);
    const { alphaSpent } = (await store.read((tx) => findMemory(tx, id)))!;
    expect(alphaSpent).toBeLessThanOrEqual(0.05);
  });

  test('killed between two steps it goes on where it was, and no look is spent twice', async () => {
    await watched(steady, 33);
    const before = await store.read((tx) => findMemory(tx, id));
    openEngine();
    await engine.enqueue({ kind: 'judge/watch', key: job });
    while (await engine.step()) {}
    expect(await store.read((tx) => findMemory(tx, id))).toEqual(before);
    await run(watchedFrom + 33, watchedFrom + 70, steady);
    const steps = await store.read((tx) => listHistory(tx, job, stepMs));
    expect(new Set(steps.map(({ fromMs }) => fromMs)).size).toBe(steps.length);
    expect((await latest())!.verdict.verdict).not.toBe('fail');
  });

  test('nobody is watched whose plan says so', async () => {
    const waiting = await begin();
    await store.transaction((tx) => saveRollout(tx, { ...waiting, plan: { ...plan, watchMs: 0 } }));
    await run(0, 30, steady);
    expect(await store.read((tx) => listHistory(tx, job, stepMs))).toEqual([]);
  });
});

test.each([
  [1000, 60_000, 5000],
  [10_000, 3_600_000, 300_000],
  [10_000, 24 * 3_600_000, 600_000],
  [10_000, 30_000, 20_000],
])('in bins of %i ms a watch of %i ms has steps of %i ms', (binMs, length, expected) => {
  expect(stepOf({ binMs }, length)).toBe(expected);
});

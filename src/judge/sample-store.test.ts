import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Sample } from '../model/index.ts';
import { openSampleStore, type SampleJournal } from './index.ts';

const t0 = 1_700_000_000_000 - (1_700_000_000_000 % 60_000);

function sample(index: number, bin: number, value: Sample['value'], more: Partial<Sample> = {}): Sample {
  return {
    job: 'shop@production',
    index,
    incarnation: 1,
    version: 'v_a',
    state: 'serving',
    labels: {},
    metric: 'counterDelta' in value ? 'requests_total' : 'gauge' in value ? 'heap' : 'duration',
    fromMs: t0 + bin * 1000,
    toMs: t0 + (bin + 1) * 1000,
    value,
    ...more,
  };
}

/** A journal in memory that can lose its last lines, as a kill does. */
function journal(): SampleJournal & { segments: string[] } {
  const segments: string[] = [];
  return {
    segments,
    async *read() {
      yield* segments;
    },
    async append(text, startsSegment) {
      if (startsSegment) segments.push('');
      segments[segments.length - 1] += text;
    },
    async forgetBefore() {},
    async close() {},
  };
}

const all = { job: 'shop@production', fromMs: 0, toMs: Number.MAX_SAFE_INTEGER } as const;

describe('the store of samples', () => {
  test('gives back closed bins, and no open one', async () => {
    const store = await openSampleStore({ nowMs: t0 });
    store.append([sample(0, 0, { counterDelta: 3 }), sample(0, 1, { counterDelta: 4 })], t0 + 2000);
    await store.tend(t0 + 2000);
    expect(store.query(all)).toEqual([]);
    await store.tend(t0 + 3000);
    expect(store.query(all)).toEqual([sample(0, 0, { counterDelta: 3 })]);
    expect(store.closedUntilMs()).toBe(t0 + 1000);
  });

  test('a bin closes two bins late; what comes later is dropped and counted', async () => {
    const store = await openSampleStore({ nowMs: t0 });
    await store.tend(t0 + 5000);
    const count = store.append([sample(0, 2, { gauge: 1 }), sample(0, 3, { gauge: 2 })], t0 + 5000);
    expect(count).toEqual({ kept: 1, late: 1, refused: 0 });
    await store.tend(t0 + 9000);
    expect(store.query(all)).toEqual([sample(0, 3, { gauge: 2 })]);
  });

  test.each<[name: string, sample: Sample]>([
    ['a gauge that is no number', sample(0, 0, { gauge: Number.NaN })],
    ['a counter that falls', sample(0, 0, { counterDelta: -1 })],
    ['a counter that never ends', sample(0, 0, { counterDelta: Number.POSITIVE_INFINITY })],
    ['a histogram that falls', sample(0, 0, { histogramDelta: { bounds: [1], counts: [-1], sum: 0 } })],
    ['a sample that ends before it begins', sample(0, 0, { gauge: 1 }, { toMs: t0 - 1 })],
    ['a sample from the future', sample(0, 9000, { gauge: 1 })],
  ])('%s is refused and counted', async (_, one) => {
    const store = await openSampleStore({ nowMs: t0 });
    expect(store.append([one, sample(0, 0, { gauge: 1 })], t0 + 1000)).toEqual({ kept: 1, late: 0, refused: 1 });
    await store.tend(t0 + 5000);
    expect(store.query(all)).toEqual([sample(0, 0, { gauge: 1 })]);
    expect(store.counts()).toEqual({ series: 1, late: 0, refused: 1 });
  });

  test('one series too many is refused and counted', async () => {
    const store = await openSampleStore({ nowMs: t0, settings: { maxSeriesPerTask: 1 } });
    const series = [sample(0, 0, { gauge: 1 }), sample(0, 0, { gauge: 1 }, { labels: { a: '1' } })];
    expect(store.append(series, t0 + 1000)).toEqual({ kept: 1, late: 0, refused: 1 });
  });

  test('a bin in which a task changed its incarnation is nobody’s', async () => {
    const store = await openSampleStore({ nowMs: t0 });
    const old = sample(0, 0, { counterDelta: 3 });
    store.append([old, sample(0, 0, { counterDelta: 1 }, { incarnation: 2, version: 'v_b' })], t0 + 1000);
    await store.tend(t0 + 5000);
    expect(store.query(all).map(({ state, incarnation }) => [state, incarnation])).toEqual([['starting', 2]]);
  });

  test('older bins become coarse, and add up to the same', async () => {
    const store = await openSampleStore({ nowMs: t0, settings: { fineMs: 120_000 } });
    for (let bin = 0; bin < 600; bin += 1) {
      const bounds = [1, Number.POSITIVE_INFINITY];
      const histogram = sample(0, bin, { histogramDelta: { bounds, counts: [1, 2], sum: 5 } });
      store.append(
        [sample(0, bin, { counterDelta: 2 }), sample(0, bin, { gauge: bin }), histogram],
        t0 + bin * 1000 + 1000,
      );
      await store.tend(t0 + bin * 1000 + 1000);
    }
    await store.tend(t0 + 602_000);
    const found = store.query(all);
    const counters = found.flatMap(({ value }) => ('counterDelta' in value ? [value.counterDelta] : []));
    expect(counters.reduce((a, b) => a + b)).toBe(1200);
    expect(counters.length).toBeLessThan(200);
    const coarse = found.find(({ metric, fromMs, toMs }) => metric === 'heap' && toMs - fromMs === 60_000)!;
    expect(coarse.value).toEqual({ gauge: 29.5 });
    const histograms = found.flatMap(({ value }) => ('histogramDelta' in value ? [value.histogramDelta] : []));
    expect(histograms.reduce((n, { sum }) => n + sum, 0)).toBe(3000);
    const times = found.filter(({ metric }) => metric === 'heap');
    for (const [i, { fromMs }] of times.entries()) if (i > 0) expect(fromMs).toBe(times[i - 1]!.toMs);
  });

  test('a kill loses at most the open bins; after it, what agents kept is still taken', async () => {
    const written = journal();
    const store = await openSampleStore({ nowMs: t0, journal: written, settings: { settleMs: 0 } });
    for (let bin = 0; bin < 10; bin += 1) {
      const bounds = [1, Number.POSITIVE_INFINITY];
      const histogram = sample(1, bin, { histogramDelta: { bounds, counts: [1, 0], sum: 1 } });
      store.append([sample(0, bin, { counterDelta: bin }), histogram], t0 + (bin + 1) * 1000);
      await store.tend(t0 + (bin + 1) * 1000);
    }
    const before = store.query(all);
    expect(before).toHaveLength(16);
    written.segments[0] += '{"o":[1,"v_a","serv';
    const again = await openSampleStore({ nowMs: t0 + 15_000, journal: written });
    expect(again.query(all)).toEqual(before);
    expect(
      again.append([sample(0, 8, { counterDelta: 8 }), sample(0, 12, { counterDelta: 5 })], t0 + 15_100).kept,
    ).toBe(2);
    await again.tend(t0 + 21_000);
    expect(again.query({ ...all, metrics: ['requests_total'] }).map(({ fromMs }) => (fromMs - t0) / 1000)).toEqual([
      0, 1, 2, 3, 4, 5, 6, 7, 8, 12,
    ]);
  });

  test('a process that invents bounds takes nobody else’s place for ever', async () => {
    const store = await openSampleStore({ nowMs: t0 });
    const of = (index: number, bin: number, bound: number) =>
      sample(index, bin, { histogramDelta: { bounds: [bound, Number.POSITIVE_INFINITY], counts: [1, 0], sum: 1 } });
    store.append(
      Array.from({ length: 10_001 }, (_, i) => of(0, 0, 1 + i)),
      t0 + 1000,
    );
    expect(store.append([of(1, 0, 0.5)], t0 + 1000).kept).toBe(0);
    await store.tend(t0 + 70_000);
    expect(store.append([of(1, 69, 0.5)], t0 + 70_000).kept).toBe(1);
  });

  test('says which metrics there are, with their labels', async () => {
    const store = await openSampleStore({ nowMs: t0 });
    store.append(
      [
        sample(0, 0, { counterDelta: 1 }, { labels: { code: '200' } }),
        sample(1, 0, { counterDelta: 1 }, { labels: { code: '500' } }),
      ],
      t0 + 1000,
    );
    expect(store.listMetrics('shop@production', t0)).toEqual([
      {
        metric: 'requests_total',
        kind: 'counter',
        labels: { code: ['200', '500'] },
        tasks: 2,
        lastSeenAtMs: t0 + 1000,
      },
    ]);
  });

  test('equals a plain list of what was appended in time, whatever the order', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ index: fc.nat(2), bin: fc.nat(40), ahead: fc.nat(6), value: fc.nat(9) }), {
          maxLength: 60,
        }),
        async (items) => {
          const store = await openSampleStore({ nowMs: t0 });
          const expected = new Map<string, number>();
          let now = 0;
          for (const { index, bin, ahead, value } of items) {
            now = Math.max(now, bin - ahead);
            await store.tend(t0 + now * 1000);
            const isOpen = bin >= Math.max(now - 2, -2) && bin + 1 <= now + 5;
            const { kept } = store.append([sample(index, bin, { counterDelta: value })], t0 + now * 1000);
            expect(kept).toBe(isOpen ? 1 : 0);
            const key = `${index} ${bin}`;
            if (isOpen) expected.set(key, (expected.get(key) ?? 0) + value);
          }
          await store.tend(t0 + 60_000);
          const found = store
            .query(all)
            .map(({ index, fromMs, value }) => [
              `${index} ${(fromMs - t0) / 1000}`,
              'counterDelta' in value ? value.counterDelta : Number.NaN,
            ]);
          expect(new Map(found as [string, number][])).toEqual(expected);
        },
      ),
      { numRuns: 60 },
    );
  });
});

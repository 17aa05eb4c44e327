import { describe, expect, test } from 'vitest';
import { type KnownTask, type PushedPoint, TaskBook } from '../index.ts';
import { type Breakage, metricSourceConformance, type ShownSeries, type SourceRig, startMs } from './conformance.ts';
import { pushSource } from './push.ts';

const binMs = 1000;

metricSourceConformance('push', {
  open: async () => openRig(),
  cannot: {
    hang: 'nobody is asked',
    gigabyte: 'the size of a body is bounded before it comes here',
    garbage: 'the form of a body is checked before it comes here',
    refuse: 'nobody is asked',
  },
  maxSamples: 200,
});

function openRig(): SourceRig {
  const book = new TaskBook();
  const source = pushSource({ book, binMs, lateBins: 2, judgeBinMsOf: () => binMs });
  const shown = new Map<number, { series: readonly ShownSeries[]; life: number }>();
  const broken = new Map<number, Breakage>();
  return {
    source,
    binMs,
    show(index, series, life = 0) {
      broken.delete(index);
      shown.set(index, { series, life });
    },
    breakWith: (index, breakage) => void broken.set(index, breakage),
    async collect(edgeMs) {
      book.refresh(
        [...shown.keys()].map((index) => taskOf(index)),
        edgeMs,
      );
      for (const [index, { series, life }] of shown) {
        const atMs = edgeMs - 100 - (broken.get(index) === 'time-jump' ? 3_600_000 : 0);
        const meant = { job: 'shop@production', index: broken.get(index) === 'stranger' ? index + 50 : index } as const;
        const points = series.map((one) => pointOf(one, atMs, startMs - 5 + life * binMs));
        source.take([{ meant, points }], edgeMs, () => true);
      }
      return source.collect(edgeMs, AbortSignal.timeout(1000));
    },
    close: async () => {},
  };
}

function taskOf(index: number, incarnation = 1): KnownTask {
  return {
    job: 'shop@production',
    index,
    incarnation,
    version: index < 6 ? 'v_old' : 'v_new',
    state: 'serving',
    labels: { region: 'eu' },
    servingSinceMs: startMs - 60_000,
    addresses: [`10.0.0.${index}:80`],
  };
}

function pointOf(one: ShownSeries, atMs: number, startedMs: number): PushedPoint {
  const base = { metric: one.name, labels: one.labels ?? {}, atMs, startMs: startedMs };
  if (one.kind === 'histogram') {
    const bounds = [...one.bounds, Number.POSITIVE_INFINITY];
    return { ...base, value: { ...one, temporality: 'cumulative', bounds } };
  }
  const { kind, value } = one;
  return { ...base, value: kind === 'gauge' ? { kind, value } : { kind, temporality: 'cumulative', value } };
}

describe('whose it is', () => {
  const counter = (atMs: number, value = 5): PushedPoint => {
    return {
      metric: 'n',
      labels: {},
      atMs,
      startMs: atMs - 900,
      value: { kind: 'counter', temporality: 'delta', value },
    };
  };
  const open = () => {
    const book = new TaskBook();
    const source = pushSource({ book, binMs, lateBins: 2, judgeBinMsOf: () => binMs });
    return { book, source };
  };
  const anyone = () => true;

  test('by address, and by index alone only when one incarnation served all the time', () => {
    const { book, source } = open();
    book.refresh([taskOf(3)], startMs);
    expect(source.take([{ meant: { address: '10.0.0.3:80' }, points: [counter(startMs)] }], startMs, anyone).kept).toBe(
      1,
    );
    const young = { ...taskOf(3, 2), servingSinceMs: startMs + 500 };
    book.refresh([young], startMs + 500);
    const meant = { job: 'shop@production', index: 3 } as const;
    expect(source.take([{ meant, points: [counter(startMs + 400)] }], startMs + 500, anyone)).toMatchObject({
      kept: 0,
      refused: 1,
    });
    expect(source.take([{ meant, points: [counter(startMs + 600)] }], startMs + 600, anyone).kept).toBe(1);
  });

  test('a predecessor that names itself is believed to be it, and its version goes with the sample', async () => {
    const { book, source } = open();
    book.refresh([taskOf(3)], startMs);
    book.refresh([{ ...taskOf(3, 2), version: 'v_next' }], startMs + 100);
    const meant = { job: 'shop@production', index: 3, incarnation: 1 } as const;
    expect(source.take([{ meant, points: [counter(startMs + 50)] }], startMs + 100, anyone).kept).toBe(1);
    const { samples } = await source.collect(startMs + 1000, AbortSignal.timeout(1000));
    expect(samples.map(({ version, incarnation }) => [version, incarnation])).toEqual([['v_old', 1]]);
  });

  test('a token for others is refused, and says so', () => {
    const { book, source } = open();
    book.refresh([taskOf(3)], startMs);
    const taken = source.take(
      [{ meant: { address: '10.0.0.3:80' }, points: [counter(startMs)] }],
      startMs,
      () => false,
    );
    expect(taken).toMatchObject({ kept: 0, refused: 1, reasons: [expect.stringMatching(/token is for other tasks/)] });
  });

  test('who hands in more rarely than the service is judged is told, and leaves no holes behind', () => {
    const { book, source } = open();
    book.refresh([taskOf(3)], startMs);
    const rare = { ...counter(startMs), startMs: startMs - 60_000 };
    const taken = source.take([{ meant: { address: '10.0.0.3:80' }, points: [rare] }], startMs, anyone);
    expect(taken.reasons[0]).toMatch(/every 60 s, and the service is judged in bins of 1 s/);
  });
});

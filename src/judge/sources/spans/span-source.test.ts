import { describe, expect, test } from 'vitest';
import type { Sample } from '../../../model/index.ts';
import { TaskBook } from '../../index.ts';
import type { OtlpSpan } from '../otlp/index.ts';
import { maxComponents, spanSource } from './index.ts';
import type { PushedSpans } from './span-source.ts';

const job = 'shop@production' as const;
const binMs = 1000;
const baseMs = 1_700_000_000_000;

function openRig(maxSpans?: number) {
  const book = new TaskBook();
  const source = spanSource({ book, binMs, ...(maxSpans !== undefined && { maxSpans }) });
  let edgeMs = baseMs;
  const incarnations = new Map([0, 1, 2].map((index) => [index, 1]));
  const refresh = () =>
    book.refresh(
      [...incarnations].map(([index, incarnation]) => ({
        ...{
          job,
          index,
          incarnation,
          version: index === 2 ? ('v_b' as const) : ('v_a' as const),
          state: 'serving' as const,
        },
        ...{ labels: { region: 'eu' }, servingSinceMs: baseMs - 3_600_000, addresses: [`10.0.0.${index}:80`] },
      })),
      edgeMs,
    );
  refresh();
  return {
    source,
    give: (spans: readonly OtlpSpan[], index = 0, incarnation = 1) =>
      source.take([{ meant: { job, index, incarnation }, spans }], edgeMs, () => true),
    /** Bins pass until what was handed in is told. */
    async tell(bins = 4) {
      const samples: Sample[] = [];
      const troubles: string[] = [];
      for (let bin = 0; bin < bins; bin += 1) {
        edgeMs += binMs;
        refresh();
        const collected = await source.collect(edgeMs, AbortSignal.timeout(1000));
        for (const { fromMs, toMs } of collected.samples) expect([fromMs, toMs]).toEqual([edgeMs - binMs, edgeMs]);
        samples.push(...collected.samples);
        troubles.push(...collected.findings.map(({ trouble }) => trouble));
      }
      return { samples, troubles };
    },
    update(index: number) {
      incarnations.set(index, incarnations.get(index)! + 1);
      refresh();
    },
    nowMs: () => edgeMs,
  };
}
type Rig = ReturnType<typeof openRig>;

let traces = 0;
const traceId = () => {
  traces += 1;
  return traces.toString(16).padStart(32, '0');
};
const idOf = (place: number) => (place + 1).toString(16).padStart(16, '0');

/** A request of 10 ms that ended now, with calls below it: name and milliseconds, one after the other. */
function request(rig: Rig, calls: readonly (readonly [string, number])[], trace = traceId()): OtlpSpan[] {
  const startUs = (rig.nowMs() - 100) * 1000;
  const base = { traceId: trace, attributes: {}, kind: 1 };
  let at = startUs;
  return [
    ...calls.map(([name, ms], place) => {
      const from = at;
      at += ms * 1000;
      return { ...base, spanId: idOf(place + 1), parentId: idOf(0), name, startUs: from, endUs: at };
    }),
    { ...base, kind: 2, spanId: idOf(0), parentId: '', name: 'GET /', startUs, endUs: startUs + 10_000 },
  ];
}
const totalOf = (samples: readonly Sample[], component: string, index?: number) => {
  const of = samples.filter((one) => one.labels.component === component && (index ?? one.index) === one.index);
  const histograms = of.flatMap(({ value }) => ('histogramDelta' in value ? [value.histogramDelta] : []));
  const requests = histograms.reduce((sum, { counts }) => sum + counts.reduce((all, n) => all + n, 0), 0);
  return { requests, ms: Math.round(histograms.reduce((sum, one) => sum + one.sum, 0) * 1000) };
};

describe('ML-13 spans that are handed in', () => {
  test('become how long requests of their task were in each component', async () => {
    const rig = openRig();
    expect(
      rig.give(
        request(rig, [
          ['db', 4],
          ['render', 3],
        ]),
      ),
    ).toEqual({ kept: 3, refused: 0, reasons: [] });
    rig.give(request(rig, [['db', 6]]), 2);
    const { samples, troubles } = await rig.tell();
    expect(totalOf(samples, 'request')).toEqual({ requests: 2, ms: 20 });
    expect(totalOf(samples, 'internal db', 0)).toEqual({ requests: 1, ms: 4 });
    expect(totalOf(samples, 'internal db', 2)).toEqual({ requests: 1, ms: 6 });
    expect(totalOf(samples, 'self')).toEqual({ requests: 2, ms: 7 });
    expect(samples[0]).toMatchObject({ job, index: 0, version: 'v_a', labels: { region: 'eu' }, state: 'serving' });
    expect(troubles).toEqual([]);
  });

  test('may come in any order and twice, as long as they come within two seconds', async () => {
    const rig = openRig();
    const spans = request(rig, [
      ['db', 4],
      ['render', 3],
    ]);
    rig.give(spans.slice(2));
    const early = await rig.tell(1);
    expect(early.samples).toEqual([]);
    rig.give([spans[1]!, spans[0]!, spans[0]!]);
    rig.give(spans);
    const { samples } = await rig.tell();
    rig.give(spans);
    samples.push(...(await rig.tell()).samples);
    expect(totalOf(samples, 'request').requests).toBe(1);
    expect(totalOf(samples, 'internal db').ms).toBe(4);
    expect(totalOf(samples, 'internal render').ms).toBe(3);
  });

  test('a request within the same process is a part of the other one, one that comes from elsewhere is not', async () => {
    const rig = openRig();
    const spans = request(rig, [['db', 4]]).map((one) => (one.name === 'db' ? { ...one, kind: 5 } : one));
    rig.give(spans);
    rig.give(request(rig, []).map((one) => ({ ...one, parentId: 'ffffffffffffffff' })));
    const { samples } = await rig.tell();
    expect(totalOf(samples, 'request')).toEqual({ requests: 2, ms: 20 });
    expect(totalOf(samples, 'consumer db').ms).toBe(4);
  });

  test('two hosts whose clocks differ by half a minute tell the same', async () => {
    const rig = openRig();
    for (const offMs of [-30_000, 0, 30_000]) {
      const moved = request(rig, [['db', 4]]).map((one) => {
        return { ...one, startUs: one.startUs + offMs * 1000, endUs: one.endUs + offMs * 1000 };
      });
      expect(rig.give(moved, offMs === 0 ? 0 : 1).refused).toBe(0);
    }
    const { samples } = await rig.tell();
    expect(totalOf(samples, 'internal db')).toEqual({ requests: 3, ms: 12 });
    expect(totalOf(samples, 'self')).toEqual({ requests: 3, ms: 18 });
  });

  test('of a task that was replaced meanwhile they are left out', async () => {
    const rig = openRig();
    rig.give(request(rig, [['db', 4]]));
    rig.update(0);
    expect((await rig.tell()).samples).toEqual([]);
  });

  test('only the largest parts have names, those of the new version too; the rest is other', async () => {
    const rig = openRig();
    for (let i = 0; i < 300; i += 1) {
      const few = Array.from(
        { length: 14 },
        (_, at) => [`part ${String.fromCharCode(97 + at)}`, at < 10 ? 0.8 : 0.1] as const,
      );
      rig.give(request(rig, few), i % 2);
    }
    rig.give(
      request(rig, [
        ['novel', 5],
        ['part a', 0.1],
      ]),
      2,
    );
    const { samples } = await rig.tell();
    const names = new Set(samples.map(({ labels }) => labels.component!));
    expect(names.size).toBe(maxComponents + 3);
    expect(names).toContain('internal novel');
    expect(totalOf(samples, 'other').requests).toBe(300);
  });

  describe('whatever is wrong is bounded, told, and costs nobody else’s', () => {
    const hostile: Record<string, (rig: Rig, spans: readonly OtlpSpan[]) => { spans: OtlpSpan[]; trouble?: string }> = {
      'ids that are none': (_, spans) => ({
        spans: spans.map((one) => ({ ...one, spanId: 'x' })),
        trouble: 'unreadable',
      }),
      'an end before the start': (_, spans) => ({
        spans: spans.map((one) => ({ ...one, endUs: one.startUs - 1 })),
        trouble: 'unreadable',
      }),
      'no time at all': (_, spans) => ({
        spans: spans.map((one) => ({ ...one, startUs: 0, endUs: 0 })),
        trouble: 'clock',
      }),
      'the future': (_, spans) => ({
        spans: spans.map((one) => ({ ...one, startUs: one.startUs + 3.6e9, endUs: one.endUs + 3.6e9 })),
        trouble: 'clock',
      }),
      'numbers that are none': (_, spans) => ({
        spans: spans.map((one) => ({ ...one, endUs: Number.NaN })),
        trouble: 'unreadable',
      }),
      'a request that lasts for days': (_, spans) => ({
        spans: spans.map((one) => ({ ...one, startUs: one.startUs - 2e11 })),
        trouble: 'unreadable',
      }),
      'a trace without end': (rig) => ({
        spans: request(
          rig,
          Array.from({ length: 2000 }, (_, i) => [`s${i}`, 0.001] as const),
        ),
        trouble: 'refused',
      }),
      'a circle': (_, [first, second]) => ({
        spans: [
          { ...first!, parentId: second!.spanId },
          { ...second!, parentId: first!.spanId },
        ],
      }),
    };
    test.for(Object.entries(hostile))('%s', async ([, make]) => {
      const rig = openRig();
      rig.give(request(rig, [['db', 4]]), 1);
      const { spans, trouble } = make(
        rig,
        request(rig, [
          ['db', 4],
          ['render', 3],
        ]),
      );
      const { refused, reasons } = rig.give(spans, 0);
      const { samples, troubles } = await rig.tell();
      expect(totalOf(samples, 'request', 0).requests).toBe(0);
      expect(totalOf(samples, 'internal db', 1)).toEqual({ requests: 1, ms: 4 });
      if (trouble === undefined) return;
      expect(refused).toBeGreaterThan(0);
      expect(reasons[0]).toMatch(/^Of the spans of shop@production\/0: /);
      expect(troubles).toContain(trouble);
    });

    test('a stranger, and a token for others', async () => {
      const rig = openRig();
      const given: PushedSpans[] = [{ meant: { job, index: 9 }, spans: request(rig, []) }];
      expect(rig.source.take(given, rig.nowMs(), () => true).reasons).toEqual([
        'Of the spans of shop@production/9: no such task runs here (1 span).',
      ]);
      const own: PushedSpans[] = [{ meant: { job, index: 0 }, spans: request(rig, []) }];
      expect(rig.source.take(own, rig.nowMs(), () => false).reasons[0]).toMatch(/the token is for other tasks/);
      const nameless: PushedSpans[] = [{ meant: undefined, spans: request(rig, []) }];
      expect(rig.source.take(nameless, rig.nowMs(), () => true).reasons[0]).toMatch(
        /set rollway.job and rollway.index/,
      );
      expect((await rig.tell()).samples).toEqual([]);
    });

    test('names without end: few series, a finding, and what has a place keeps it', async () => {
      const rig = openRig();
      const seen = new Set<string>();
      const troubles: string[] = [];
      for (let bin = 0; bin < 5; bin += 1) {
        for (let i = 0; i < 400; i += 1) {
          const letters = [...`${bin}-${i}`]
            .map((digit) => String.fromCharCode(97 + digit.charCodeAt(0) - 45))
            .join('');
          rig.give(
            request(rig, [
              ['db', 4],
              [`order ${letters}`, 2],
            ]),
          );
        }
        const told = await rig.tell(bin === 0 ? 3 : 1);
        troubles.push(...told.troubles);
        for (const { labels } of told.samples) seen.add(labels.component!);
      }
      expect(seen.size).toBeLessThanOrEqual(2 * maxComponents);
      expect(seen).toContain('internal db');
      expect(troubles).toContain('too-many-series');
    });

    test('more spans than can be held are refused, and there is room again afterwards', async () => {
      const rig = openRig(50);
      for (let i = 0; i < 60; i += 1) rig.give(request(rig, []));
      expect(rig.give(request(rig, [])).reasons[0]).toMatch(/sample the traces/);
      expect(totalOf((await rig.tell()).samples, 'request').requests).toBe(50);
      expect(rig.give(request(rig, [])).refused).toBe(0);
    });

    test('parts without a request are forgotten after two minutes', async () => {
      const rig = openRig(50);
      for (let i = 0; i < 50; i += 1) rig.give(request(rig, [['db', 4]]).slice(0, 1));
      expect(rig.give(request(rig, [])).refused).toBe(1);
      await rig.tell(121);
      expect(rig.give(request(rig, [])).refused).toBe(0);
    });
  });
});

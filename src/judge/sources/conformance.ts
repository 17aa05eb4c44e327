import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Sample, SourceTrouble, Verdict } from '../../model/index.ts';
import { type Collected, type JudgePlan, judge, type MetricSource } from '../index.ts';

/** One series as a task has it now: totals since it began. */
export type ShownSeries =
  | { readonly kind: 'counter' | 'gauge'; readonly name: string; readonly labels?: Labels; readonly value: number }
  | {
      readonly kind: 'histogram';
      readonly name: string;
      readonly labels?: Labels;
      readonly bounds: readonly number[];
      readonly counts: readonly number[];
      readonly sum: number;
    };
type Labels = Readonly<Record<string, string>>;

/** What the other side of a source can do wrong beyond the numbers. */
export type Breakage = 'hang' | 'gigabyte' | 'garbage' | 'refuse' | 'time-jump' | 'stranger';

/** A source with something to read from. Tasks are `shop@production/0…`; 0–5 run `v_old`, from 6 on `v_new`. */
export interface SourceRig {
  readonly source: MetricSource;
  readonly binMs: number;
  /** From now on this is what the task has; a new `life` is another process. */
  show(index: number, series: readonly ShownSeries[], life?: number): void;
  breakWith(index: number, breakage: Breakage): void;
  /** The bin ends: what the source knows of it. */
  collect(edgeMs: number): Promise<Collected>;
  close(): Promise<void>;
}

export interface ConformanceOptions {
  readonly open: () => Promise<SourceRig>;
  /** Breakages that this source cannot meet, and why. */
  readonly cannot: Partial<Readonly<Record<Breakage, string>>>;
  /** At most so many samples may come of one task in one bin. */
  readonly maxSamples: number;
  /** What cannot be shown to it at all. */
  readonly lacks?: readonly ('fall' | 'type-change')[];
}

const troublesOf: Readonly<Record<Breakage, readonly SourceTrouble[]>> = {
  hang: ['slow', 'unreachable'],
  gigabyte: ['too-large'],
  garbage: ['unreadable'],
  refuse: ['unreachable', 'unreadable'],
  'time-jump': ['clock'],
  stranger: ['unknown-task'],
};
export const startMs = 1_700_000_000_000 - (1_700_000_000_000 % 60_000);

/** What every source of metrics must do, also when the other side hangs, lies, or never ends. */
export function metricSourceConformance(name: string, options: ConformanceOptions): void {
  const { open, cannot, maxSamples, lacks = [] } = options;

  describe(`metric source ${name}`, () => {
    let rig: SourceRig;
    let edgeMs: number;
    beforeEach(async () => {
      rig = await open();
      edgeMs = startMs;
    });
    afterEach(async () => await rig.close());

    const tick = async () => {
      edgeMs += rig.binMs;
      const collected = await rig.collect(edgeMs);
      expectClean(collected.samples, edgeMs, rig.binMs);
      return collected;
    };
    const counter = (value: number): ShownSeries => ({ kind: 'counter', name: 'requests_total', value });
    const of = (collected: Collected, metric: string) => collected.samples.filter((one) => one.metric === metric);
    const totalOf = (collected: Collected, metric: string) =>
      of(collected, metric).reduce((sum, { value }) => sum + ('counterDelta' in value ? value.counterDelta : 0), 0);
    const troubles = (collected: Collected) => collected.findings.map(({ trouble }) => trouble);

    test('counters become differences, of the task that had them', async () => {
      rig.show(0, [counter(100)]);
      expect(totalOf(await tick(), 'requests_total'), 'what was before is not known').toBe(0);
      rig.show(0, [counter(130)]);
      const [sample] = of(await tick(), 'requests_total');
      expect(sample).toMatchObject({ job: 'shop@production', index: 0, version: 'v_old', state: 'serving' });
      expect(sample!.value).toEqual({ counterDelta: 30 });
    });

    test('gauges are as they are, histograms keep their tails', async () => {
      const histogram = (counts: readonly number[]): ShownSeries => {
        const sum = counts.reduce((all, n) => all + n, 0);
        return { kind: 'histogram', name: 'latency_seconds', bounds: [0.1, 1], counts, sum };
      };
      rig.show(0, [{ kind: 'gauge', name: 'queue', value: 7 }, histogram([1, 0, 0])]);
      await tick();
      rig.show(0, [{ kind: 'gauge', name: 'queue', value: 9 }, histogram([5, 2, 3])]);
      const collected = await tick();
      expect(of(collected, 'queue')[0]!.value).toEqual({ gauge: 9 });
      const { value } = of(collected, 'latency_seconds')[0]!;
      expect(value).toMatchObject({
        histogramDelta: { bounds: [0.1, 1, Number.POSITIVE_INFINITY], counts: [4, 2, 3] },
      });
    });

    test('a restart is no negative number, and no burst', async () => {
      rig.show(0, [counter(1000)]);
      await tick();
      rig.show(0, [counter(3)], 1);
      const after = await tick();
      expect(totalOf(after, 'requests_total')).toBeLessThanOrEqual(3);
      rig.show(0, [counter(8)], 1);
      expect(totalOf(await tick(), 'requests_total')).toBe(5);
    });

    if (!lacks.includes('fall'))
      test('a total that falls a little is a lie: no samples, a finding', async () => {
        rig.show(0, [counter(1_000_000)]);
        await tick();
        rig.show(0, [counter(999_999)]);
        const collected = await tick();
        expect(of(collected, 'requests_total')).toEqual([]);
        expect(troubles(collected)).toContain('fell');
      });

    test('NaN and infinities never get through', async () => {
      for (const value of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
        rig.show(0, [counter(value), { kind: 'gauge', name: 'queue', value }]);
        const collected = await tick();
        expect(collected.samples.filter(({ metric }) => metric === 'queue')).toEqual([]);
        expect(troubles(collected)).toContain('not-finite');
      }
    });

    if (!lacks.includes('type-change'))
      test('a metric that changes its kind makes no burst', async () => {
        const gauge = (value: number): ShownSeries => ({ kind: 'gauge', name: 'requests_total', value });
        rig.show(0, [gauge(1_000_000)]);
        await tick();
        rig.show(0, [counter(1_000_001)]);
        const collected = await tick();
        expect(totalOf(collected, 'requests_total')).toBe(0);
        expect(troubles(collected)).toContain('changed-type');
      });

    test('labels without end are bounded, and told', async () => {
      let most = 0;
      const seen: SourceTrouble[] = [];
      for (let bin = 0; bin < 4; bin += 1) {
        rig.show(
          0,
          Array.from({ length: 1500 }, (_, i) => ({
            kind: 'counter',
            name: 'requests_total',
            labels: { request: `${bin}-${i}` },
            value: i + bin,
          })),
        );
        const collected = await tick();
        most = Math.max(most, of(collected, 'requests_total').length);
        seen.push(...troubles(collected));
      }
      expect(most).toBeLessThanOrEqual(maxSamples);
      expect(seen).toContain('too-many-series');
    });

    for (const breakage of Object.keys(troublesOf) as Breakage[]) {
      if (cannot[breakage] !== undefined) continue;
      test(`${breakage}: bounded, told, and nobody else’s samples are lost`, async () => {
        for (const value of [1, 2]) {
          rig.show(0, [counter(value * 10)]);
          rig.show(1, [counter(value * 100)]);
          if (value === 2) rig.breakWith(0, breakage);
          const collected = await tick();
          if (value === 1) continue;
          expect(of(collected, 'requests_total').map(({ index }) => index)).toEqual([1]);
          expect(collected.findings.filter(({ trouble }) => troublesOf[breakage].includes(trouble))).not.toEqual([]);
        }
      });
    }

    describe('whatever is wrong with the new tasks’ metrics never becomes a pass', () => {
      test('the same tasks with good metrics do pass', async () => {
        expect(await judged(() => undefined)).toBe('pass');
      }, 30_000);

      const lies: Record<string, (bin: number) => readonly ShownSeries[] | Breakage> = {
        nothing: () => [],
        'no numbers': () => traffic(Number.NaN),
        'other names': (bin) => traffic(bin).map((one) => ({ ...one, name: `other_${one.name}` })),
        ...(lacks.includes('type-change')
          ? {}
          : { 'another kind': (bin: number) => traffic(bin).map((one) => ({ ...one, kind: 'gauge' }) as ShownSeries) }),
        'a frozen total': () => traffic(1),
        ...(cannot.garbage === undefined ? { garbage: () => 'garbage' as const } : {}),
        ...(cannot.gigabyte === undefined ? { gigabyte: () => 'gigabyte' as const } : {}),
      };
      test.for(Object.entries(lies))('%s', { timeout: 30_000 }, async ([, lie]) => {
        expect(await judged(lie)).not.toBe('pass');
      });
    });

    /** Old tasks are well; new ones show what `lie` says, or are well too where it says nothing. */
    async function judged(
      lie: (bin: number) => readonly ShownSeries[] | Breakage | undefined,
    ): Promise<Verdict | undefined> {
      const samples: Sample[] = [];
      const bins = 30;
      for (let bin = 0; bin < bins; bin += 1) {
        for (let index = 0; index < 9; index += 1) {
          const shown = index < 6 ? undefined : lie(bin);
          if (typeof shown === 'string') rig.breakWith(index, shown);
          else rig.show(index, shown ?? traffic(bin * (1 + index / 100)));
        }
        samples.push(...(await tick()).samples);
      }
      const updates = [6, 7, 8].map((index) => ({ index, admittedAtMs: startMs, servingAtMs: startMs + rig.binMs }));
      const plan: JudgePlan = {
        rollout: 'ro_1',
        phase: 0,
        phaseName: 'canary',
        spec: { checks: [], alpha: 0.01, binMs: rig.binMs, warmupMs: rig.binMs },
        newVersion: 'v_new',
        oldVersions: ['v_old'],
        updates,
        phaseStartedAtMs: startMs,
        updatedAtMs: startMs + rig.binMs,
        deadlineAtMs: startMs + 28 * rig.binMs,
        phases: 1,
      } as unknown as JudgePlan;
      return judge(plan, samples, undefined, edgeMs + 3 * rig.binMs).verdict.verdict;
    }
  });
}

/** Ten thousand requests a bin, a few of which fail. */
function traffic(bins: number): ShownSeries[] {
  const counter = (code: string, value: number): ShownSeries => {
    return { kind: 'counter', name: 'http_requests_total', labels: { code }, value: Math.floor(value) };
  };
  return [counter('200', bins * 10_000), counter('500', bins * 10)];
}

/** Nothing but finite numbers of the bin that was asked for. */
function expectClean(samples: readonly Sample[], edgeMs: number, binMs: number): void {
  for (const { value, fromMs, toMs, metric } of samples) {
    const cells =
      'gauge' in value
        ? [value.gauge]
        : 'counterDelta' in value
          ? [value.counterDelta]
          : [...value.histogramDelta.counts, value.histogramDelta.sum];
    expect(cells.every(Number.isFinite), `${metric} ${cells}`).toBe(true);
    if (!('gauge' in value)) expect(Math.min(...cells.slice(0, 1)), metric).toBeGreaterThanOrEqual(0);
    expect([fromMs, toMs]).toEqual([edgeMs - binMs, edgeMs]);
  }
}

import type { Sample, SourceTrouble } from '../model/index.ts';
import { seriesKey } from './prometheus-text.ts';
import { deltaOf } from './scrape-deltas.ts';
import { defaultTargetLimits, type TargetLimits } from './target-memory.ts';

/** A number that a task hands in: a total since it began, what was added since the last time, or a level. */
export interface PushedPoint {
  readonly metric: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly atMs: number;
  /** Of a total: since when it counts. Of a difference: since when. Undefined: not told. */
  readonly startMs?: number | undefined;
  readonly value: PushedValue;
}
export type PushedValue =
  | { readonly kind: 'gauge'; readonly value: number }
  | { readonly kind: 'counter'; readonly temporality: Temporality; readonly value: number }
  | {
      readonly kind: 'histogram';
      readonly temporality: Temporality;
      /** Ascending upper bounds, the last one infinite; the events between each and the one before. */
      readonly bounds: readonly number[];
      readonly counts: readonly number[];
      readonly sum: number;
    };
export type Temporality = 'delta' | 'cumulative';

export interface PushRules {
  readonly nowMs: number;
  /** Width of the bins in which the service is judged: who hands in more rarely leaves holes. */
  readonly judgeBinMs: number;
  /** What is older finds its bin closed. */
  readonly latenessMs: number;
}

export type Refusal = { readonly trouble: SourceTrouble; readonly what: string };

interface Earlier {
  readonly atMs: number;
  readonly startMs: number | undefined;
  readonly value: PushedValue;
}

/** Clocks of machines that are set by NTP differ by far less. */
const futureMs = 5000;
const notTotals = (metric: string) => `${metric} fell although its start did not change`;

/** What is remembered of one incarnation that hands in: the last total of each series. Bounded. */
export class PushMemory {
  readonly #earlier = new Map<string, Earlier>();
  readonly #kinds = new Map<string, PushedValue['kind']>();
  readonly #perMetric = new Map<string, number>();
  readonly #limits: TargetLimits;

  constructor(limits: TargetLimits = defaultTargetLimits) {
    this.#limits = limits;
  }

  /** The sample's value; undefined: remembered, nothing to tell yet; or why it is not taken. */
  take(point: PushedPoint, rules: PushRules): Sample['value'] | Refusal | undefined {
    const refusal = checkNumbers(point) ?? checkTime(point, rules) ?? this.#checkRoom(point);
    if (refusal) return refusal;
    const key = seriesKey(point.metric, point.labels);
    const earlier = this.#earlier.get(key);
    if (earlier && point.atMs <= earlier.atMs) {
      return { trouble: 'clock', what: `${point.metric} is not newer than what was handed in before` };
    }
    this.#earlier.set(key, { atMs: point.atMs, startMs: point.startMs, value: point.value });
    const sinceMs = spanOf(point, earlier);
    if (sinceMs !== undefined && sinceMs > 1.5 * rules.judgeBinMs) return tooRare(point.metric, sinceMs, rules);
    return differenceOf(point, earlier);
  }

  #checkRoom({ metric, labels, value: { kind } }: PushedPoint): Refusal | undefined {
    const known = this.#kinds.get(metric);
    if (known !== undefined && known !== kind) {
      return { trouble: 'changed-type', what: `${metric} changed from a ${known} into a ${kind}` };
    }
    const key = seriesKey(metric, labels);
    if (this.#earlier.has(key)) return undefined;
    const own = this.#perMetric.get(metric) ?? 0;
    if (this.#earlier.size >= this.#limits.maxSeries || own >= this.#limits.maxSeriesPerMetric) {
      return { trouble: 'too-many-series', what: `${metric} has more series than are kept` };
    }
    this.#kinds.set(metric, kind);
    this.#perMetric.set(metric, own + 1);
    return undefined;
  }
}

function checkNumbers({ metric, value }: PushedPoint): Refusal | undefined {
  const numbers = value.kind === 'histogram' ? [...value.counts, value.sum] : [value.value];
  const bad = numbers.find((number) => !Number.isFinite(number));
  if (bad !== undefined) return { trouble: 'not-finite', what: `${metric} is ${bad}` };
  if (value.kind === 'gauge') return undefined;
  const counts = value.kind === 'histogram' ? value.counts : [value.value];
  if (counts.some((count) => count < 0)) return { trouble: 'fell', what: `${metric} counts less than nothing` };
  if (value.kind === 'histogram' && !isLadder(value.bounds, value.counts)) {
    return { trouble: 'unreadable', what: `the buckets of ${metric} do not ascend, or have no counts` };
  }
  return undefined;
}

function isLadder(bounds: readonly number[], counts: readonly number[]): boolean {
  return (
    bounds.length === counts.length &&
    bounds.length >= 2 &&
    bounds.length <= 200 &&
    bounds.every((bound, i) => i === 0 || bound > bounds[i - 1]!)
  );
}

function checkTime({ metric, atMs, startMs }: PushedPoint, { nowMs, latenessMs }: PushRules): Refusal | undefined {
  if (!(atMs <= nowMs + futureMs)) return { trouble: 'clock', what: `${metric} is from the future` };
  if (atMs < nowMs - latenessMs) {
    const seconds = Math.round((nowMs - atMs) / 1000);
    return { trouble: 'clock', what: `${metric} is ${seconds} s old: its bin has closed` };
  }
  if (startMs !== undefined && startMs > atMs) return { trouble: 'clock', what: `${metric} ends before it starts` };
  return undefined;
}

/** Over how long this point tells; undefined: it does not. */
function spanOf({ atMs, startMs, value }: PushedPoint, earlier: Earlier | undefined): number | undefined {
  if (value.kind !== 'gauge' && value.temporality === 'delta' && startMs !== undefined) return atMs - startMs;
  return earlier && atMs - earlier.atMs;
}

function tooRare(metric: string, sinceMs: number, { judgeBinMs }: PushRules): Refusal {
  const what = `${metric} is handed in every ${sinceMs / 1000} s, and the service is judged in bins of ${judgeBinMs / 1000} s`;
  return { trouble: 'slow', what };
}

function differenceOf(point: PushedPoint, earlier: Earlier | undefined): Sample['value'] | Refusal | undefined {
  const { value, startMs, metric } = point;
  if (value.kind === 'gauge') return { gauge: value.value };
  if (value.temporality === 'delta') return contentOf(value);
  // Totals that start anew count from there; whoever began before we looked has a past nobody knows.
  const isNewStart = earlier !== undefined && startMs !== undefined && startMs !== earlier.startMs;
  if (isNewStart) return startMs >= earlier.atMs - 1 ? contentOf(value) : undefined;
  if (!earlier) return undefined;
  const delta = deltaOf(scrapedOf(metric, earlier.value), scrapedOf(metric, value));
  return delta === 'fell' ? { trouble: 'fell', what: notTotals(metric) } : delta;
}

function contentOf(value: Exclude<PushedValue, { kind: 'gauge' }>): Sample['value'] {
  if (value.kind === 'counter') return { counterDelta: value.value };
  return { histogramDelta: { bounds: value.bounds, counts: value.counts, sum: value.sum } };
}

function scrapedOf(name: string, value: PushedValue) {
  return value.kind === 'histogram' ? { ...value, name, labels: {} } : { ...value, name, labels: {} };
}

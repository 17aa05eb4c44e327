import { rankTest } from '../../stats/index.ts';
import type { KayentaMetric } from './config.ts';

export type KayentaClass = 'Pass' | 'High' | 'Low' | 'Nodata';

/** Of a metric, what its classification heeds. */
export type ClassifiedMetric = Omit<KayentaMetric, 'query' | 'groups'>;

export interface KayentaResult {
  readonly metric: string;
  readonly class: KayentaClass;
  /** A critical metric that failed, or lacks data that it must have: the score is 0. */
  readonly isCriticalFailure: boolean;
  /** Canary against control: ratio of means, or the chance that a canary value is larger. */
  readonly effect: number | undefined;
  readonly shift: number | undefined;
  readonly interval: readonly [number, number] | undefined;
  readonly sentence: string;
}

/** As the classifier of Kayenta is set up: differences within a quarter of the shift are none. */
const tolerance = 0.25;
const confidence = 0.98;

/**
 * One metric of canary and control, one number per interval, as Kayenta's Mann–Whitney classifier decides: the
 * interval of the Hodges–Lehmann shift lies beyond a quarter of the shift, in a direction that matters, and the effect
 * is at least the allowed one. Constant data, to which Kayenta adds noise, is compared as it is: equal passes.
 */
export function classify(
  metric: ClassifiedMetric,
  canary: readonly number[],
  control: readonly number[],
): KayentaResult {
  const [x, y] = [clean(canary, metric), clean(control, metric)];
  if (x.length === 0 || y.length === 0) {
    const isMissing = metric.mustHaveData;
    const sentence = `${metric.name} has no data in the ${x.length === 0 ? 'canary' : 'control'}.`;
    const nothing = { effect: undefined, shift: undefined, interval: undefined };
    return {
      metric: metric.name,
      class: 'Nodata',
      isCriticalFailure: isMissing && metric.critical,
      ...nothing,
      sentence,
    };
  }
  const { shift, interval } = rankTest(x, y, confidence);
  const [low, high] = interval;
  const bound = tolerance * Math.abs(shift);
  const measure = metric.effectSize.measure ?? 'meanRatio';
  const effect = measure === 'cles' ? commonLanguage(x, y) : meanRatio(x, y);
  const neutral = measure === 'cles' ? 0.5 : 1;
  const {
    allowedIncrease = neutral,
    allowedDecrease = neutral,
    criticalIncrease,
    criticalDecrease,
  } = metric.effectSize;
  const isHigh = metric.direction !== 'decrease' && low > bound && effect >= allowedIncrease;
  const isLow = metric.direction !== 'increase' && high < -bound && effect <= allowedDecrease;
  const found: KayentaClass = isHigh ? 'High' : isLow ? 'Low' : 'Pass';
  const isBeyond =
    (isHigh && (criticalIncrease === undefined || effect >= criticalIncrease)) ||
    (isLow && (criticalDecrease === undefined || effect <= criticalDecrease));
  const size =
    measure === 'cles' ? `larger in ${percent(effect)} of pairs` : `${Number(effect.toPrecision(3))} times the control`;
  const sentence = `${metric.name}: ${found}; the canary is ${size}, shift ${text(shift)} (${text(low)} to ${text(high)}).`;
  return {
    metric: metric.name,
    class: found,
    isCriticalFailure: metric.critical && isBeyond,
    effect,
    shift,
    interval,
    sentence,
  };
}

/** NaN is left out or 0; then what lies beyond so many interquartile ranges, where asked for. */
function clean(values: readonly number[], { nanStrategy, outlierFactor }: ClassifiedMetric): number[] {
  const numbers =
    nanStrategy === 'replace'
      ? values.map((value) => (Number.isNaN(value) ? 0 : value))
      : values.filter((value) => !Number.isNaN(value));
  if (outlierFactor === undefined || numbers.length === 0) return [...numbers];
  const sorted = [...numbers].sort((a, b) => a - b);
  const [first, third] = [quantile(sorted, 0.25), quantile(sorted, 0.75)];
  const reach = outlierFactor * (third - first);
  return numbers.filter((value) => value >= first - reach && value <= third + reach);
}

/** Of sorted values, between neighbours as R's type 7 and NumPy do. */
function quantile(sorted: readonly number[], q: number): number {
  const at = (sorted.length - 1) * q;
  const below = Math.floor(at);
  const above = sorted[Math.min(sorted.length - 1, below + 1)]!;
  return sorted[below]! + (above - sorted[below]!) * (at - below);
}

function meanRatio(x: readonly number[], y: readonly number[]): number {
  const [canary, control] = [mean(x), mean(y)];
  if (control === 0) return canary === 0 ? 1 : Number.POSITIVE_INFINITY * Math.sign(canary);
  return canary / control;
}

/** Chance that a value of x is larger than one of y, ties half. */
function commonLanguage(x: readonly number[], y: readonly number[]): number {
  return rankTest(x, y, confidence).u / (x.length * y.length);
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function percent(value: number): string {
  return `${Number((value * 100).toPrecision(3))} %`;
}

function text(value: number): string {
  return String(Number(value.toPrecision(3)));
}

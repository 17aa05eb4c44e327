import { type ClassifiedMetric, classify } from '../../src/judge/index.ts';
import { bins, type FleetRun, updateBins } from './synthetic-fleet.ts';

/**
 * Judges written after the published behaviour of others, on the same data. Each gives one number per deployment: the
 * largest setting (factor) at which it would still have stopped it. So one pass over the runs gives its whole curve.
 */
export interface Peer {
  readonly name: string;
  /** The factor its users usually set. */
  readonly usual: number;
  readonly score: (run: FleetRun) => number;
}

const metrics = ['errors', 'p99', 'p50', 'cpu', 'memory'] as const;
type Metric = (typeof metrics)[number];
/** Minutes after an update in which nobody looks: all of them are given the same warm-up as ours. */
const warmup = 2;

export const peers: readonly Peer[] = [
  {
    name: 'static thresholds from the hour before, Argo Rollouts style (failureLimit 3)',
    usual: 1.5,
    score: (run) => worst(run, (metric) => nthLargest(ratiosToBefore(run, metric), 4)),
  },
  {
    name: 'static thresholds from the hour before, Flagger style (threshold 5)',
    usual: 1.5,
    score: (run) => worst(run, (metric) => nthLargest(ratiosToBefore(run, metric), 5)),
  },
  {
    name: 'ratio of means new/old per minute (failureLimit 3)',
    usual: 1.5,
    score: (run) => worst(run, (metric) => nthLargest(ratiosToOld(run, metric), 4)),
  },
  {
    name: 'Mann-Whitney on per-minute aggregates, Kayenta style (confidence 0.98, tolerance 0.25)',
    usual: 1.25,
    score: (run) => worst(run, (metric) => rankScore(run, metric)),
  },
  { name: 'plain Poisson SPRT on errors (×1.5 against ×1, α 1 %, β 10 %)', usual: 1.5, score: sprtScore },
];

/** The largest of all metrics that the fleet has. */
function worst(_run: FleetRun, of: (metric: Metric) => number): number {
  return Math.max(0, ...metrics.map(of).filter((score) => !Number.isNaN(score)));
}

/** The group's mean of a metric in one minute; errors as a ratio of requests. */
function level(run: FleetRun, metric: Metric, bin: number, group: 'new' | 'old'): number {
  let sum = 0;
  let n = 0;
  for (let i = 0; i < run.tasks; i += 1) {
    const updated = run.updatedAt[i]!;
    if (group === 'new' ? bin < updated + warmup : bin >= updated) continue;
    const at = i * bins + bin;
    const value = run[metric][at]!;
    if (Number.isNaN(value) || run.nobody?.[at] === 1) continue;
    sum += value;
    n += metric === 'errors' ? run.requests[at]! : 1;
  }
  return n === 0 ? Number.NaN : sum / n;
}

function minutes(): number[] {
  const first = updateBins[0] + warmup;
  return Array.from({ length: bins - first }, (_, i) => first + i);
}

function ratiosToBefore(run: FleetRun, metric: Metric): number[] {
  const before = Array.from({ length: updateBins[0] }, (_, bin) => level(run, metric, bin, 'old'));
  const usual = before.reduce((sum, value) => sum + value, 0) / before.length;
  return minutes().map((bin) => level(run, metric, bin, 'new') / usual);
}

function ratiosToOld(run: FleetRun, metric: Metric): number[] {
  return minutes().map((bin) => level(run, metric, bin, 'new') / level(run, metric, bin, 'old'));
}

function nthLargest(values: readonly number[], n: number): number {
  return [...values].sort((a, b) => b - a)[n - 1] ?? 0;
}

/** More is worse, and how much more decides the score. */
const canaryMetric: ClassifiedMetric = {
  ...{ name: 'm', direction: 'increase', nanStrategy: 'remove', critical: true, mustHaveData: false },
  ...{ effectSize: {}, outlierFactor: undefined },
};

/**
 * At the end of each phase the minutes since its update, new tasks against old ones, by the check that the product has
 * for those who come from Kayenta: where it says "High", the ratio of the means counts.
 */
function rankScore(run: FleetRun, metric: Metric): number {
  let score = 0;
  for (const [phase, start] of updateBins.entries()) {
    const end = updateBins[phase + 1] ?? bins;
    const fresh: number[] = [];
    const old: number[] = [];
    for (let bin = start + warmup; bin < end; bin += 1) {
      fresh.push(level(run, metric, bin, 'new'));
      old.push(level(run, metric, bin, 'old'));
    }
    const found = classify(canaryMetric, fresh, old);
    if (found.class === 'High') score = Math.max(score, found.effect!);
  }
  return score;
}

/** The largest ratio against which the likelihood ratio crosses log((1 - β)/α), errors taken as independent. */
function sprtScore(run: FleetRun): number {
  const limit = Math.log(0.9 / 0.01);
  let score = 0;
  for (const ratio of [1.05, 1.1, 1.2, 1.3, 1.5, 2, 3, 5]) {
    let sum = 0;
    for (const bin of minutes()) {
      let events = 0;
      let requests = 0;
      for (let i = 0; i < run.tasks; i += 1) {
        if (bin < run.updatedAt[i]! + warmup || Number.isNaN(run.errors[i * bins + bin]!)) continue;
        events += run.errors[i * bins + bin]!;
        requests += run.requests[i * bins + bin]!;
      }
      const expected = requests * level(run, 'errors', bin, 'old');
      sum = Math.max(Math.log(0.1 / 0.99), sum + events * Math.log(ratio) - expected * (ratio - 1));
      if (sum >= limit) score = Math.max(score, ratio);
    }
  }
  return score;
}

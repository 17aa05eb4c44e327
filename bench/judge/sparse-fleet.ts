import { combineCurves, curveOf } from '../../src/judge/age-curve.ts';
import type { AgeCurves, RolloutCurve } from '../../src/judge/index.ts';
import { ladderOf } from '../../src/judge/index.ts';
import { measureLatency } from '../../src/judge/latency.ts';
import type { CheckData } from '../../src/judge/measured-check.ts';
import type { HistogramMeasure } from '../../src/judge/measures.ts';
import { plainCheck } from '../../src/judge/plain-check.ts';
import { priorSpreadOf } from '../../src/judge/weigh/evidence.ts';
import { pickBelow, seededChance } from '../../src/kit/index.ts';
import type { CheckSpec } from '../../src/model/index.ts';
import { bins, type FleetRun, normal, poissonOf, tableAt, updateBins } from './synthetic-fleet.ts';

/**
 * The sparse, heavy-tailed fleet of the reference (judge.md, "weigh by requests"): 150 tasks, about one request a
 * minute each, many bins empty; latencies log-normal with a heavy tail. Nothing but latency is seen.
 */
export const sparseTasks = 150;
const touched = [4, 8, 30, 75];
const warmupBins = 2;
const bounds = ladderOf('took_seconds').bounds;

export interface SparseRun extends FleetRun {
  /** Per cell the requests in each bucket; all zero where nobody asked. */
  readonly buckets: Float64Array;
}

/** For judges that compare means: `errors` holds the seconds that all requests of a cell took, `requests` how many. */
export function runSparseFleet(slower: number, seed: number): SparseRun {
  const chance = seededChance(seed, 'sparse');
  const z = () => normal(chance);
  const size = sparseTasks * bins;
  const buckets = new Float64Array(size * bounds.length);
  const [errors, requests] = [new Float64Array(size), new Float64Array(size)];
  const shared = new Float64Array(bins);
  for (let t = 1; t < bins; t += 1) shared[t] = 0.9 * shared[t - 1]! + 0.08 * Math.sqrt(0.19) * z();
  const order = Array.from({ length: sparseTasks }, (_, i) => i);
  for (let i = sparseTasks - 1; i > 0; i -= 1) {
    const j = pickBelow(chance, i + 1);
    [order[i], order[j]] = [order[j]!, order[i]!];
  }
  const updatedAt = new Int32Array(sparseTasks).fill(bins);
  for (const [stage, n] of touched.entries())
    for (const task of order.slice(0, n)) updatedAt[task] = Math.min(updatedAt[task]!, updateBins[stage]!);
  for (let task = 0; task < sparseTasks; task += 1) {
    const rate = Math.max(0.2, Math.min(5, Math.exp(0.9 * z())));
    const host = 0.15 * z();
    let own = 0;
    for (let t = 0; t < bins; t += 1) {
      const at = task * bins + t;
      own = 0.9 * own + 0.08 * Math.sqrt(0.19) * z();
      const age = t - updatedAt[task]!;
      const fresh = age >= 0 ? Math.log(1.3) * Math.exp(-age / 2) + Math.log(slower) : 0;
      const n = poissonOf(chance, rate);
      for (let i = 0; i < n; i += 1) {
        let took = 0.1 * Math.exp(host + own + shared[t]! + fresh + 0.6 * z());
        if (chance.next() < 0.03) took *= 4 * Math.exp(-Math.log(1 - chance.next()) / 1.6);
        errors[at]! += took;
        buckets[at * bounds.length + bounds.findIndex((bound) => took <= bound)]! += 1;
      }
      requests[at] = n;
    }
  }
  const nothing = new Float64Array(size).fill(Number.NaN);
  const [p99, p50, cpu, memory] = [nothing, nothing, nothing, nothing];
  const domain = new Int32Array(sparseTasks);
  return { tasks: sparseTasks, bins, updateBins, updatedAt, domain, p99, p50, cpu, memory, errors, requests, buckets };
}

const check = (quantile: number): CheckSpec => ({
  ...plainCheck,
  ...{
    name: `latency-p${quantile * 100}`,
    class: 'call',
    metric: { latency: { histogram: 'took_seconds', quantile } },
  },
  ...{ worse: 'higher', delta: 0.01, margin: 0.25, critical: true, required: false, trust: 'revert' },
});
export const sparseChecks: readonly CheckSpec[] = [check(0.5), check(0.9)];

export function sparseTableAt(run: SparseRun, end: number) {
  return { ...tableAt(run, end, warmupBins), domains: 1 };
}

export function sparseDataAt(run: SparseRun, end: number): Map<string, CheckData> {
  const counts = new Float64Array(run.tasks * end * bounds.length);
  for (let task = 0; task < run.tasks; task += 1) {
    const from = task * bins * bounds.length;
    counts.set(run.buckets.subarray(from, from + end * bounds.length), task * end * bounds.length);
  }
  const histograms: HistogramMeasure = { kind: 'histograms', bounds, counts };
  const table = sparseTableAt(run, end);
  return new Map(
    sparseChecks.flatMap((one) => {
      if (!('latency' in one.metric)) return [];
      const latency = measureLatency(table, histograms, one.metric.latency.quantile);
      return latency ? [[one.name, { check: one, measure: latency.counts, latency }] as const] : [];
    }),
  );
}

export function sparsePastCurves(count: number, seed: number): Record<string, RolloutCurve>[] {
  return Array.from({ length: count }, (_, i) => {
    const run = runSparseFleet(1, seed + i);
    const found: Record<string, RolloutCurve> = {};
    for (const [name, { measure }] of sparseDataAt(run, bins)) {
      const curve = curveOf(sparseTableAt(run, bins), measure);
      if (curve) found[name] = curve;
    }
    return found;
  });
}

export function sparseCurvesOf(pool: readonly Record<string, RolloutCurve>[], seed: number, run: SparseRun): AgeCurves {
  const chance = seededChance(seed, 'history');
  const chosen = Array.from({ length: 20 }, () => pool[pickBelow(chance, pool.length)]!);
  const curves: Record<string, NonNullable<ReturnType<typeof combineCurves>>> = {};
  for (const [name, { check: of, latency }] of sparseDataAt(run, updateBins[0])) {
    const past = chosen.flatMap((one) => one[name] ?? []);
    const curve = combineCurves(past, priorSpreadOf(of, latency));
    if (curve) curves[name] = curve;
  }
  return curves;
}

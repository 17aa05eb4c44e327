import { median, robustDeviation } from '../stats/index.ts';
import { type BinTable, newGroup, oldGroup } from './bin-table.ts';
import { countsByAge } from './counts/by-age.ts';
import type { Measure } from './measures.ts';
import { type AgeCurve, type RolloutCurve, windowShares } from './port.ts';
import { withoutLevelsAndShocks } from './values/levels-and-shocks.ts';
import { windowFrom } from './values/windows.ts';

/** Ages (in bins) that a curve knows; older tasks are taken to be as at the last. */
export const curveAges = 60;

export interface CurveOptions {
  /** Few tasks, restarted on purpose: what they show is used by itself. */
  readonly isPlacebo?: boolean | undefined;
}

/** Step 2 of the method, after a rollout that was harmless: how its restarted tasks differed from those left alone. */
export function curveOf(table: BinTable, measure: Measure, options: CurveOptions = {}): RolloutCurve | undefined {
  const curve =
    measure.kind === 'counts' ? curveOfCounts(table, measure, options) : curveOfValues(table, measure, options);
  return curve && options.isPlacebo ? { ...curve, isPlacebo: true } : curve;
}

function curveOfCounts(
  table: BinTable,
  measure: Extract<Measure, { kind: 'counts' }>,
  { isPlacebo }: CurveOptions,
): RolloutCurve | undefined {
  // A cut curve would leave what is cut to the new version; of many rollouts the spread tells.
  const sums = countsByAge(table, measure, curveAges, !isPlacebo);
  if (!sums) return undefined;
  const mean: (number | null)[] = [];
  const window: (number | null)[] = [];
  const noise: (number | null)[] = [];
  let events = 0;
  let expected = 0;
  for (let age = 0; age < curveAges; age += 1) {
    events += sums.events[age]!;
    expected += sums.expected[age]!;
    const isSeen = sums.expected[age]! > 0;
    // A single bin of one or two tasks is nearly all chance: ages that are about the same go together.
    const [near, usual] = isPlacebo
      ? [alike(sums.events, age), alike(sums.expected, age)]
      : [sums.events[age]!, sums.expected[age]!];
    mean.push(isSeen ? Math.log((near + 0.5) / (usual + 0.5)) : null);
    window.push(isSeen ? Math.log((events + 0.5) / (expected + 0.5)) : null);
    noise.push(isSeen ? sums.overdispersion * (1 / (events + 0.5) + 1 / (expected + 0.5)) : null);
  }
  // Counts are compared over all bins since the warm-up.
  return { mean, windows: [window], noise: [noise], jitter: null };
}

/** Ages from half to half as much again: the sum over them. */
function alike(sums: Float64Array, age: number): number {
  const reach = Math.floor(age / 2);
  return sums.subarray(age - reach, age + reach + 1).reduce((sum, one) => sum + one, 0);
}

function curveOfValues(
  table: BinTable,
  measure: Extract<Measure, { kind: 'values' }>,
  { isPlacebo }: CurveOptions,
): RolloutCurve | undefined {
  const rows = table.tasks.map((_, row) => row);
  const since = table.newSince.reduce((least, bin) => Math.min(least, bin), table.bins);
  const prepared = withoutLevelsAndShocks(table, measure, rows, since, undefined, false);
  if (!prepared || since >= table.bins) return undefined;
  const oldIn = oldTasksPerBin(table);
  const single = new Sums(curveAges);
  const windows = windowShares.map(() => new Sums(curveAges));
  for (const row of rows) {
    const start = table.newSince[row]!;
    if (isIll(table, prepared.y, row)) continue;
    for (let bin = start; bin < table.bins; bin += 1) {
      const at = row * table.bins + bin;
      if (table.group[at] !== newGroup || table.age[at]! >= curveAges) continue;
      if (!Number.isNaN(prepared.y[at]!)) single.add(table.age[at]!, prepared.y[at]!, oldIn[bin]!);
      for (const [w, share] of windowShares.entries()) {
        let sum = 0;
        let n = 0;
        for (let b = windowFrom(start, bin + 1, share); b <= bin; b += 1) {
          const value = prepared.y[row * table.bins + b]!;
          if (table.group[row * table.bins + b] !== newGroup || Number.isNaN(value)) continue;
          sum += value;
          n += 1;
        }
        if (n > 0) windows[w]!.add(table.age[at]!, sum / n, oldIn[bin]!);
      }
    }
  }
  return {
    mean: single.means(),
    windows: windows.map((sums) => sums.means()),
    noise: windows.map((sums) => sums.noise(isPlacebo ? varianceOfOld(table, prepared.y) : undefined)),
    jitter: jitterOf(table, prepared.y),
  };
}

/** Over the last bins of each cohort: the variance between its tasks less that between tasks still old, pooled. */
function jitterOf(table: BinTable, y: Float64Array): number | null {
  const { bins } = table;
  const meanOver = (row: number, group: number, from: number): number | undefined => {
    let sum = 0;
    let n = 0;
    for (let bin = from; bin < bins; bin += 1) {
      const at = row * bins + bin;
      if (table.group[at] !== group || Number.isNaN(y[at]!)) return undefined;
      sum += y[at]!;
      n += 1;
    }
    return n > 0 ? sum / n : undefined;
  };
  const rows = table.tasks.map((_, row) => row);
  const fresh: number[] = [];
  const old: number[] = [];
  for (const start of new Set(table.newSince)) {
    if (start >= bins) continue;
    const from = windowFrom(start, bins, windowShares[1]);
    const members = rows.filter((row) => table.newSince[row] === start);
    fresh.push(...centred(members.flatMap((row) => meanOver(row, newGroup, from) ?? [])));
    old.push(...centred(rows.flatMap((row) => meanOver(row, oldGroup, from) ?? [])));
  }
  if (fresh.length < 6 || old.length < 6) return null;
  // By the middle of the deviations: a few tasks on ill hosts are no jitter.
  const [own, others] = [robustDeviation(fresh, 0), robustDeviation(old, 0)];
  return own * own - others * others;
}

/** Deviations from the group's mean, as wide as they would be from the true one. */
function centred(values: readonly number[]): number[] {
  if (values.length < 2) return [];
  const centre = values.reduce((sum, value) => sum + value, 0) / values.length;
  const scale = Math.sqrt(values.length / (values.length - 1));
  return values.map((value) => (value - centre) * scale);
}

/** Later half far from its peers: a task whose host had trouble says nothing about restarts. */
function isIll(table: BinTable, y: Float64Array, row: number): boolean {
  const meanSince = (of: number) => {
    let sum = 0;
    let n = 0;
    for (let bin = Math.max(table.newSince[of]!, table.bins - 8); bin < table.bins; bin += 1) {
      const value = y[of * table.bins + bin]!;
      if (Number.isNaN(value)) continue;
      sum += value;
      n += 1;
    }
    return n > 0 ? sum / n : undefined;
  };
  const own = meanSince(row);
  if (own === undefined) return false;
  const peers = table.tasks.flatMap((_, of) => {
    const same = table.newSince[of] === table.newSince[row];
    return same ? (meanSince(of) ?? []) : [];
  });
  const centre = median(peers);
  const spread = robustDeviation(peers, centre);
  return peers.length >= 4 && Math.abs(own - centre) > 5 * spread;
}

function oldTasksPerBin({ tasks, bins, group }: BinTable): Int32Array {
  const counts = new Int32Array(bins);
  for (let at = 0; at < tasks.length * bins; at += 1) if (group[at] === oldGroup) counts[at % bins]! += 1;
  return counts;
}

/** Of single bins of old tasks: what one restarted task may be off by, when nobody is there to tell. */
function varianceOfOld({ group }: BinTable, y: Float64Array): number | undefined {
  let [sum, n] = [0, 0];
  for (let at = 0; at < group.length; at += 1) {
    if (group[at] !== oldGroup || Number.isNaN(y[at]!)) continue;
    sum += y[at]! * y[at]!;
    n += 1;
  }
  return n < 2 ? undefined : sum / (n - 1);
}

class Sums {
  readonly #n: Float64Array;
  readonly #sum: Float64Array;
  readonly #squares: Float64Array;
  readonly #perOld: Float64Array;
  constructor(size: number) {
    this.#n = new Float64Array(size);
    this.#sum = new Float64Array(size);
    this.#squares = new Float64Array(size);
    this.#perOld = new Float64Array(size);
  }
  /** One task at this age, compared with so many old ones. */
  add(at: number, value: number, oldTasks: number): void {
    this.#n[at]! += 1;
    this.#perOld[at]! += 1 / Math.max(1, oldTasks);
    this.#sum[at]! += value;
    this.#squares[at]! += value * value;
  }
  means(): (number | null)[] {
    return Array.from(this.#n, (n, i) => (n > 0 ? this.#sum[i]! / n : null));
  }
  /** Variance of each mean: of the new tasks, and of the old ones that it is compared with. */
  noise(ofOld?: number): (number | null)[] {
    return Array.from(this.#n, (n, i) => {
      if (n === 0) return null;
      if (n === 1) return ofOld === undefined ? 1 : ofOld * (1 + this.#perOld[i]!);
      const ofOne = Math.max(0, this.#squares[i]! - (this.#sum[i]! * this.#sum[i]!) / n) / (n - 1);
      return ofOne / n + ofOne * (this.#perOld[i]! / n);
    });
  }
}

/**
 * The curves of past rollouts as one: the mean at each age, and the variance between rollouts beyond their noise.
 * Of few rollouts that variance is rough: it is drawn to the wide guess that is used without history.
 */
export function combineCurves(curves: readonly RolloutCurve[], priorSpread: number): AgeCurve | undefined {
  if (curves.length < 3)
    return ofPlacebos(
      curves.filter(({ isPlacebo }) => isPlacebo),
      priorSpread,
    );
  const guessed = Math.max(0, 12 - curves.length) / 2;
  const drawn = (seen: number) =>
    (curves.length * seen + guessed * priorSpread * priorSpread) / (curves.length + guessed);
  const mean = filled(
    Array.from({ length: curveAges }, (_, age) => {
      const known = curves.flatMap((curve) => curve.mean[age] ?? []);
      return known.length < 3 ? undefined : known.reduce((sum, value) => sum + value, 0) / known.length;
    }),
  );
  const kinds = Math.min(...curves.map(({ windows }) => windows.length));
  const variances: number[][] = [];
  for (let w = 0; w < kinds; w += 1) {
    const perAge = filled(
      Array.from({ length: curveAges }, (_, age) => {
        const known = curves.flatMap(({ windows, noise }) => {
          const value = windows[w]![age];
          return value === null || value === undefined ? [] : [{ value, noise: noise[w]![age] ?? 0 }];
        });
        return known.length < 3 ? undefined : drawn(spreadBeyondNoise(known));
      }),
    );
    if (perAge) variances.push(smoothed(perAge));
  }
  const jitters = curves.flatMap(({ jitter }) => jitter ?? []);
  // The middle half: of a small service one ill host makes a single rollout's jitter many times what it is.
  const jitter = jitters.length < 3 ? 0 : Math.max(0, middleMean(jitters));
  return mean && variances.length === kinds
    ? { rollouts: curves.length, mean, variance: variances, jitter }
    : undefined;
}

/**
 * Before there are enough rollouts. What restarts do is taken from the placebo where it shows something clearly: by how
 * much they differ is still guessed, and what was measured is uncertain itself. Where it shows nothing, and would have,
 * nothing is what they do. Where it saw too little the wide guess stands alone.
 */
function ofPlacebos(curves: readonly RolloutCurve[], priorSpread: number): AgeCurve | undefined {
  if (curves.length === 0) return undefined;
  const over = (of: (curve: RolloutCurve, age: number) => number | null | undefined) =>
    filled(
      Array.from({ length: curveAges }, (_, age) => {
        const known = curves.flatMap((curve) => of(curve, age) ?? []);
        return known.length === 0 ? undefined : known.reduce((sum, value) => sum + value, 0) / known.length;
      }),
    );
  const mean = over((curve, age) => shrunk(curve.mean[age], curve.noise[0]?.[age]));
  const guess = priorSpread * priorSpread;
  const windows = Array.from({ length: Math.min(...curves.map((one) => one.windows.length)) }, (_, w) => ({
    // What is compared is a sum over ages, and so is what was measured: as uncertain as the whole of it.
    seen: over((curve, age) => curve.windows[w]![age])?.at(-1) ?? 0,
    noise: (over((curve, age) => curve.noise[w]![age])?.at(-1) ?? Number.POSITIVE_INFINITY) / curves.length,
  }));
  if (mean === undefined || windows.length === 0) return undefined;
  const constant = (value: number) => Array.from({ length: curveAges }, () => value);
  // The guess is taken for known, as it is without any curve.
  const base = { rollouts: guessedRollouts, jitter: 0 };
  if (windows.some(({ seen, noise }) => seen * seen > clearly * noise))
    return { ...base, mean, variance: windows.map(({ noise }) => constant(guess + noise)) };
  if (windows.some(({ noise }) => noise > guess)) return undefined;
  return { ...base, mean: constant(0), variance: windows.map(() => constant(guess)) };
}

/** Of what is hardly more than its noise nothing is believed (James and Stein): it would make others look worse. */
function shrunk(seen: number | null | undefined, noise: number | null | undefined): number | undefined {
  if (seen === null || seen === undefined || noise === null || noise === undefined) return undefined;
  return seen * Math.max(0, 1 - noise / Math.max(seen * seen, 1e-12));
}

/** Seen squared, in variances of its noise. */
const clearly = 9;
/** As sure as the guess is of how much restarts differ. */
const guessedRollouts = 20;

function middleMean(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const from = Math.floor(sorted.length / 4);
  const middle = sorted.slice(from, sorted.length - from);
  return middle.reduce((sum, value) => sum + value, 0) / middle.length;
}

/** Never less than a quarter of what was seen: the noise is itself an estimate. */
function spreadBeyondNoise(known: readonly { readonly value: number; readonly noise: number }[]): number {
  const average = known.reduce((sum, { value }) => sum + value, 0) / known.length;
  const spread = known.reduce((sum, { value }) => sum + (value - average) * (value - average), 0) / (known.length - 1);
  const noise = known.reduce((sum, one) => sum + one.noise, 0) / known.length;
  return Math.max(spread - noise, spread / 4);
}

/** Ages at which nothing is known are taken to be like the one before, at the beginning like the first known. */
function filled(values: readonly (number | undefined)[]): number[] | undefined {
  let last = values.find((value) => value !== undefined);
  if (last === undefined) return undefined;
  return values.map((value) => {
    last = value ?? last!;
    return last;
  });
}

/** Each age with its neighbours: a variance of twenty numbers is rough. */
function smoothed(values: readonly number[]): number[] {
  return values.map((_, at) => {
    const near = values.slice(Math.max(0, at - 2), at + 3);
    return near.reduce((sum, value) => sum + value, 0) / near.length;
  });
}

import {
  expectedMaximum,
  median,
  mixedPoissonAtLeast,
  mixedPoissonAtMost,
  normalBelow,
  normalQuantile,
  studentAbove,
} from '../stats/index.ts';
import { type BinTable, matureAge, newGroup, oldGroup } from './bin-table.ts';
import type { CountMeasure } from './measures.ts';
import { isWorstAlwaysOut, outliersAmong } from './outliers.ts';
import type { AgeCurve, SeasonalChange } from './port.ts';
import { type Course, courseOf } from './start-up.ts';

/** What the numbers say about events of new tasks against what old tasks at the same place and time let expect. */
export interface CountEvidence {
  readonly kind: 'counts';
  /** As seen, for people. */
  readonly newEvents: number;
  readonly newExposure: number;
  readonly oldEvents: number;
  readonly oldExposure: number;
  /** Events expected of the new tasks if they were like old ones. */
  readonly expected: number;
  /** What is tested: outlier left out, extremes cut. */
  readonly tested: { readonly events: number; readonly expected: number; readonly exposure: number };
  /** What would be tested if all new tasks were worse alike: the one left out is then the one that tells most. */
  readonly ifWorse: { readonly expected: number; readonly exposure: number; readonly bins: number };
  /** Variance per expected event; 1 = independent events that are rare. */
  readonly overdispersion: number;
  /** Of independent events: below 1 when so many occasions are events that their number varies less. */
  readonly leastDispersion: number;
  /** 1 / relative variance of `expected`: of the rate, of the baselines, between harmless rollouts. */
  readonly shape: number;
  /**
   * The same where a pass is concerned: without history the spread between rollouts is a wide guess, so that nothing
   * harmless is stopped; half of it suffices not to let something harmful through.
   */
  readonly passShape: number;
  /** Degrees of freedom with which `overdispersion` is known. */
  readonly freedom: number;
  readonly newTasks: number;
  readonly oldTasks: number;
  /** Row of the worst task that is left out. */
  readonly outlier: number | undefined;
  /** By how many deviations of one task the one that is left out in any case lies above the others, if all are alike. */
  readonly lostToOutlier: number;
  /** New rows with more events than expected, worst first. */
  readonly drivers: readonly number[];
  /** How it went since the new tasks are new; absent where they are held against a limit. */
  readonly course?: Course | undefined;
  /** Events of the tested tasks with no extremes cut: what is gross shows there. */
  readonly uncut?: number | undefined;
  /** What this time of day or week does by itself was taken away. */
  readonly season?: SeasonalChange | undefined;
}

export interface CountOptions {
  readonly ageCurve: AgeCurve | undefined;
  /** Spread of the log ratio between harmless rollouts, where no age curve says it. */
  readonly priorSpread: number;
  /** Only tasks of this domain. */
  readonly domain?: number | undefined;
  readonly leaveOneOut?: boolean;
  /** What bins in which no old task is left would change by themselves; of a rate. */
  readonly season?: SeasonalChange | undefined;
}

/** How strongly rates of one bin, one region, one task are drawn to the common rate: in expected events. */
const binPrior = 2;
const regionPrior = 5;
const taskPrior = 10;

/** Step 4: no bin of one task counts more events than this, where `mu` are expected: an ill host is not a version. */
function capOf(mu: number): number {
  return mu + 3 * Math.sqrt(mu) + 1.5;
}

/** Without a root where it makes no difference: most bins have no more than is expected. */
function capped(events: number, mu: number): number {
  return events <= mu ? events : Math.min(events, capOf(mu));
}

/** Steps 2–7 of the method for counts (docs/judge.md); undefined: nothing to compare. */
export function compareCounts(
  table: BinTable,
  measure: CountMeasure,
  options: CountOptions,
): CountEvidence | undefined {
  const { bins, group } = table;
  const rows = rowsOf(table, options.domain);
  const since = rows.reduce((least, row) => Math.min(least, table.newSince[row]!), bins);
  if (since >= bins) return undefined;
  const usual = findUsual(table, measure, rows, since);
  if (!usual) return undefined;
  const { rate, factor, factorVariance } = usual;

  // Cutting extremes lowers the sums a little: old tasks say by how much.
  let oldCut = 0;
  let oldExpected = 0;
  const { events: counted, exposure: among } = measure;
  const { rates } = rate;
  for (const row of rows) {
    const own = rate.from(row);
    const ofTask = factor[row]!;
    for (let bin = 0, at = row * bins; bin < bins; bin += 1, at += 1) {
      const exposure = among[at]!;
      if (group[at] !== oldGroup || Number.isNaN(exposure)) continue;
      const mu = exposure * rates[own + bin]! * ofTask;
      oldCut += capped(counted[at]!, mu);
      oldExpected += mu;
    }
  }
  const centre = (oldCut + taskPrior) / (oldExpected + taskPrior);

  interface TaskSum {
    row: number;
    events: number;
    expected: number;
    exposure: number;
    raw: number;
    plain: number;
    uncontrolled: number;
    spread: number;
    bins: number;
  }
  const { ageCurve, season } = options;
  const ofSeason = season ? Math.exp(season.change) : 1;
  // In variables of its own: fields of an object that change are slow.
  const sumOf = (row: number, wanted: number, from: number, to: number): TaskSum => {
    let [events, expected, exposure, raw, plain, uncontrolled, spread] = [0, 0, 0, 0, 0, 0, 0];
    let counts = 0;
    const own = rate.from(row);
    const ofTask = factor[row]!;
    for (let bin = from, at = row * bins + from; bin < to; bin += 1, at += 1) {
      const cell = among[at]!;
      if (group[at] !== wanted || Number.isNaN(cell)) continue;
      let mu = cell * rates[own + bin]! * ofTask * centre;
      if (wanted === newGroup && ageCurve) mu *= Math.exp(atAge(ageCurve.mean, table.age[at]!));
      if (season && !rate.isControlled(bin)) mu *= ofSeason;
      counts += 1;
      events += capped(counted[at]!, mu);
      expected += mu;
      plain += mu / centre;
      exposure += cell;
      raw += counted[at]!;
      if (!rate.isControlled(bin)) uncontrolled += mu;
      if (ageCurve) spread = Math.sqrt(atAge(ageCurve.variance[0]!, table.age[at]!));
    }
    return { row, events, expected, exposure, raw, plain, uncontrolled, spread, bins: counts };
  };

  const fresh = rows.filter((row) => table.newSince[row]! < bins).map((row) => sumOf(row, newGroup, since, bins));
  const seen = fresh.filter(({ exposure }) => exposure > 0);
  if (seen.length === 0) return undefined;
  const still = rows.map((row) => sumOf(row, oldGroup, since, bins)).filter(({ exposure }) => exposure > 0);
  const past =
    still.length < 8 ? pastWindows(table, rows, since, (row, from, to) => sumOf(row, oldGroup, from, to)) : [];
  const least = leastDispersionOf([...still, ...past]);
  const length = typicalLength(seen);
  const recent = rows.map((row) => sumOf(row, oldGroup, bins - length, bins)).filter(({ exposure }) => exposure > 0);
  const { overdispersion, freedom } = dispersionOf([...recent, ...past], least);

  const excess = ({ events, expected }: TaskSum) => (events - expected) / Math.sqrt(overdispersion * expected + 0.25);
  seen.sort((a, b) => excess(b) - excess(a) || a.row - b.row);
  const leftOut = options.leaveOneOut === false ? 0 : outliersAmong(seen.map(excess));
  const tested = seen.slice(leftOut);
  const most = seen.reduce((of, one) => (one.expected > of.expected ? one : of));
  const without = options.leaveOneOut !== false && isWorstAlwaysOut(seen.length) ? most : undefined;

  const total = (list: readonly TaskSum[], key: Exclude<keyof TaskSum, 'row'>) =>
    list.reduce((sum, item) => sum + item[key], 0);
  const expected = Math.max(1e-12, total(tested, 'expected'));
  // Relative variance of what is expected, from four sources.
  const ofRate = 1 / (total(still, 'raw') + total(past, 'raw') + 1);
  const ofBaselines =
    tested.reduce((sum, item) => sum + item.expected * item.expected * factorVariance[item.row]!, 0) /
    (expected * expected);
  const spread = options.ageCurve
    ? tested.reduce((sum, item) => sum + item.spread * item.expected, 0) / expected
    : options.priorSpread;
  const rollouts = options.ageCurve?.rollouts ?? 20;
  const ofRollouts = spread * spread * (1 + 1 / rollouts);
  const alone = total(tested, 'uncontrolled') / expected;
  const ofTime = alone * alone * (season ? season.deviation * season.deviation : rate.drift(Math.max(1, bins - since)));
  return {
    kind: 'counts',
    newEvents: total(seen, 'raw'),
    newExposure: total(seen, 'exposure'),
    oldEvents: total(still.length > 0 ? still : past, 'raw'),
    oldExposure: total(still.length > 0 ? still : past, 'exposure'),
    expected: total(seen, 'plain'),
    tested: { events: total(tested, 'events'), expected, exposure: total(tested, 'exposure') },
    ifWorse: {
      expected: Math.max(1e-12, total(seen, 'expected') - (without?.expected ?? 0)),
      exposure: total(seen, 'exposure') - (without?.exposure ?? 0),
      bins: total(seen, 'bins') - (without?.bins ?? 0),
    },
    overdispersion,
    leastDispersion: least,
    shape: 1 / (ofRate + ofBaselines + ofRollouts + ofTime),
    passShape: 1 / (ofRate + ofBaselines + (options.ageCurve ? ofRollouts : ofRollouts / 4) + ofTime),
    freedom,
    newTasks: seen.length,
    oldTasks: still.length,
    outlier: leftOut > 0 ? seen[0]!.row : undefined,
    lostToOutlier: without ? expectedMaximum(seen.length) : 0,
    drivers: seen
      .filter((item) => item.events > item.expected)
      .map(({ row }) => row)
      .slice(0, 5),
    uncut: total(tested, 'raw'),
    season: alone > 0 ? season : undefined,
    course: courseOf(tested.map(({ row }) => cellsSince(table, measure, row, usual))),
  };
}

/** What is new of one task, bin by bin: events, and how many old tasks let expect. */
function cellsSince({ bins, group, newSince }: BinTable, measure: CountMeasure, row: number, { rate, factor }: Usual) {
  const cells: { events: number; expected: number; exposure: number }[] = [];
  for (let bin = newSince[row]!; bin < bins; bin += 1) {
    const at = row * bins + bin;
    const exposure = measure.exposure[at]!;
    if (group[at] !== newGroup || Number.isNaN(exposure)) continue;
    cells.push({ events: measure.events[at]!, expected: exposure * rate.of(row, bin) * factor[row]!, exposure });
  }
  return cells;
}
type Usual = NonNullable<ReturnType<typeof findUsual>>;

/**
 * What is usual: a rate per bin and region, and each task's own factor. The rate is that of a task with factor 1: else
 * it would change merely because the tasks that are still old are others than before (measured: that alone spread
 * the error ratio of harmless rollouts by 4 %).
 */
function findUsual(table: BinTable, measure: CountMeasure, rows: readonly number[], since: number) {
  const plain = rateOfOldTasks(table, measure, rows, undefined);
  if (!plain) return undefined;
  const first = factorsOf(table, measure, rows, since, plain, false);
  const rate = rateOfOldTasks(table, measure, rows, { factor: first.factor, plain })!;
  return { rate, ...factorsOf(table, measure, rows, since, rate, true) };
}

/** Each task's own factor against the others, from its past as an old task, drawn to 1 as far as it is uncertain. */
function factorsOf(
  table: BinTable,
  measure: CountMeasure,
  rows: readonly number[],
  since: number,
  { rates, from }: Rates,
  isWholePast: boolean,
) {
  const { bins, group } = table;
  const { events: counted, exposure: among } = measure;
  const n = table.tasks.length;
  const factor = new Float64Array(n).fill(1);
  const factorVariance = new Float64Array(n).fill(1 / taskPrior);
  for (const row of rows) {
    let events = 0;
    let expected = 0;
    const end = isWholePast && table.newSince[row]! < bins ? Math.min(bins, table.frozenAt[row]!) : since;
    const own = from(row);
    for (let bin = 0, at = row * bins; bin < end; bin += 1, at += 1) {
      const exposure = among[at]!;
      if (group[at] !== oldGroup || Number.isNaN(exposure)) continue;
      const mu = exposure * rates[own + bin]!;
      expected += mu;
      events += capped(counted[at]!, mu);
    }
    factor[row] = (events + taskPrior) / (expected + taskPrior);
    factorVariance[row] = 1 / (expected + taskPrior);
  }
  return { factor, factorVariance };
}

/** Events and expected events of new tasks at each age, all of them together: what an age curve is made of. */
export function countsByAge(table: BinTable, measure: CountMeasure, ages: number, isCut = true) {
  const rows = rowsOf(table, undefined);
  const since = rows.reduce((least, row) => Math.min(least, table.newSince[row]!), table.bins);
  const usual = since < table.bins ? findUsual(table, measure, rows, since) : undefined;
  if (!usual) return undefined;
  const { rate, factor } = usual;
  const events = new Float64Array(ages);
  const expected = new Float64Array(ages);
  const tasks = rows.map((row) => {
    const cells: { age: number; seen: number; mu: number }[] = [];
    let excess = 0;
    let all = 0;
    for (let bin = since; bin < table.bins; bin += 1) {
      const at = row * table.bins + bin;
      const age = table.age[at]!;
      if (table.group[at] !== newGroup || age >= ages || Number.isNaN(measure.exposure[at]!)) continue;
      const mu = measure.exposure[at]! * rate.of(row, bin) * factor[row]!;
      const seen = isCut ? capped(measure.events[at]!, mu) : measure.events[at]!;
      cells.push({ age, seen, mu });
      excess += seen - mu;
      all += mu;
    }
    return { cells, seen: excess + all, mu: all, far: excess / Math.sqrt(2 * all + 1) };
  });
  const fresh = tasks.filter(({ cells }) => cells.length > 0);
  // A task whose host had trouble says nothing about restarts: one far above its peers. What all do is the restart.
  const limit = median(fresh.map(({ far }) => far)) + 6;
  const totals = fresh.filter(({ far }) => fresh.length < 3 || far <= limit);
  for (const { cells } of totals) {
    for (const { age, seen, mu } of cells) {
      events[age]! += seen;
      expected[age]! += mu;
    }
  }
  const ratio = totals.reduce((sum, { seen }) => sum + seen, 0) / totals.reduce((sum, { mu }) => sum + mu, 1e-9);
  const { overdispersion } = dispersionOf(
    totals.map(({ seen, mu }) => ({ events: seen, expected: mu * ratio })),
    1,
  );
  return { events, expected, overdispersion };
}

function rowsOf(table: BinTable, domain: number | undefined): number[] {
  const rows: number[] = [];
  for (let row = 0; row < table.tasks.length; row += 1) {
    if (domain === undefined || table.domain[row] === domain) rows.push(row);
  }
  return rows;
}

export function atAge(curve: readonly number[], age: number): number {
  if (curve.length === 0 || age >= matureAge) return 0;
  return age < curve.length ? curve[Math.max(0, age)]! : curve[curve.length - 1]!;
}

/** Of a task, bin by bin from `from(row)` on: a call for each of a hundred thousand cells took half of the time. */
interface Rates {
  readonly rates: Float64Array;
  readonly from: (row: number) => number;
}

/** Events per occasion of old tasks, by bin and region, each drawn to the one above it as far as it is uncertain. */
function rateOfOldTasks(
  table: BinTable,
  measure: CountMeasure,
  rows: readonly number[],
  known: { readonly factor: Float64Array; readonly plain: Rates } | undefined,
) {
  const { bins, group, domains } = table;
  const events = new Float64Array(bins * (domains + 1));
  const exposure = new Float64Array(bins * (domains + 1));
  const { events: seen, exposure: among } = measure;
  const plain = known?.plain.rates;
  for (const row of rows) {
    const own = (1 + table.domain[row]!) * bins;
    const ofTask = known ? known.factor[row]! : 1;
    for (let bin = 0, at = row * bins; bin < bins; bin += 1, at += 1) {
      const cell = among[at]!;
      if (group[at] !== oldGroup || Number.isNaN(cell)) continue;
      const weighed = cell * ofTask;
      const counted = plain ? capped(seen[at]!, cell * (plain[own + bin]! * ofTask)) : seen[at]!;
      events[bin]! += counted;
      exposure[bin]! += weighed;
      events[own + bin]! += counted;
      exposure[own + bin]! += weighed;
    }
  }
  let allEvents = 0.5;
  let allExposure = 0;
  for (let bin = 0; bin < bins; bin += 1) {
    allEvents += events[bin]!;
    allExposure += exposure[bin]!;
  }
  if (allExposure === 0) return undefined;
  const base = allEvents / allExposure;
  const rates = new Float64Array(bins * (domains + 1));
  for (let bin = 0; bin < bins; bin += 1) {
    const common = base * ((events[bin]! + binPrior) / (base * exposure[bin]! + binPrior));
    for (let domain = 1; domain <= domains; domain += 1) {
      const at = domain * bins + bin;
      rates[at] = common * ((events[at]! + regionPrior) / (common * exposure[at]! + regionPrior));
    }
  }
  return {
    rates,
    from: (row: number) => (1 + table.domain[row]!) * bins,
    of: (row: number, bin: number) => rates[(1 + table.domain[row]!) * bins + bin]!,
    isControlled: (bin: number) => exposure[bin]! > 0,
    /** Relative variance of the rate between windows of this length: all that is known where no old task is left. */
    drift: (length: number) => {
      const windows: number[] = [];
      for (let end = bins; end - length >= 0; end -= length) {
        let e = 0;
        let x = 0;
        for (let bin = end - length; bin < end; bin += 1) {
          e += events[bin]!;
          x += exposure[bin]!;
        }
        if (base * x >= 1) windows.push(e / (base * x) - 1, 1 / (base * x));
      }
      let excess = 0;
      for (let i = 0; i < windows.length; i += 2) excess += windows[i]! * windows[i]! - windows[i + 1]!;
      return Math.max(0.05, windows.length > 0 ? (2 * excess) / windows.length : 0);
    },
  };
}

/** The same tasks in earlier windows of the same length: tells how much they vary where few old tasks are left. */
function pastWindows<T extends { readonly exposure: number }>(
  table: BinTable,
  rows: readonly number[],
  since: number,
  sumOf: (row: number, from: number, to: number) => T,
): T[] {
  const length = table.bins - since;
  const found: T[] = [];
  for (let end = since, n = 0; end - length >= 0 && n < 3; end -= length, n += 1) {
    for (const row of rows) {
      const sum = sumOf(row, end - length, end);
      if (sum.exposure > 0) found.push(sum);
    }
  }
  return found;
}

/**
 * For so many bins old tasks are asked how much they vary. Counts of an hour vary more beside their mean than those of a
 * minute (a task's own drift does not average out): asked over all the time since the first phase, old tasks said twice
 * of new tasks that are a few bins old.
 */
function typicalLength(seen: readonly { readonly expected: number; readonly bins: number }[]): number {
  const weighed = seen.reduce((sum, { expected, bins }) => sum + expected * bins, 0);
  return Math.max(
    1,
    Math.ceil(
      weighed /
        Math.max(
          1e-12,
          seen.reduce((sum, { expected }) => sum + expected, 0),
        ),
    ),
  );
}

/** More often than this, events are a part of all requests (half of them are slower than the median), not rare. */
const oftenShare = 0.05;

/** What is left of the variance of a count when a part of all occasions are events: 1 - that part. */
function leastDispersionOf(sums: readonly { readonly expected: number; readonly exposure: number }[]): number {
  const share =
    sums.reduce((sum, { expected }) => sum + expected, 0) / sums.reduce((sum, { exposure }) => sum + exposure, 1e-9);
  return share > oftenShare ? 1 - Math.min(share, 0.6) : 1;
}

function dispersionOf(sums: readonly { readonly events: number; readonly expected: number }[], least: number) {
  let squares = 0;
  let expected = 0;
  // As among new tasks those far out are left out: a few ill hosts must not hide what all others show.
  const excess = (sum: (typeof sums)[number]) => (sum.events - sum.expected) / Math.sqrt(sum.expected + 0.25);
  const worstFirst = sums.length >= 20 ? [...sums].sort((a, b) => excess(b) - excess(a)) : sums;
  const kept = sums.length >= 20 ? worstFirst.slice(outliersAmong(worstFirst.map(excess))) : sums;
  for (const sum of kept) {
    squares += (sum.events - sum.expected) * (sum.events - sum.expected);
    expected += sum.expected;
  }
  const freedom = Math.max(1, kept.length - 1);
  const raw = expected > 0 ? (squares / expected) * (kept.length / freedom) : 1;
  // With little expected, a single event says nothing about dispersion.
  const trust = expected / (expected + 5);
  return { overdispersion: Math.max(least, least + (raw - least) * trust), freedom };
}

/**
 * A hypothesis about the new tasks: `ratio` times as many events as expected, plus `extra` per occasion, and at least
 * `floor` per occasion. Only the first part is as uncertain as what was expected.
 */
export interface Hypothesis {
  readonly ratio: number;
  readonly extra?: number;
  readonly floor?: number;
}

export function meanUnder({ tested, shape }: CountEvidence, { ratio, extra = 0, floor = 0 }: Hypothesis) {
  const scaled = tested.expected * ratio;
  const mean = Math.max(scaled + extra * tested.exposure, floor * tested.exposure);
  return { mean, shape: (shape * mean * mean) / (scaled * scaled) };
}

/**
 * The chance that a harm is found at a level, before it is seen: as many events are needed as let a test under `limit`
 * fail, and what cutting extremes takes off a harm is not seen of it.
 */
export function powerOfCounts(evidence: CountEvidence, limit: Hypothesis) {
  const { ifWorse, overdispersion, newTasks, lostToOutlier } = evidence;
  const worse = { ...evidence, tested: { ...evidence.tested, ...ifWorse } };
  const needed = new Map<number, number>();
  return (harm: Hypothesis, alpha: number): number => {
    const least = needed.get(alpha) ?? eventsToFail(worse, limit, alpha);
    needed.set(alpha, least);
    const { mean, shape } = meanUnder(worse, harm);
    const seen = (mean * shareBelowCap(mean, ifWorse)) / shareBelowCap(ifWorse.expected, ifWorse);
    const lost = lostToOutlier * Math.sqrt((overdispersion * seen) / Math.max(1, newTasks - 1));
    return normalBelow((seen - lost - least) / Math.sqrt(overdispersion * seen + (seen * seen) / shape));
  };
}

/** What is left of the mean of a bin's events when those above its cap are not counted. */
function shareBelowCap(events: number, { expected, bins }: CountEvidence['ifWorse']): number {
  const mean = events / Math.max(1, bins);
  const deviation = Math.sqrt(mean + 1e-9);
  const z = (mean - capOf(expected / Math.max(1, bins))) / deviation;
  const above = z * normalBelow(z) + Math.exp(-0.5 * z * z) / Math.sqrt(2 * Math.PI);
  return Math.max(0.05, 1 - (deviation * above) / Math.max(mean, 1e-9));
}

/** Chance of this many events or more under a hypothesis. */
export function chanceOfCounts(evidence: CountEvidence, hypothesis: Hypothesis): number {
  const { mean, shape } = meanUnder(evidence, hypothesis);
  const { overdispersion, tested } = evidence;
  return heavier(
    mixedPoissonAtLeast(tested.events / overdispersion, mean / overdispersion, shape),
    evidence,
    mean,
    shape,
  );
}

/** The fewest events whose chance under a hypothesis is at most `alpha`. */
export function eventsToFail(evidence: CountEvidence, hypothesis: Hypothesis, alpha: number): number {
  const { mean } = meanUnder(evidence, hypothesis);
  const chance = (events: number) =>
    chanceOfCounts({ ...evidence, tested: { ...evidence.tested, events } }, hypothesis);
  let low = mean;
  let high = 2 * mean + 10;
  while (chance(high) > alpha && high < 1e12) {
    low = high;
    high *= 2;
  }
  for (let i = 0; i < 30 && high - low > 0.25 && high > low * 1.0001; i += 1) {
    const middle = (low + high) / 2;
    if (chance(middle) > alpha) low = middle;
    else high = middle;
  }
  return high;
}

/** Chance of this few. */
export function chanceOfFewCounts(evidence: CountEvidence, hypothesis: Hypothesis): number {
  const { mean, shape } = meanUnder(evidence, hypothesis);
  const { overdispersion, tested } = evidence;
  return heavier(
    mixedPoissonAtMost(tested.events / overdispersion, mean / overdispersion, shape),
    evidence,
    mean,
    shape,
  );
}

/** The overdispersion is an estimate of a few tasks: the tail becomes that of Student's t as far as it matters. */
function heavier(
  p: number,
  { overdispersion, leastDispersion, freedom }: CountEvidence,
  mean: number,
  shape: number,
): number {
  if (overdispersion <= leastDispersion || p >= 0.5) return p;
  const estimated = (overdispersion - leastDispersion) * mean;
  const total = overdispersion * mean + (mean * mean) / shape;
  const df = (freedom * total * total) / (estimated * estimated);
  return studentAbove(-normalQuantile(Math.max(p, 1e-300)), df);
}

/** Ratios between which the truth lies, each side missed with chance `tail`. */
export function intervalOfCounts(evidence: CountEvidence, tail: number): readonly [number, number] {
  const low = solve((ratio) => chanceOfCounts(evidence, { ratio }) - tail);
  const high = solve((ratio) => tail - chanceOfFewCounts(evidence, { ratio }));
  return [evidence.tested.events > 0 ? low : 0, high];
}

/** Where a function of a ratio that rises with it crosses zero. */
function solve(f: (ratio: number) => number): number {
  let low = 1e-6;
  let high = 1e6;
  for (let i = 0; i < 60 && high / low > 1 + 1e-6; i += 1) {
    const middle = Math.sqrt(low * high);
    if (f(middle) < 0) low = middle;
    else high = middle;
  }
  return Math.sqrt(low * high);
}

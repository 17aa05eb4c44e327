import type { CheckSpec } from '../../model/index.ts';
import { studentAbove, studentUpper } from '../../stats/index.ts';
import type { HistoryLevel, HistoryStep } from './history-step.ts';

/** Steps before the first release that what is seen now is held against. */
export const baseSteps = 12;
const fewestBase = 3;
/** Of a window, so many of its steps must be there. */
const leastShare = 0.75;
/** A resize beyond this changes what a task does: nothing is compared across it. */
const mostResized = 1.25;
/**
 * How levels change by themselves, before a job's own past says it: relative, and worth so many windows. Errors come in
 * bursts, so their guess is wide.
 */
const prior = { errors: 0.3, values: 0.1, windows: 4 };
/** From so many windows on the past speaks for itself. */
const enoughWindows = 12;
const dayMs = 24 * 3_600_000;

/** How the levels of now differ from those before the release, and how much they differ by themselves. */
export interface WatchEvidence {
  /** On a logarithmic scale where all levels are positive, else relative; positive = worse. */
  readonly difference: number;
  readonly deviation: number;
  readonly freedom: number;
  /** Windows of the past that the deviation was learnt from. */
  readonly windows: number;
  /** Held against the same time of the day or week before, because that predicts it better. */
  readonly season: 'day' | 'week' | undefined;
  readonly isLog: boolean;
  readonly nowLevel: number;
  readonly baseLevel: number;
  readonly nowSteps: number;
  readonly tasks: number;
  readonly events: number;
  readonly drivers: readonly number[];
}

export interface WatchWindow {
  /** Begin of the first of the releases that are watched. */
  readonly startMs: number;
  /** Warm since. */
  readonly fromMs: number;
  readonly stepMs: number;
  /** Newest steps that count as now. */
  readonly nowSteps: number;
}

type Level = { readonly log: number; readonly raw: number; readonly noise: number; readonly tasks: number };

/**
 * The newest steps against those before the release, and the same difference at every earlier time of the job's past as
 * the measure of what happens by itself: so whatever the levels do each hour, load, incidents and harmless releases
 * included, is no alarm. Undefined: too little was seen on either side.
 */
export function compareWatch(
  steps: readonly HistoryStep[],
  key: string,
  check: Pick<CheckSpec, 'metric' | 'worse' | 'limit' | 'against'>,
  { startMs, fromMs, stepMs, nowSteps }: WatchWindow,
): WatchEvidence | undefined {
  const quiet = steps.filter((step) => !step.busy && step.levels[key] !== undefined);
  const now = quiet.filter((step) => step.fromMs >= fromMs).slice(-nowSteps);
  const base = quiet.filter((step) => step.toMs <= startMs).slice(-baseSteps);
  if (now.length < Math.max(1, nowSteps * leastShare) || base.length < fewestBase) return undefined;
  const isLog = quiet.every(({ levels }) => levels[key]!.value === undefined || levels[key]!.value! > 0);
  const sign = check.worse === 'higher' ? 1 : -1;
  const read = (list: readonly HistoryStep[]) => middle(list.map(({ levels }) => levels[key]!));
  const [ours, theirs] = [read(now), read(base)];
  if (Math.max(ours.tasks / theirs.tasks, theirs.tasks / ours.tasks) > mostResized) return undefined;
  const scale = isLog ? 1 : Math.max(Math.abs(theirs.raw), usualSize(quiet, key, startMs));
  // It was nothing at all until now: how much more than nothing is much, nobody can say.
  if (scale === 0) return undefined;
  const between = (a: Level, b: Level) => sign * (isLog ? a.log - b.log : (a.raw - b.raw) / scale);
  const past = pastOf(quiet, { now, base, startMs, stepMs }, (a, b) => between(read(a), read(b)));
  const { season, offsetMs, own } = bestSeason(past, now.at(-1)!.toMs);
  const before = offsetMs === 0 ? 0 : past.at(now.at(-1)!.toMs - offsetMs)!;
  // Windows that overlap say the same thing twice.
  const windows = (own.length * past.stride) / (now.length + base.length);
  const guess = 'errorRatio' in check.metric ? prior.errors : prior.values;
  // The past has the noise of counting in it; the guess has not.
  const noise = ours.noise + theirs.noise;
  const guessed = prior.windows * Math.max(0, 1 - windows / enoughWindows);
  const learnt = guessed * (guess * guess + noise) + windows * meanSquare(own);
  const spread = Math.max(noise, learnt / (guessed + windows));
  return {
    difference: between(ours, theirs) - before,
    deviation: Math.sqrt(spread),
    freedom: guessed + windows,
    windows: Math.floor(windows),
    season,
    isLog,
    nowLevel: ours.raw,
    baseLevel: theirs.raw,
    nowSteps: now.length,
    tasks: Math.round(ours.tasks),
    events: now.reduce((sum, { levels }) => sum + (levels[key]!.exposure ?? levels[key]!.tasks), 0),
    drivers: [...new Set(now.toReversed().flatMap(({ levels }) => levels[key]!.worst ?? []))].slice(0, 5),
  };
}

/**
 * The middle half of the steps: what lasts a quarter of the window is an incident, not a regression. Events are added
 * up, so that ten requests never weigh like a thousand.
 */
function middle(levels: readonly HistoryLevel[]): Level {
  const rate = (one: HistoryLevel) => one.value ?? (one.events ?? 0) / Math.max(1, one.exposure ?? 0);
  const sorted = [...levels].sort((a, b) => rate(a) - rate(b));
  const cut = Math.floor(sorted.length / 4);
  const kept = sorted.slice(cut, sorted.length - cut);
  const tasks = kept.reduce((sum, one) => sum + one.tasks, 0) / kept.length;
  if (kept[0]!.value !== undefined) {
    const raw = kept.reduce((sum, one) => sum + one.value!, 0) / kept.length;
    return { raw, log: Math.log(Math.max(raw, 1e-300)), noise: 0, tasks };
  }
  const events = kept.reduce((sum, one) => sum + (one.events ?? 0), 0);
  const exposure = kept.reduce((sum, one) => sum + (one.exposure ?? 0), 0);
  return {
    raw: events / Math.max(1, exposure),
    log: Math.log((events + 0.5) / (exposure + 1)),
    noise: 1 / (events + 0.5),
    tasks,
  };
}

/** Of a level that is zero or below at times: how large it usually is before the release. */
function usualSize(quiet: readonly HistoryStep[], key: string, startMs: number): number {
  const sizes = quiet.flatMap(({ toMs, levels }) => (toMs <= startMs ? Math.abs(levels[key]!.value ?? 0) : []));
  return sizes.reduce((sum, size) => sum + size, 0) / sizes.length;
}

interface Windows {
  readonly now: readonly HistoryStep[];
  readonly base: readonly HistoryStep[];
  readonly startMs: number;
  readonly stepMs: number;
}

/** The same difference at other times. */
interface Past {
  /** Ends at which it is asked for, so many steps apart. */
  readonly ends: readonly number[];
  readonly stride: number;
  readonly at: (endMs: number) => number | undefined;
}

/** The same two windows, as far apart, ending before the release. */
function pastOf(
  quiet: readonly HistoryStep[],
  { now, base, startMs, stepMs }: Windows,
  difference: (now: readonly HistoryStep[], base: readonly HistoryStep[]) => number,
): Past {
  const byStart = new Map(quiet.map((step) => [Math.round(step.fromMs / stepMs), step]));
  const newestMs = now.at(-1)!.toMs;
  const found = new Map<number, number | undefined>();
  const look = (endMs: number) => {
    const shift = Math.round((newestMs - endMs) / stepMs);
    const moved = (list: readonly HistoryStep[]) =>
      list.flatMap((step) => byStart.get(Math.round(step.fromMs / stepMs) - shift) ?? []);
    const [a, b] = [moved(now), moved(base)];
    const isThere = a.length >= now.length * leastShare && b.length >= base.length * leastShare;
    return isThere ? difference(a, b) : undefined;
  };
  const at = (endMs: number) => {
    if (!found.has(endMs)) found.set(endMs, look(endMs));
    return found.get(endMs);
  };
  const stride = Math.max(1, Math.floor(now.length / 2));
  const ends: number[] = [];
  const newest = quiet.findLast((step) => step.toMs <= startMs)?.toMs ?? 0;
  for (let endMs = newest; endMs > (quiet[0]?.fromMs ?? 0); endMs -= stride * stepMs) {
    if (at(endMs) !== undefined) ends.push(endMs);
  }
  return { ends, stride, at };
}

/** Whatever predicts the past best: nothing, or the same difference a day or a week before. */
function bestSeason({ ends, at }: Past, nowMs: number) {
  const fewest = 8;
  const plain = { season: undefined, offsetMs: 0, own: ends.map((endMs) => at(endMs)!) };
  const seasons = [
    { season: 'day' as const, offsetMs: dayMs },
    { season: 'week' as const, offsetMs: 7 * dayMs },
  ].flatMap((one) => {
    if (at(nowMs - one.offsetMs) === undefined) return [];
    const own = ends.flatMap((endMs) => {
      const before = at(endMs - one.offsetMs);
      return before === undefined ? [] : [at(endMs)! - before];
    });
    return own.length >= fewest ? [{ ...one, own }] : [];
  });
  return [plain, ...seasons].reduce((best, one) => (meanSquare(one.own) < meanSquare(best.own) ? one : best));
}

function meanSquare(values: readonly number[]): number {
  return values.length === 0 ? 0 : values.reduce((sum, value) => sum + value * value, 0) / values.length;
}

/** Chance of this difference or a worse one, if the truth were `harm`. */
export function chanceAbove({ difference, deviation, freedom }: WatchEvidence, harm: number): number {
  return studentAbove((difference - harm) / deviation, freedom);
}

export function boundOf({ difference, deviation, freedom }: WatchEvidence, tail: number): readonly [number, number] {
  const half = studentUpper(tail, freedom) * deviation;
  return [difference - half, difference + half];
}

import type { CheckSpec } from '../../model/index.ts';
import { studentAbove, studentUpper } from '../../stats/index.ts';
import type { HistoryStep } from './history-step.ts';
import { bestSeason, guessOf, type Level, leastShare, middleOf, pastOf, spreadOf } from './season.ts';

/** Steps before the first release that what is seen now is held against. */
export const baseSteps = 12;
const fewestBase = 3;
/** A resize beyond this changes what a task does: nothing is compared across it. */
const mostResized = 1.25;

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
  const read = (list: readonly HistoryStep[]) => middleOf(list.map(({ levels }) => levels[key]!));
  const [ours, theirs] = [read(now), read(base)];
  if (Math.max(ours.tasks / theirs.tasks, theirs.tasks / ours.tasks) > mostResized) return undefined;
  const scale = isLog ? 1 : Math.max(Math.abs(theirs.raw), usualSize(quiet, key, startMs));
  // It was nothing at all until now: how much more than nothing is much, nobody can say.
  if (scale === 0) return undefined;
  const between = (a: Level, b: Level) => sign * (isLog ? a.log - b.log : (a.raw - b.raw) / scale);
  const past = pastOf(quiet, { now, base, startMs, stepMs }, (a, b) => between(read(a), read(b)));
  const { season, offsetMs, own } = bestSeason(past, now.at(-1)!.toMs);
  const before = offsetMs === 0 ? 0 : past.at(now.at(-1)!.toMs - offsetMs)!;
  // The past has the noise of counting in it; the guess has not.
  const noise = ours.noise + theirs.noise;
  const { variance, freedom, windows } = spreadOf(own, {
    ...{ stride: past.stride, length: now.length + base.length, noise },
    guess: guessOf(check.metric),
  });
  return {
    difference: between(ours, theirs) - before,
    deviation: Math.sqrt(variance),
    freedom,
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

/** Of a level that is zero or below at times: how large it usually is before the release. */
function usualSize(quiet: readonly HistoryStep[], key: string, startMs: number): number {
  const sizes = quiet.flatMap(({ toMs, levels }) => (toMs <= startMs ? Math.abs(levels[key]!.value ?? 0) : []));
  return sizes.reduce((sum, size) => sum + size, 0) / sizes.length;
}

/** Chance of this difference or a worse one, if the truth were `harm`. */
export function chanceAbove({ difference, deviation, freedom }: WatchEvidence, harm: number): number {
  return studentAbove((difference - harm) / deviation, freedom);
}

export function boundOf({ difference, deviation, freedom }: WatchEvidence, tail: number): readonly [number, number] {
  const half = studentUpper(tail, freedom) * deviation;
  return [difference - half, difference + half];
}

import type { CheckSpec } from '../../model/index.ts';
import type { HistoryLevel, HistoryStep } from './history-step.ts';

/** Of a window, so many of its steps must be there. */
export const leastShare = 0.75;
/**
 * How levels change by themselves, before a job's own past says it: relative, and worth so many windows. Errors come in
 * bursts, so their guess is wide.
 */
const prior = { errors: 0.3, values: 0.1, windows: 4 };
/** From so many windows on the past speaks for itself. */
const enoughWindows = 12;

const dayMs = 24 * 3_600_000;

export function guessOf(metric: CheckSpec['metric']): number {
  return 'errorRatio' in metric ? prior.errors : prior.values;
}

export interface Level {
  readonly log: number;
  readonly raw: number;
  /** Variance of the logarithm that counting alone makes. */
  readonly noise: number;
  readonly tasks: number;
}

/**
 * The middle half of the steps: what lasts a quarter of the window is an incident, not a regression. Events are added
 * up, so that ten requests never weigh like a thousand.
 */
export function middleOf(levels: readonly HistoryLevel[]): Level {
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

export interface Windows {
  readonly now: readonly HistoryStep[];
  readonly base: readonly HistoryStep[];
  readonly startMs: number;
  readonly stepMs: number;
}

/** The same difference at other times. */
export interface Past {
  /** Ends at which it is asked for, so many steps apart. */
  readonly ends: readonly number[];
  readonly stride: number;
  readonly at: (endMs: number) => number | undefined;
}

/** The same two windows, as far apart, ending before the release. */
export function pastOf(
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
export function bestSeason({ ends, at }: Past, nowMs: number) {
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

interface Spread {
  /** Steps between the windows, and in both of them. */
  readonly stride: number;
  readonly length: number;
  readonly noise: number;
  readonly guess: number;
}

/** How differences of the past spread, with a guess for as long as there are few. Windows that overlap say the same thing twice. */
export function spreadOf(own: readonly number[], { stride, length, noise, guess }: Spread) {
  const windows = (own.length * stride) / length;
  const guessed = prior.windows * Math.max(0, 1 - windows / enoughWindows);
  const learnt = guessed * (guess * guess + noise) + windows * meanSquare(own);
  return { variance: Math.max(noise, learnt / (guessed + windows)), freedom: guessed + windows, windows };
}

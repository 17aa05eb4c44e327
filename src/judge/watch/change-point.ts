/** A release that may be to blame, and from when on what it does could show. */
export interface Suspect<T> {
  readonly id: T;
  readonly fromMs: number;
}

export interface Point {
  readonly atMs: number;
  readonly level: number;
}

/** How much better one explanation must be than another: odds of twenty to one. */
const decisive = 2 * Math.log(20);
/** Steps follow each other: two count as one. */
const perStep = 0.5;
const fewestPoints = 4;

/**
 * Which of several releases a change began with: the one in whose time (from its start until the next one's) a step or
 * a ramp explains the levels best. Others stay beside it as long as they explain them nearly as well: never a guess.
 * Worked example: levels 0 0 0 0 | 0 0 0 0 | 1 2 3 4 with releases at the bars: a ramp from the second bar on leaves
 * nothing unexplained, one from the first bar leaves a third of the variance: the second is named alone.
 */
export function nameSuspects<T>(suspects: readonly Suspect<T>[], points: readonly Point[]): readonly T[] {
  if (suspects.length <= 1 || points.length < fewestPoints) return suspects.map(({ id }) => id);
  const left = suspects.map((suspect, at) => {
    const untilMs = suspects[at + 1]?.fromMs ?? Number.POSITIVE_INFINITY;
    return leastUnexplained(points, suspect.fromMs, untilMs);
  });
  const best = Math.min(...left);
  const spread = points.reduce((sum, { level }) => sum + level * level, 0);
  // What is left of a perfect fit is not nothing: levels are written to so many digits.
  const floor = 1e-9 * spread + 1e-300;
  const isClose = (sum: number) => points.length * perStep * Math.log((sum + floor) / (best + floor)) < decisive;
  return suspects.flatMap(({ id }, at) => (isClose(left[at]!) ? [id] : []));
}

/** Of all steps and ramps that begin in this time; a change between two points may have begun anywhere between. */
function leastUnexplained(points: readonly Point[], fromMs: number, untilMs: number): number {
  const before = points.findLastIndex(({ atMs }) => atMs < fromMs);
  const next = points.findIndex(({ atMs }) => atMs >= untilMs);
  const last = next === -1 ? points.length - 1 : next;
  let least = Number.POSITIVE_INFINITY;
  for (let at = Math.max(1, before + 1); at <= last; at += 1) {
    least = Math.min(least, unexplainedByStep(points, at), unexplainedByRamp(points, at));
  }
  // Nothing was measured in its time: it explains as much as no change at all.
  return least === Number.POSITIVE_INFINITY ? unexplained(points.map(({ level }) => level)) : least;
}

function unexplained(levels: readonly number[]): number {
  const mean = levels.reduce((sum, level) => sum + level, 0) / Math.max(1, levels.length);
  return levels.reduce((sum, level) => sum + (level - mean) * (level - mean), 0);
}

function unexplainedByStep(points: readonly Point[], at: number): number {
  const levels = points.map(({ level }) => level);
  return unexplained(levels.slice(0, at)) + unexplained(levels.slice(at));
}

/** Flat until the point before `at`, then straight: least squares on how long it has been growing. */
function unexplainedByRamp(points: readonly Point[], at: number): number {
  const startMs = points[at - 1]!.atMs;
  const grown = points.map(({ atMs }) => Math.max(0, atMs - startMs));
  const levels = points.map(({ level }) => level);
  const n = points.length;
  const meanX = grown.reduce((sum, x) => sum + x, 0) / n;
  const meanY = levels.reduce((sum, y) => sum + y, 0) / n;
  let [xx, xy, yy] = [0, 0, 0];
  for (let i = 0; i < n; i += 1) {
    xx += (grown[i]! - meanX) * (grown[i]! - meanX);
    xy += (grown[i]! - meanX) * (levels[i]! - meanY);
    yy += (levels[i]! - meanY) * (levels[i]! - meanY);
  }
  return xx === 0 ? yy : Math.max(0, yy - (xy * xy) / xx);
}

/**
 * Exponential histograms (OTLP, Prometheus native) change their bounds with what they see. Here they are laid onto a
 * fixed ladder, so that histograms of all tasks and times can be added up: a step of the ladder is the end of a bucket
 * at every scale at least as fine, so nothing is guessed. A coarser bucket goes to the step at its end: towards the
 * tail, never away from it.
 */
export interface Ladder {
  /** Ascending upper bounds, the last one infinite. */
  readonly bounds: readonly number[];
  readonly lowest: number;
  readonly stepsPerDoubling: 1 | 2;
}

export interface ExponentialHistogram {
  /** Bucket i holds what lies in (2^(i/2^scale), 2^((i+1)/2^scale)]. */
  readonly scale: number;
  readonly zeroCount: number;
  readonly offset: number;
  readonly counts: readonly number[];
  /** Events below zero: they go to the first step. */
  readonly negativeCount: number;
}

/** By the unit in the metric's name: 1 ms to 64 s in steps of √2; others from 2^-10 to 2^30, doubling. */
export function ladderOf(metric: string): Ladder {
  if (/_seconds$/.test(metric)) return seconds;
  return /_milliseconds$|_ms$/.test(metric) ? milliseconds : others;
}

const seconds = makeLadder(-20, 12, 2);
const milliseconds = makeLadder(0, 32, 2);
const others = makeLadder(-10, 30, 1);

function makeLadder(lowest: number, highest: number, stepsPerDoubling: 1 | 2): Ladder {
  const bounds: number[] = [];
  for (let step = lowest; step <= highest; step += 1) bounds.push(boundAt(step, stepsPerDoubling));
  return { bounds: [...bounds, Number.POSITIVE_INFINITY], lowest, stepsPerDoubling };
}

function boundAt(step: number, stepsPerDoubling: 1 | 2): number {
  if (stepsPerDoubling === 1) return powerOfTwo(step);
  const isHalf = step % 2 !== 0;
  return powerOfTwo(Math.floor(step / 2)) * (isHalf ? Math.SQRT2 : 1);
}

/** Exact, and the same in every version of the engine. */
function powerOfTwo(exponent: number): number {
  let value = 1;
  for (let i = 0; i < Math.abs(exponent); i += 1) value = exponent < 0 ? value / 2 : value * 2;
  return value;
}

export function ontoLadder(histogram: ExponentialHistogram, ladder: Ladder): number[] {
  const { scale, zeroCount, offset, counts, negativeCount } = histogram;
  const laid = new Array<number>(ladder.bounds.length).fill(0);
  laid[0]! += zeroCount + negativeCount;
  const steps = powerOfTwo(-scale) * ladder.stepsPerDoubling;
  for (const [i, count] of counts.entries()) {
    if (count === 0) continue;
    const step = Math.ceil((offset + i + 1) * steps) - ladder.lowest;
    laid[Math.max(0, Math.min(laid.length - 1, step))]! += count;
  }
  return laid;
}

import { mixedPoissonAtLeast, mixedPoissonAtMost, normalQuantile, studentAbove } from '../../stats/index.ts';
import type { CountEvidence } from './evidence.ts';

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

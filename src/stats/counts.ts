import { betaQuantile, incompleteBeta } from './beta.ts';
import { lowerGamma, upperGamma } from './gamma.ts';

/** Chance of k or more events where `mean` are expected (Poisson); k need not be whole. */
export function poissonAtLeast(k: number, mean: number): number {
  return k <= 0 ? 1 : lowerGamma(k, mean);
}

/** Chance of k or fewer. */
export function poissonAtMost(k: number, mean: number): number {
  return k < 0 ? 0 : upperGamma(k + 1, mean);
}

/**
 * Chance of k or more events when the mean itself is uncertain: gamma-distributed with relative variance 1/`shape`
 * (negative binomial). With shape = ∞ it is Poisson.
 */
export function mixedPoissonAtLeast(k: number, mean: number, shape: number): number {
  if (k <= 0) return 1;
  if (shape > 1e8) return poissonAtLeast(k, mean);
  return incompleteBeta(k, shape, mean / (mean + shape), shape / (mean + shape));
}

export function mixedPoissonAtMost(k: number, mean: number, shape: number): number {
  if (k < 0) return 0;
  if (shape > 1e8) return poissonAtMost(k, mean);
  return incompleteBeta(shape, k + 1, shape / (mean + shape), mean / (mean + shape));
}

/** Chance of k or more successes in n trials. */
export function binomialAtLeast(k: number, n: number, p: number): number {
  if (k <= 0) return 1;
  return k > n ? 0 : incompleteBeta(k, n - k + 1, p);
}

/** Exact (Clopper–Pearson) interval of a share seen k times in n. */
export function binomialInterval(k: number, n: number, confidence = 0.95): readonly [number, number] {
  const tail = (1 - confidence) / 2;
  return [k === 0 ? 0 : betaQuantile(tail, k, n - k + 1), k === n ? 1 : betaQuantile(1 - tail, k + 1, n - k)];
}

/** Chance that χ² with `df` degrees of freedom is above x. */
export function chiSquareAbove(x: number, df: number): number {
  return upperGamma(df / 2, x / 2);
}

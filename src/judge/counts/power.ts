import { normalBelow } from '../../stats/index.ts';
import { capOf } from './cap.ts';
import { chanceOfCounts, type Hypothesis, meanUnder } from './chances.ts';
import type { CountEvidence } from './evidence.ts';

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

import type { CheckSpec } from '../../model/index.ts';
import type { CountEvidence } from '../counts/evidence.ts';
import type { LatencyMeasure } from '../latency.ts';
import type { AgeCurve, SeasonalChange } from '../port.ts';
import type { ValueEvidence } from '../values/evidence.ts';

/** Evidence on the scale of harm: 0.1 = 10 % worse. */
export interface Evidence {
  readonly source: CountEvidence | ValueEvidence;
  readonly estimate: number;
  readonly interval: readonly [number, number];
  /** Of an error ratio: between which rises in the share of all requests that fail the truth lies. */
  readonly shareInterval?: readonly [number, number] | undefined;
  /** Chance of what was seen, or worse, if the harm were δ at most. */
  readonly chanceIfHarmless: number;
  /** Chance of what was seen, or better, if the harm were the margin at least. */
  readonly chanceIfHarmful: number;
  /** Chance that a harm of `margin` is found at a test of level `alpha`. */
  readonly powerAt: (alpha: number) => number;
  /** The same of any harm: relative, of an error ratio the rise in the share of all requests that fail. */
  readonly powerFor: (harm: number, alpha: number) => number;
  readonly oldLevel: number;
  readonly newLevel: number;
  readonly newEvents: number;
  /** It may be the start that is seen, of which no history tells: only gross harm is believed. */
  readonly isStart?: boolean | undefined;
}

export interface EvidenceOptions {
  readonly ageCurve: AgeCurve | undefined;
  /** A later look comes: what is too young to be told from a start can wait for it. */
  readonly canWait?: boolean | undefined;
  readonly domain?: number | undefined;
  readonly leaveOneOut?: boolean;
  /** What this time of day or week does to the level by itself: heeded where no old task is left to say it. */
  readonly season?: SeasonalChange | undefined;
}

/** Spread of harmless rollouts without history: of the error ratio; of latencies and other numbers. */
export const priorSpreads = { errors: 0.2, latency: 0.08, values: 0.05 };

/** On the scale on which the measure is compared: of logarithms of ratios. */
export function priorSpreadOf(check: CheckSpec, latency: LatencyMeasure | undefined): number {
  if (latency) return Math.log(latency.ratioOf(priorSpreads.latency));
  if (check.spread !== undefined) return check.spread;
  return 'errorRatio' in check.metric ? priorSpreads.errors : priorSpreads.values;
}

/**
 * A single new task may be ill because its host is, and no other can be asked: only differences beyond what host
 * troubles make are believed then. From two on, the worst is left out instead.
 */
export const hostTrouble = { errors: 6, slower: 0.5, values: 0.5 };

/** Below this many requests of new tasks nothing is decided. */
export const fewestEvents = 20;

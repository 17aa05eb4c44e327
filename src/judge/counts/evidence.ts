import type { SeasonalChange } from '../port.ts';
import type { Course } from '../start-up.ts';

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

import { studentAbove, studentUpper } from '../../stats/index.ts';
import type { SeasonalChange } from '../port.ts';

/** Difference of new tasks from old ones, on the scale of the measure (logarithms: relative). */
export interface ValueEvidence {
  readonly kind: 'values';
  readonly estimate: number;
  readonly deviation: number;
  readonly freedom: number;
  /** By how much leaving the worst task out lowers the estimate where all are equally worse. */
  readonly lostToOutlier: number;
  /** Differences are of logarithms. */
  readonly isLog: boolean;
  readonly newLevel: number;
  readonly oldLevel: number;
  readonly newTasks: number;
  readonly oldTasks: number;
  readonly newBins: number;
  readonly outlier: number | undefined;
  readonly drivers: readonly number[];
  /** What this time of day or week does by itself was taken away. */
  readonly season?: SeasonalChange | undefined;
}

/** Chance of a difference this large or larger, if the true one were `difference`. */
export function chanceOfValue({ estimate, deviation, freedom }: ValueEvidence, difference: number): number {
  return studentAbove((estimate - difference) / deviation, freedom);
}

/** The interval of the difference, each side missed with chance `tail`. */
export function intervalOfValue(
  { estimate, deviation, freedom }: ValueEvidence,
  tail: number,
): readonly [number, number] {
  const reach = deviation * studentUpper(tail, freedom);
  return [estimate - reach, estimate + reach];
}

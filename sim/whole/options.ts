import type { Hooks } from '../../src/engine/index.ts';
import type { VersionId } from '../../src/model/index.ts';
import type { JobState, Rules } from '../../src/rollout/index.ts';
import type { Readers } from '../ground.ts';
import type { RunOptions, RunResult } from '../run-options.ts';

export interface WholeOptions extends Readers {
  readonly rules?: Rules;
  readonly hooks?: Hooks;
  readonly cover?: (edge: string) => void;
  readonly controller?: RunOptions['controller'];
  /** What each decision is made from, and the same read from the store at that moment. */
  readonly compareLoads?: (state: JobState, stored: JobState) => void;
}

export interface WholeResult extends RunResult {
  /** Index → version assigned at the end, marks, and what was begun how often. */
  readonly assignment: readonly (VersionId | undefined)[];
  readonly marks: readonly string[];
  readonly transactions: number;
  readonly chainOk: boolean;
  readonly parked: number;
  /** Effects that have not ended, and work rows that somebody holds. */
  readonly unfinished: number;
}

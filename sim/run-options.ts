import type { TaskIndex, VersionId } from '../src/model/index.ts';
import type { Rules } from '../src/rollout/index.ts';
import type { Readers } from './ground.ts';
import type { Violation } from './invariants.ts';
import type { SimulatedService } from './services.ts';

export interface RunOptions extends Readers {
  readonly rules?: Rules;
  /** The service's own controller, instead of the scenario's. */
  readonly controller?: SimulatedService;
  /** Looks at the truth every so often: the version that serves an index, if any does. */
  readonly sample?: {
    readonly everyMs: number;
    readonly take: (atMs: number, versionServing: (index: TaskIndex) => VersionId | undefined) => void;
  };
  /** States and edges that were visited. */
  readonly cover?: (edge: string) => void;
}

export interface RunResult {
  readonly seed: number;
  readonly violation: Violation | undefined;
  readonly decisions: number;
  readonly events: number;
  readonly virtualMs: number;
  readonly outcomes: readonly string[];
  /** Stops at the deadline of a maintenance, whatever the budget said. */
  readonly forced: number;
}

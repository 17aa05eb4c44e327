import type { TaskIndex } from '../../model/index.ts';
import type { TaskPlace } from '../select.ts';

/** What a configuration says to a strategy: plain JSON. */
export type StrategySettings = Readonly<Record<string, unknown>>;

/** One task in the middle of a rollout, and where it is. */
export interface StrategyMember extends TaskPlace {
  /** It serves what the rollout wants of it: there is nothing left to do. */
  readonly isThere: boolean;
  /**
   * What lives of it, as far as is known: nothing; what the rollout wants of it, serving or not; or (also) something
   * else. What was on a host that is lost counts as nothing.
   */
  readonly runs: 'nothing' | 'wanted' | 'other';
  /** Something was ordered for it and has not ended. */
  readonly isUnderWay: boolean;
}

export interface StrategyFacts {
  /** Name of the phase that is under way. */
  readonly phase: string;
  /** Going back: the members are those that the rollout still owns, each to get its own last good version. */
  readonly isGoingBack: boolean;
  /** In the order of the phase, those of earlier phases first. */
  readonly members: readonly StrategyMember[];
  /** So many may be under way at once. */
  readonly concurrency: number;
  readonly nowMs: number;
}

/** Who is next. */
export interface StrategyStep {
  /** Members that may be worked on now, the most wanted first. Everybody else waits. */
  readonly next: readonly TaskIndex[];
  /** Why the others wait, in a sentence for people. */
  readonly reason?: string | undefined;
  /** It wants to be asked again then, although nothing happens meanwhile. */
  readonly untilMs?: number | undefined;
}

/**
 * A strategy decides *which indices next*, and nothing else. It proposes: ledger, budget, controller, rates, the
 * phase's allowance and the assignment stay with the engine, which refuses a proposal that makes no sense and then
 * holds the rollout. Pure: no clock, no chance, no I/O, nothing remembered between calls, and what it is handed is
 * not changed. It is asked again in every decision, also twice for the same facts. What is left out is as in place.
 */
export interface Strategy {
  /** Lower-case letters, digits and `-`: what configurations call it. */
  readonly name: string;
  /** Settings that it takes, for trials; left out: it takes none as well. */
  readonly example?: StrategySettings;
  /** What is wrong with these settings, in a sentence; undefined: nothing. */
  check?(settings: StrategySettings): string | undefined;
  /** How many extra tasks of the version of before are borrowed on a job of this size. Left out: none. */
  extras?(settings: StrategySettings, size: number): number;
  /** All tasks of the job, in the order in which they are taken: phases by number begin there. Left out: spread. */
  order?(settings: StrategySettings, tasks: readonly TaskPlace[]): readonly TaskIndex[];
  /** Left out: everybody of the phase, in its order. Not asked on the way back, which goes by fault domain. */
  next?(settings: StrategySettings, facts: StrategyFacts): StrategyStep;
  /**
   * Members of which nothing may run for now: what else lives of them is stopped, and nothing of them starts. Asked on
   * the way back too. Left out: none.
   */
  down?(settings: StrategySettings, facts: StrategyFacts): readonly TaskIndex[];
}

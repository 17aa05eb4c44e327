/** `undecided` is never a pass: the phase decides what follows. */
export type Verdict = 'pass' | 'fail' | 'undecided';

/** The outcome of one check at one look; the numbers a person wants to see. */
export interface CheckResult {
  readonly check: string;
  readonly verdict: Verdict;
  /** The part of all requests that is spoken of, where a part fails: `http_route /checkout`, `region eu`. */
  readonly view?: string | undefined;
  /** Relative difference new against old (0.12 = 12 % higher), with its confidence interval, when there is one. */
  readonly estimate: number | undefined;
  readonly interval: readonly [number, number] | undefined;
  /** Of an error ratio: the same as a rise in the share of all requests that fail. */
  readonly shareInterval?: readonly [number, number] | undefined;
  /** Of a latency, where spans are read: how long requests were in each component; what takes most longer first. */
  readonly components?: readonly ComponentSeen[] | undefined;
  /** Why the difference is not that of the two levels, where they contradict each other. */
  readonly levelsNote?: string | undefined;
  /** What new tasks were held against; absent: old ones. */
  readonly against?: 'old' | 'before' | 'limit' | 'trend' | undefined;
  /** δ and margin it was held against. */
  readonly delta: number;
  readonly margin: number;
  /** Absolute levels of both groups in the metric's own unit (ratio, seconds …), for the screen. */
  readonly oldLevel: number | undefined;
  readonly newLevel: number | undefined;
  readonly oldTasks: number;
  readonly newTasks: number;
  /** Events (requests) seen in the new group. */
  readonly newEvents: number;
  /** Chance to have found a harm of `margin` with what was seen, 0…1. */
  readonly power: number | undefined;
  /** One sentence for people. */
  readonly sentence: string;
  /** Tasks that drive it, worst first. */
  readonly drivers: readonly number[];
}

/** How long traced requests were in one component, in seconds. It says where, and decides nothing. */
export interface ComponentSeen {
  readonly component: string;
  /** Relative difference of the check's quantile, as of the check itself; undefined: too little was traced. */
  readonly estimate: number | undefined;
  readonly interval: readonly [number, number] | undefined;
  /** The quantile among requests that were in it. */
  readonly oldLevel: number | undefined;
  readonly newLevel: number | undefined;
  /** The mean over all traced requests, also those that were not in it. */
  readonly oldMean: number;
  readonly newMean: number;
  /** Of what traced requests of new tasks take longer than those of old ones; undefined: they do not. */
  readonly shareOfAdded: number | undefined;
}

export interface JudgeVerdict {
  readonly verdict: Verdict;
  readonly lookId: string;
  readonly atMs: number;
  readonly perCheck: readonly CheckResult[];
  readonly sentence: string;
}

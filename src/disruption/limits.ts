import type { Amount, GroupBudget, Rate } from '../model/index.ts';

/** What limits a job's disruptions beside its budget, as its owner says it. */
export interface JobLimits {
  /** Label of a host → how many may be out among the tasks on hosts with the same value of it. */
  readonly budgetPerDomain: Readonly<Record<string, Amount>>;
  readonly budgetPerGroup: GroupBudget | null;
  /** Of the service, over all its jobs. */
  readonly rate: Rate | null;
  readonly ratePerDomain: Readonly<Record<string, Rate>>;
}

export const noLimits: JobLimits = { budgetPerDomain: {}, budgetPerGroup: null, rate: null, ratePerDomain: {} };

/** What the server limits over all jobs. */
export interface SharedLimits {
  readonly rate: Rate | null;
  readonly ratePerDomain: Readonly<Record<string, Rate>>;
}

export const noSharedLimits: SharedLimits = { rate: null, ratePerDomain: {} };

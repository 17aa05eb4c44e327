import type { Rollout, VersionId } from '../model/index.ts';
import { type Carriers, newestGood } from './good-versions.ts';

export interface NewcomerFacts {
  readonly goodVersions: readonly VersionId[];
  readonly carriers: Carriers;
  /** The running rollout, if there is one. */
  readonly rollout: Rollout | undefined;
  /** Indices assigned to its version already. */
  readonly assignedNew: number;
}

export interface NewcomerChoice {
  readonly version: VersionId;
  /** It counts as taken by the running rollout. */
  readonly isTaken: boolean;
}

/**
 * What a task born in the middle of things runs: the newest good version, or, where the plan says so and the phase's
 * allowance has room (invariant I3), the new one. Undefined: in a first deployment it waits for its phase.
 */
export function newcomerVersion(facts: NewcomerFacts): NewcomerChoice | undefined {
  const { rollout } = facts;
  const phase = rollout?.phases[rollout.currentPhase];
  const isWelcome = rollout?.state === 'running' && !rollout.firstDeployment && phase?.startedAtMs !== undefined;
  if (isWelcome && rollout.plan.newcomers === 'new' && facts.assignedNew < phase.allowance) {
    if (!facts.carriers.has(rollout.to)) return { version: rollout.to, isTaken: true };
  }
  const version = newestGood(facts.goodVersions, facts.carriers);
  return version === undefined ? undefined : { version, isTaken: false };
}

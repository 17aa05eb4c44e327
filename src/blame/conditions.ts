import type { MarkFacts } from './facts.ts';

/** What may be done about a failed rollout's wish for a mark. `wait`: later facts may decide; say what is missing. */
export type MarkRuling =
  | { readonly kind: 'write' }
  | { readonly kind: 'wait'; readonly reason: string }
  | { readonly kind: 'refuse'; readonly reason: string };

/**
 * When a failed rollout may write a mark: for a judge's fail; for failing basic checks on new tasks while old ones
 * are well, once `lastGood` serves again on a host where the new version failed, or after failure on two hosts.
 * Failure on one host that the old version cannot serve on either is about the host, not about the commits.
 */
export function ruleOnMark(facts: MarkFacts): MarkRuling {
  if (facts.oldVersions.length === 0 && (facts.cause === 'judge' || facts.cause === 'basic-checks'))
    return { kind: 'refuse', reason: 'a first deployment has no old version to compare its commits with' };
  switch (facts.cause) {
    case 'judge':
      return { kind: 'write' };
    case 'basic-checks':
      return ruleOnBasicChecks(facts);
    case 'undecided':
      return { kind: 'refuse', reason: 'the judge was undecided: nothing is known to be bad' };
    case 'build':
      return { kind: 'refuse', reason: 'a build that fails says nothing about running it' };
    case 'infrastructure':
      return { kind: 'refuse', reason: 'the machines failed, not the version' };
    case 'cancelled':
      return { kind: 'refuse', reason: 'it was cancelled' };
  }
}

function ruleOnBasicChecks(facts: MarkFacts): MarkRuling {
  if (!facts.areOldTasksWell) return { kind: 'refuse', reason: 'tasks of the old version were not well either' };
  const failedHosts = new Set(facts.failedHosts);
  if (failedHosts.size >= 2) return { kind: 'write' };
  if (facts.lastGoodServesOn.some((host) => failedHosts.has(host))) return { kind: 'write' };
  const [host = 'its host'] = failedHosts;
  return {
    kind: 'wait',
    reason: `it failed on ${host} only: the last good version has to serve there again, or it has to fail on a second host`,
  };
}

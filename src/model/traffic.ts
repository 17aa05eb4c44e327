import type { RolloutId, VersionId } from './ids.ts';

/**
 * Which tasks of a job clients are told of while two whole sets stand beside each other (blue/green): those that do not
 * run a version, or those that run it. One value for all tasks: to change it is to switch all of them at once.
 */
export interface Traffic {
  readonly version: VersionId;
  readonly side: 'without' | 'only';
  /** Whose second set it is. */
  readonly rollout: RolloutId;
}

/** Whether clients are told of tasks that run this version; nothing said: of all. */
export function isInTraffic(traffic: Traffic | undefined, version: VersionId): boolean {
  return traffic === undefined || (traffic.version === version) === (traffic.side === 'only');
}

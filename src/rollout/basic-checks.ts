import type { HostStates, TaskFacts } from '../disruption/index.ts';
import { isHeard } from '../disruption/index.ts';
import type { FailureCard, HostId, TaskIndex } from '../model/index.ts';

export interface BasicCheckFacts {
  /** Whether the newest incarnation of an index is what the rollout made. */
  readonly isNew: (index: TaskIndex) => boolean;
  readonly members: readonly TaskIndex[];
  readonly tasks: ReadonlyMap<TaskIndex, TaskFacts>;
  readonly hostStates: HostStates;
}

export interface BasicChecks {
  /** Members whose new task failed by itself. */
  readonly failing: readonly { readonly index: TaskIndex; readonly host: HostId; readonly why: string }[];
  /** Tasks of other versions fail no more often than new ones: it is the version, not the world. */
  readonly areOldTasksWell: boolean;
  /** Members that serve the new version, and local restarts among them. */
  readonly serving: number;
  readonly restarts: number;
}

/** What the driver sees by itself: starts, exits, readiness, restarts, memory (design: "basic check"). */
export function readBasicChecks(facts: BasicCheckFacts): BasicChecks {
  const failing: { index: TaskIndex; host: HostId; why: string }[] = [];
  let tried = 0;
  let serving = 0;
  let restarts = 0;
  for (const index of facts.members) {
    const current = facts.tasks.get(index)?.current;
    if (current === undefined || !facts.isNew(index) || !isHeard(facts.hostStates(current.host))) continue;
    tried += 1;
    restarts += current.life;
    if (current.state === 'serving') serving += 1;
    const why = whyFailing(current.state, current.failure);
    if (why !== undefined) failing.push({ index, host: current.host, why });
  }
  return { failing, areOldTasksWell: areWell(facts, failing.length, tried), serving, restarts };
}

/** A lost process or a package that did not come says nothing about the version. */
function whyFailing(state: string, failure: FailureCard | undefined): string | undefined {
  if (state === 'crash-looping') return failure?.summary ?? 'it crashes again and again';
  if (state !== 'failed' || failure?.reason === 'lost' || failure?.reason === 'package') return undefined;
  return failure?.summary ?? 'it failed';
}

function areWell(facts: BasicCheckFacts, failing: number, tried: number): boolean {
  let old = 0;
  let oldFailing = 0;
  for (const { index, current } of facts.tasks.values()) {
    if (current === undefined || facts.isNew(index) || !isHeard(facts.hostStates(current.host))) continue;
    old += 1;
    if (whyFailing(current.state, current.failure) !== undefined) oldFailing += 1;
  }
  return oldFailing === 0 || oldFailing * tried < failing * old;
}

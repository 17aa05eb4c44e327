import type { Actor, Hold, Rollout } from '../model/index.ts';
import { letGo } from './assign.ts';
import { type Draft, emitForRollout, setRollout } from './draft.ts';

/** Stops a rollout: what has not begun is given back, the rest stays as it is, until a person (or `then`) ends it. */
export function hold(
  draft: Draft,
  rollout: Rollout,
  by: Hold['by'],
  reason: string,
  then?: Hold['then'],
  actor?: Actor,
): Rollout {
  const resumesTo = rollout.state === 'held' ? (rollout.hold?.resumesTo ?? 'running') : directionOf(rollout);
  const givenBack = rollout.state === 'reverting' || resumesTo === 'reverting' ? [] : letGo(draft, rollout);
  const held: Hold = { by, reason, sinceMs: draft.nowMs, resumesTo, then };
  emitForRollout(draft, rollout.id, 'rollout.held', { by, reason, then, givenBack }, actor);
  return setRollout(draft, rollout.id, { state: 'held', hold: held });
}

function directionOf(rollout: Rollout): Hold['resumesTo'] {
  if (rollout.state === 'waiting') return 'waiting';
  return rollout.state === 'reverting' ? 'reverting' : 'running';
}

/** When a hold ends by itself, it does now what it was set to do. */
export function endedHold(draft: Draft, rollout: Rollout): 'resume' | 'revert' | undefined {
  const then = rollout.state === 'held' ? rollout.hold?.then : undefined;
  return then !== undefined && then.atMs <= draft.nowMs ? then.do : undefined;
}

/** A canary has an end: nobody let it go on, so it goes back, as if its owner had said so. */
export function expired(draft: Draft, rollout: Rollout): Rollout {
  if (rollout.hold?.by !== 'hold-after' || rollout.failure !== undefined) return rollout;
  const sentence = `Nobody let it go on until the time that was set for it. ${rollout.hold.reason}`;
  const failure = { by: 'person', sentence, atMs: draft.nowMs, indices: [], hosts: [] } as const;
  return setRollout(draft, rollout.id, { failure: { ...failure, markAskedAtMs: undefined } });
}

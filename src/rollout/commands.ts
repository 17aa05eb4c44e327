import { actorName, type Rollout } from '../model/index.ts';
import { letGo } from './assign.ts';
import { type Draft, emitForRollout, setRollout } from './draft.ts';
import { hold } from './holds.ts';
import { specOf } from './phases.ts';
import { beginRevert, ownedBy } from './revert.ts';
import { isRound } from './rounds.ts';
import { isSecondSet } from './second-set.ts';
import type { JobCommand } from './state.ts';
import { heedsFrom } from './together.ts';
import { mayCommand } from './transitions.ts';

/** Does what persons asked for, in their order; each is answered, and audited with its reason. */
export function obeyCommands(draft: Draft): void {
  for (const command of draft.before.commands) {
    const rollout = draft.rollouts.get(command.rollout);
    if (rollout === undefined) {
      draft.outcomes.push({ id: command.id, ok: false, detail: `${command.rollout} has ended.` });
      continue;
    }
    const may = mayCommand(rollout, command.command, command.reason);
    const blocked = may.ok
      ? (blockedByMark(draft, rollout, command) ?? tooLate(rollout, command) ?? needsAnother(draft, rollout, command))
      : may.error.detail;
    if (blocked !== undefined) {
      draft.outcomes.push({ id: command.id, ok: false, detail: blocked });
      continue;
    }
    const { command: name, reason, count, phase, holdFor } = command;
    const said = { command: name, reason, count, phase, holdFor };
    emitForRollout(draft, rollout.id, 'rollout.commanded', said, command.actor);
    obey(draft, rollout, command);
    draft.outcomes.push({ id: command.id, ok: true, detail: `${name}: done` });
  }
}

/** Invariant I4: nobody resumes or promotes a carrier; the way is to override or clear the mark. */
function blockedByMark(draft: Draft, rollout: Rollout, { command }: JobCommand): string | undefined {
  const marks = draft.before.carriers.get(rollout.to);
  const isOnwards = command === 'promote' || (command === 'resume' && rollout.hold?.resumesTo !== 'reverting');
  // A round starts again what runs already: that is allowed.
  if (marks === undefined || !isOnwards || isRound(rollout)) return undefined;
  return `${rollout.to} carries the mark ${marks.join(', ')}: clear or override it first.`;
}

/** A rollout can be asked to hold after a phase that it has not left yet. */
function tooLate({ phases, plan }: Rollout, { command, phase }: JobCommand): string | undefined {
  if (command !== 'hold-after') return undefined;
  // One that waits has fixed no phases yet; its plan names them.
  const names = (phases.length === 0 ? plan.phases : phases).map(({ name }) => name);
  if (phase === undefined || !names.includes(phase))
    return `It has no phase "${phase ?? ''}"; there are ${names.join(', ')}.`;
  const state = phases.find(({ name }) => name === phase)?.state;
  return state === 'passed' || state === 'failed' ? `${phase} is over already (${state}).` : undefined;
}

/** Going on without the service's controller takes two persons: one asks, another one confirms within the hour. */
function needsAnother({ nowMs }: Draft, rollout: Rollout, { command, actor }: JobCommand): string | undefined {
  if (command !== 'override-controller' && command !== 'confirm-override') return undefined;
  if (actor.kind !== 'person') return 'Only a person can override a controller.';
  const override = rollout.controllerOverride;
  if (command === 'override-controller' || override === undefined) return undefined;
  if (actorName(override.askedBy) === actorName(actor))
    return `${actorName(actor)} asked for it: somebody else has to confirm.`;
  const isStale = nowMs - override.askedAtMs > overrideAskLifeMs || nowMs < override.askedAtMs;
  return isStale ? 'It was asked for more than an hour ago: ask again with override-controller.' : undefined;
}

const overrideAskLifeMs = 3_600_000;

function obey(draft: Draft, rollout: Rollout, command: JobCommand): void {
  const who = `${actorName(command.actor)}: ${command.reason ?? command.command}`;
  switch (command.command) {
    case 'pause':
      hold(draft, rollout, 'person', who, undefined, command.actor);
      return;
    case 'resume':
      // Nothing was given back yet: look again for something to go back to.
      if (hasNotTurned(draft, rollout)) beginRevert(draft, rollout, command.actor);
      else {
        const heeds = rollout.hold?.by === 'group' ? { heedsFailuresFromMs: heedsFrom(draft) } : {};
        const looked = rollout.hold?.by === 'hold-after' || rollout.hold?.by === 'watch' ? { approved: who } : {};
        const state = rollout.hold?.resumesTo ?? 'running';
        setRollout(draft, rollout.id, { state, hold: undefined, ...heeds, ...looked });
      }
      return;
    case 'abort':
      if (rollout.state !== 'reverting' && rollout.hold?.resumesTo !== 'reverting') letGo(draft, rollout);
      setRollout(draft, rollout.id, { state: 'aborted', hold: undefined, endedAtMs: draft.nowMs });
      return;
    case 'revert': {
      if (rollout.state === 'reverting') return;
      const failure = rollout.failure ?? {
        by: 'person' as const,
        sentence: who,
        atMs: draft.nowMs,
        indices: [],
        hosts: [],
        markAskedAtMs: undefined,
      };
      beginRevert(draft, setRollout(draft, rollout.id, { failure }), command.actor);
      return;
    }
    case 'promote':
      promote(draft, rollout, who);
      return;
    case 'skip-bake': {
      const phases = rollout.phases.map((one, at) => (at === rollout.currentPhase ? { ...one, passAsked: who } : one));
      setRollout(draft, rollout.id, { phases });
      return;
    }
    case 'raise-budget':
      setRollout(draft, rollout.id, { budgetOverride: { count: command.count ?? 0, reason: who } });
      return;
    case 'hold-after':
      setRollout(draft, rollout.id, { holdAfter: command.phase, holdFor: command.holdFor });
      return;
    case 'pass-barrier':
      setRollout(draft, rollout.id, { unbarred: who });
      return;
    case 'override-controller': {
      const asked = { askedBy: command.actor, reason: command.reason ?? '', askedAtMs: draft.nowMs };
      setRollout(draft, rollout.id, {
        controllerOverride: { ...asked, confirmedBy: undefined, confirmedAtMs: undefined },
      });
      return;
    }
    case 'confirm-override': {
      const confirmed = { confirmedBy: command.actor, confirmedAtMs: draft.nowMs };
      setRollout(draft, rollout.id, { controllerOverride: { ...rollout.controllerOverride!, ...confirmed } });
      return;
    }
  }
}

/** A revert that is held and has given nothing back: some index is still assigned what failed. */
function hasNotTurned(draft: Draft, rollout: Rollout): boolean {
  if (rollout.hold?.resumesTo !== 'reverting') return false;
  return ownedBy(draft, rollout).some((row) => row.version === rollout.to);
}

/** Fully: the phases in between count as passed by this person; the last one starts now. Basic checks stay. */
function promote(draft: Draft, rollout: Rollout, who: string): void {
  // A second set is switched to before the first one is touched, whoever is in a hurry.
  const current = rollout.phases[rollout.currentPhase];
  const isInSet = current !== undefined && current.state !== 'passed' && isSecondSet(specOf(rollout.plan, current));
  const last = isInSet ? rollout.currentPhase : rollout.phases.length - 1;
  const phases = rollout.phases.map((one, at) =>
    at < last && at >= rollout.currentPhase
      ? { ...one, state: 'passed' as const, endedAtMs: draft.nowMs, passedBy: { by: 'person' as const, note: who } }
      : one,
  );
  const currentPhase = Math.max(last, 0);
  setRollout(draft, rollout.id, {
    state: 'running',
    hold: undefined,
    promoted: who,
    failure: undefined,
    ...(rollout.group === undefined ? {} : { heedsFailuresFromMs: heedsFrom(draft) }),
    phases,
    currentPhase,
  });
}

import { isExtra } from '../disruption/index.ts';
import { refuseDriver } from '../drivers/index.ts';
import { err, ok, type Phase, type Rollout, type TaskIndex } from '../model/index.ts';
import { take, trimToAllowance } from './assign.ts';
import type { BasicChecks } from './basic-checks.ts';
import { type Draft, emitForRollout, setJob, setRollout, setWatched, wakeAt } from './draft.ts';
import { withGood } from './good-versions.ts';
import { hold } from './holds.ts';
import { concurrencyOf, isRenewedBy, placesOf, progressOf, specOf } from './phases.ts';
import { fail } from './revert.ts';
import { endRound, isRound, takeInRound } from './rounds.ts';
import {
  beginSecondSet,
  isSecondSet,
  mayBake,
  secondSetMembers,
  sizeOfSet,
  takeIntoSet,
  waitsForSet,
} from './second-set.ts';
import type { PhaseEvidence } from './state.ts';
import { nameStrategy } from './strategies/book.ts';
import { checkedExtras, checkedOrder, checkedSettings } from './strategies/checked.ts';
import { chosenFor, takesDown } from './strategies/chosen.ts';
import { noSuchStrategy, refuseStrategy } from './strategy-turn.ts';
import { followFailure, groupFailure, isBarred, isBarredFromEnd } from './together.ts';
import { beginWatch } from './watch.ts';

/**
 * Brings a running rollout as far as it can go now: start a phase, find it updated, judge it, go to the next one, end.
 * Returns when it has to wait, is held, reverts or has ended.
 */
export function advance(draft: Draft, start: Rollout): Rollout {
  let rollout = start;
  // Each pass moves to a later phase or state; more passes than these would be a bug.
  for (let pass = 0; pass < 4 * start.phases.length + 4; pass++) {
    if (rollout.state !== 'running') return rollout;
    const refusal = driverRefusal(draft, rollout);
    if (refusal !== undefined) return refuseByDriver(draft, rollout, refusal);
    const marks = draft.before.carriers.get(rollout.to);
    // To start again what runs already is allowed, marked or not.
    if (marks !== undefined && !isRound(rollout)) {
      const sentence = `Its version carries the mark ${marks.join(', ')}.`;
      return fail(draft, rollout, { by: 'mark', sentence, indices: [], hosts: [] });
    }
    const failure = groupFailure(draft, rollout);
    if (failure !== undefined) return followFailure(draft, rollout, failure);
    const next = step(draft, rollout);
    if (next === rollout) return rollout;
    rollout = next;
  }
  throw new Error(`rollout ${start.id} does not come to rest`);
}

function driverRefusal({ job, rules }: Draft, { kind, plan }: Rollout): string | undefined {
  const surge = kind !== 'restart' && nameStrategy(plan.strategy).name === 'surge';
  return refuseDriver(rules.drivers, job.driver, job.driverSettings, { surge, move: kind === 'move' });
}

/** Held, as with a strategy that is not here: repairs are tried all the same. */
function refuseByDriver(draft: Draft, rollout: Rollout, sentence: string): Rollout {
  emitForRollout(draft, rollout.id, 'rollout.driver-refused', { driver: draft.job.driver, sentence });
  return hold(draft, rollout, 'driver', sentence);
}

function step(draft: Draft, rollout: Rollout): Rollout {
  const phase = rollout.phases[rollout.currentPhase];
  if (phase === undefined) return succeed(draft, rollout);
  switch (phase.state) {
    case 'waiting':
      return startPhase(draft, rollout, phase);
    case 'updating':
    case 'judging':
      return watchPhase(draft, rollout, phase);
    case 'passed':
      return goOn(draft, rollout, phase);
    case 'failed':
      // A person resumed it: the phase is tried again.
      return setPhase(draft, rollout, { state: 'updating', startedAtMs: draft.nowMs, updatedAtMs: undefined });
  }
}

/** To the next phase or the end, or to wait there for other jobs; meanwhile the new tasks are looked after. */
function goOn(draft: Draft, rollout: Rollout, phase: Phase): Rollout {
  const next = rollout.currentPhase + 1;
  const isLast = next >= rollout.phases.length;
  if (isLast ? isBarredFromEnd(draft, rollout) : isBarred(draft, rollout, next)) {
    return failByBasics(draft, rollout, basicsOf(draft, rollout, phase)) ?? heedJudge(draft, rollout, phase) ?? rollout;
  }
  return isLast ? succeed(draft, rollout) : setRollout(draft, rollout.id, { currentPhase: next });
}

/**
 * At a barrier the judge goes on looking, with what is left of the phase's chance of error: the phase stays passed until
 * it finds harm. What a person let through, or resumed since, is not held against it again.
 */
function heedJudge(draft: Draft, rollout: Rollout, phase: Phase): Rollout | undefined {
  const evidence = draft.before.evidence.get(rollout.id);
  const knownUntilMs = Math.max(phase.endedAtMs ?? 0, rollout.failure?.atMs ?? 0);
  const isNew = evidence?.phase === rollout.currentPhase && evidence.atMs > knownUntilMs;
  if (!isNew || isLetThrough(rollout, phase) || rollout.firstDeployment) return undefined;
  if (evidence.verdict === 'fail') return failByJudge(draft, rollout, evidence);
  const [found] = evidence.holds ?? [];
  if (found === undefined) return undefined;
  return hold(draft, rollout, 'onUndecided', `A check that may hold, but not revert, failed at the barrier. ${found}`);
}

function isLetThrough({ promoted }: Rollout, { passAsked }: Phase): boolean {
  return passAsked !== undefined || promoted !== undefined;
}

function failByJudge(draft: Draft, rollout: Rollout, { sentence, drivers }: PhaseEvidence): Rollout {
  return fail(draft, rollout, {
    by: 'judge',
    sentence,
    indices: drivers,
    hosts: drivers.flatMap((index) => draft.tasks.get(index)?.current?.host ?? []),
  });
}

/** Fixes the members and takes them all: what fails over from now on runs what its phase prescribes. */
function startPhase(draft: Draft, rollout: Rollout, phase: Phase): Rollout {
  const spec = specOf(rollout.plan, phase)!;
  const earlier = (rollout.phases[rollout.currentPhase - 1]?.members ?? []).filter((index) => !isExtra(index));
  const order = orderFor(draft, rollout);
  if (!order.ok) return refuseStrategy(draft, rollout, order.error);
  if (waitsForResize(draft, rollout) || waitsForSet(draft, rollout, spec)) return rollout;
  const { members: wanted, selected } = membersOf(draft, rollout, spec, earlier, order.value);
  const isSet = isSecondSet(spec);
  if (wanted.length <= earlier.length && (rollout.currentPhase > 0 || isSet)) {
    emitForRollout(draft, rollout.id, 'phase.dropped', { phase: phase.name, why: 'it adds nobody' });
    const passedBy = { by: 'basic-checks' as const, note: 'it adds nobody' };
    const dropped = setPhase(draft, rollout, { state: 'passed', members: wanted, allowance: wanted.length, passedBy });
    return holdIfAsked(draft, dropped, phase);
  }
  const concurrency = concurrencyOf(spec, draft.job.size);
  const started = setPhase(draft, rollout, {
    state: 'updating',
    members: wanted,
    // A second set that has passed runs the version too.
    allowance: wanted.length + (isSet ? 0 : sizeOfSet(draft, rollout)),
    concurrency,
    startedAtMs: draft.nowMs,
  });
  emitForRollout(draft, rollout.id, 'phase.started', { phase: phase.name, members: wanted, concurrency });
  if (isSet) beginSecondSet(draft, rollout);
  else tellOthersThan(draft, rollout, wanted, selected);
  trimToAllowance(draft, started, 'the version was there before');
  return started;
}

/** Its strategy's own order of the tasks, or what is wrong with the strategy: the same as a plan says beforehand. */
function orderFor(draft: Draft, rollout: Rollout): ReturnType<typeof checkedOrder> {
  const chosen = chosenFor(draft, rollout);
  if (chosen === undefined) return err(noSuchStrategy(rollout));
  const settings = checkedSettings(chosen);
  if (!settings.ok) return settings;
  const extras = checkedExtras(chosen, draft.job.size);
  if (!extras.ok) return extras;
  return chosen.strategy.order === undefined ? ok(undefined) : checkedOrder(chosen, placesOf(draft));
}

/**
 * Meanwhile the smaller budget is in force: a phase that takes everybody down would get stuck half way. A person who
 * raises the budget of the rollout does not wait.
 */
function waitsForResize(draft: Draft, rollout: Rollout): boolean {
  if (draft.job.resizingFrom === undefined || rollout.budgetOverride !== undefined) return false;
  return !rollout.firstDeployment && takesDown(draft, rollout);
}

/**
 * As many as the phase selects. Indices that are assigned the version already come right after the members of the
 * phases before, so that nobody is taken twice and their number does not outgrow what the phase allows.
 */
function membersOf(
  draft: Draft,
  rollout: Rollout,
  { select }: NonNullable<ReturnType<typeof specOf>>,
  earlier: readonly TaskIndex[],
  order: readonly TaskIndex[] | undefined,
): { readonly members: readonly TaskIndex[]; readonly selected: readonly TaskIndex[] } {
  if ('secondSet' in select) {
    const members = secondSetMembers(draft, rollout);
    return { members, selected: members };
  }
  const places = placesOf(draft);
  const selected = draft.rules.selectMembers(select, places, earlier, order);
  // A round does not start what was never assigned anything.
  if (isRound(rollout))
    return { members: selected.filter((index) => draft.assignment.get(index)?.version !== undefined), selected };
  const there = thereAlready(draft, rollout, earlier);
  if (there.length === 0) return { members: selected, selected };
  const members = draft.rules.selectMembers(select, places, [...earlier, ...there], order).slice(0, selected.length);
  return { members, selected };
}

/** Those that run the version already have taken the place of those whom the plan selects: an event says so. */
function tellOthersThan(
  draft: Draft,
  rollout: Rollout,
  members: readonly TaskIndex[],
  planned: readonly TaskIndex[],
): void {
  if (isRound(rollout) || members === planned) return;
  const selected = new Set(planned);
  const taken = members.filter((index) => !selected.has(index));
  if (taken.length === 0) return;
  const held = new Set(members);
  const left = [...selected].filter((index) => !held.has(index));
  emitForRollout(draft, rollout.id, 'rollout.deviated', { cause: 'they run the version already', taken, left });
}

function thereAlready(draft: Draft, rollout: Rollout, earlier: readonly TaskIndex[]): readonly TaskIndex[] {
  const known = new Set(earlier);
  const there: TaskIndex[] = [];
  for (const { index, version } of draft.assignment.values()) {
    if (version === rollout.to && index < draft.job.size && !known.has(index)) there.push(index);
  }
  return there.sort((a, b) => a - b);
}

function watchPhase(draft: Draft, rollout: Rollout, phase: Phase): Rollout {
  // It ran everywhere as a good version, and a watch has taken it off the list since.
  trimToAllowance(draft, rollout, 'the version is no longer good');
  const takeOne = isRound(rollout) ? takeInRound : take;
  for (const index of phase.members) {
    if (isExtra(index)) takeIntoSet(draft, rollout, index);
    else if (index < draft.job.size) takeOne(draft, rollout, index);
  }
  const basic = basicsOf(draft, rollout, phase);
  const failed = failByBasics(draft, rollout, basic);
  if (failed !== undefined) return failed;
  const evidence = draft.before.evidence.get(rollout.id);
  const isOfPhase = evidence?.phase === rollout.currentPhase && evidence.atMs >= (phase.startedAtMs ?? 0);
  const isHarmful = isOfPhase && evidence.verdict === 'fail' && !rollout.firstDeployment;
  if (isHarmful && !isLetThrough(rollout, phase)) return failByJudge(draft, rollout, evidence);
  const progress = progressOf(draft, phase, rollout);
  const isUpdated = progress.missing.length === 0 && (progress.serving > 0 || phase.members.length === 0);
  // Also in the bake: nothing passes while one of its own tasks is not there.
  if (!isUpdated) return rollout;
  if (phase.state === 'updating') {
    if (isSecondSet(specOf(rollout.plan, phase)) && !mayBake(draft, rollout, phase)) return rollout;
    const { serving, excused } = progress;
    emitForRollout(draft, rollout.id, 'phase.updated', { phase: phase.name, serving, excused });
    return setPhase(draft, rollout, { state: 'judging', updatedAtMs: draft.nowMs });
  }
  const steadyAtMs = steadyFrom(draft, phase);
  if (steadyAtMs > draft.nowMs) {
    wakeAt(draft, steadyAtMs);
    return rollout;
  }
  const judgement = draft.rules.judgePhase(rollout, phase, isOfPhase ? evidence : undefined, basic, draft.nowMs);
  switch (judgement.kind) {
    case 'wait':
      wakeAt(draft, judgement.untilMs);
      return rollout;
    case 'hold':
      return hold(draft, rollout, 'onUndecided', judgement.reason);
    case 'fail':
      return fail(draft, rollout, { by: 'judge', sentence: judgement.sentence, indices: [], hosts: [] });
    case 'pass':
      return pass(draft, rollout, phase, { by: judgement.by, note: judgement.note });
  }
}

function basicsOf(draft: Draft, rollout: Rollout, { members }: Phase): BasicChecks {
  const isNew = (index: TaskIndex): boolean => isRenewedBy(draft, rollout, index);
  return draft.rules.readBasicChecks({ isNew, members, tasks: draft.tasks, hostStates: draft.hostStates });
}

function failByBasics(draft: Draft, rollout: Rollout, { failing, areOldTasksWell }: BasicChecks): Rollout | undefined {
  const [first] = failing;
  if (first === undefined) return undefined;
  if (!areOldTasksWell) {
    draft.gates.set(rollout.id, 'New and old tasks fail alike: it says nothing of the version.');
    return undefined;
  }
  return fail(draft, rollout, {
    by: 'basic-checks',
    sentence: `Task ${first.index} fails on ${first.host}: ${uncapital(first.why)}`,
    indices: failing.map((one) => one.index),
    hosts: [...new Set(failing.map((one) => one.host))],
  });
}

/** A task that was restarted in the bake has to serve as long as the shortest bake before it counts. */
function steadyFrom(draft: Draft, phase: Phase): number {
  let latestMs = 0;
  for (const index of phase.members) {
    const sinceMs = draft.tasks.get(index)?.current?.servingSinceMs ?? 0;
    if (sinceMs > (phase.updatedAtMs ?? 0)) latestMs = Math.max(latestMs, sinceMs + phase.minBakeMs);
  }
  return phase.passAsked === undefined ? latestMs : 0;
}

function pass(draft: Draft, rollout: Rollout, phase: Phase, passedBy: NonNullable<Phase['passedBy']>): Rollout {
  emitForRollout(draft, rollout.id, 'phase.passed', { phase: phase.name, ...passedBy });
  const passed = setPhase(draft, rollout, { state: 'passed', endedAtMs: draft.nowMs, passedBy });
  return holdIfAsked(draft, passed, phase);
}

/** A person wanted to look after this phase, before it goes on. */
function holdIfAsked(draft: Draft, rollout: Rollout, phase: Phase): Rollout {
  if (rollout.holdAfter !== phase.name) return rollout;
  const { holdFor } = rollout;
  const asked = setRollout(draft, rollout.id, { holdAfter: undefined, holdFor: undefined });
  // What cannot be undone does not go back by itself, whoever forgot it.
  const isOpen = holdFor === undefined || (holdFor.next === 'revert' && rollout.forwardOnly !== undefined);
  const then = isOpen ? undefined : { atMs: draft.nowMs + holdFor.ms, do: holdFor.next };
  return hold(draft, asked, 'hold-after', `It was asked to hold after ${phase.name}.`, then);
}

/** The last phase passed: the version is good, and tasks that were born meanwhile get it too. */
function succeed(draft: Draft, rollout: Rollout): Rollout {
  if (isRound(rollout)) {
    endRound(draft, rollout);
    emitForRollout(draft, rollout.id, 'rollout.succeeded', { kind: rollout.kind });
    return setRollout(draft, rollout.id, { state: 'succeeded', endedAtMs: draft.nowMs });
  }
  // Nothing goes back behind a change that cannot be undone.
  const before = rollout.forwardOnly === undefined ? draft.job.goodVersions : [];
  setJob(draft, { goodVersions: withGood(before, rollout.to) });
  const last = rollout.phases.at(-1);
  const spec = last && specOf(rollout.plan, last)?.select;
  const isForAll = spec !== undefined && 'percent' in spec && spec.percent === 100;
  if (isForAll) {
    const late: TaskIndex[] = [];
    for (let index = 0; index < draft.job.size; index++) {
      if (draft.assignment.get(index)?.version === rollout.to) continue;
      take(draft, rollout, index);
      late.push(index);
    }
    if (late.length > 0)
      emitForRollout(draft, rollout.id, 'rollout.deviated', { cause: 'born meanwhile', taken: late });
  }
  emitForRollout(draft, rollout.id, 'rollout.succeeded', { version: rollout.to });
  const watch = beginWatch(draft, rollout);
  const ended = setRollout(draft, rollout.id, { state: 'succeeded', endedAtMs: draft.nowMs, watch });
  return setWatched(draft, ended, {});
}

/** `It was not ready` after a colon: `it was not ready`; an abbreviation stays. */
function uncapital(text: string): string {
  return /^[A-Z][a-z]* /.test(text) ? text.charAt(0).toLowerCase() + text.slice(1) : text;
}

function setPhase(draft: Draft, rollout: Rollout, change: Partial<Phase>): Rollout {
  const phases = rollout.phases.map((one, at) => (at === rollout.currentPhase ? { ...one, ...change } : one));
  return setRollout(draft, rollout.id, { phases });
}

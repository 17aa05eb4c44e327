import { firstExtra, isExtra, mayLive, servesClients, type TaskFacts } from '../disruption/index.ts';
import {
  assert,
  isUnderWay,
  type Phase,
  type PhaseSpec,
  type Rollout,
  type TaskIndex,
  type Traffic,
} from '../model/index.ts';
import { countAssigned } from './assign.ts';
import { type Draft, emitForJob, emitForRollout, setAssignment, setJob, wakeAt } from './draft.ts';
import { type SecondSetTimes, secondSetOf } from './strategies/blue-green.ts';

/*
 * Blue/green: the second set are extra tasks, as many as the job has, that run the new version. Which of the sets
 * clients are told of is one value of the job, `traffic`; it is set before the first task of the second set starts, and
 * goes when none of it is left, or when the job's own tasks run the new version too. Decision 0060.
 */

/** The phase in which the second set comes up, is switched to, and bakes. */
export function isSecondSet(spec: PhaseSpec | undefined): boolean {
  return spec !== undefined && 'secondSet' in spec.select;
}

/** Its members: as many as the job has; nobody in a first deployment, or when the version runs in the job already. */
export function secondSetMembers(draft: Draft, rollout: Rollout): readonly TaskIndex[] {
  const isThere = runsInFirstSet(draft, rollout.to);
  if (rollout.firstDeployment || isThere) return [];
  return Array.from({ length: draft.job.size }, (_, at) => firstExtra + at);
}

function runsInFirstSet(draft: Draft, version: Rollout['to']): boolean {
  for (const { index, version: assigned } of draft.assignment.values()) {
    if (!isExtra(index) && assigned === version) return true;
  }
  for (const task of draft.tasks.values()) {
    if (isExtra(task.index)) continue;
    for (const one of task.current === undefined ? task.others : [task.current, ...task.others]) {
      if (one.version === version && mayLive(one, draft.hostStates)) return true;
    }
  }
  return false;
}

/**
 * Why a phase of this rollout may not begin yet: what is left of another second set goes first, and a second set is made
 * for the size that the job has.
 */
export function waitsForSet(draft: Draft, rollout: Rollout, spec: PhaseSpec): boolean {
  const { traffic, resizingFrom } = draft.job;
  if (traffic !== undefined && traffic.rollout !== rollout.id) return true;
  if (!isSecondSet(spec) || rollout.firstDeployment) return false;
  return resizingFrom !== undefined || isAnyExtraLeft(draft);
}

/** Of a host that is lost nobody knows when it comes back: what was there is placed anew, like any task. */
function isAnyExtraLeft(draft: Draft): boolean {
  for (const { index, version } of draft.assignment.values()) if (isExtra(index) && version !== undefined) return true;
  for (const { index, state } of draft.operations.values()) if (isExtra(index) && isUnderWay(state)) return true;
  for (const task of draft.tasks.values()) if (isExtra(task.index) && livesHere(draft, task)) return true;
  return false;
}

function livesHere({ hostStates }: Draft, { current, others }: TaskFacts, version?: Traffic['version']): boolean {
  const all = current === undefined ? others : [current, ...others];
  return all.some((one) => {
    const isMeant = version === undefined || one.version === version;
    return isMeant && mayLive(one, hostStates) && hostStates(one.host) !== 'lost';
  });
}

/** The set is told apart before anything of it starts: nobody is sent to it. */
export function beginSecondSet(draft: Draft, rollout: Rollout): void {
  setTraffic(draft, { version: rollout.to, side: 'without', rollout: rollout.id });
}

/** A member of the second set is assigned the new version; it never ran anything else. */
export function takeIntoSet(draft: Draft, rollout: Rollout, index: TaskIndex): void {
  const row = draft.assignment.get(index);
  if (row?.version === rollout.to && row.rollout === rollout.id) return;
  assert(!draft.before.carriers.has(rollout.to), 'no assignment changes to a carrier', { index, to: rollout.to });
  setAssignment(draft, { job: draft.job.id, index, version: rollout.to, rollout: rollout.id, lastGood: undefined });
}

/** Everybody of the second set that counts: of the allowance of later phases it is a part. */
export function sizeOfSet(draft: Draft, { id, to }: Pick<Rollout, 'id' | 'to'>): number {
  // Extra tasks of another rollout may run it too, as a good version.
  if (draft.job.traffic?.rollout !== id) return 0;
  let count = 0;
  for (const row of draft.assignment.values()) if (isExtra(row.index) && row.version === to) count += 1;
  return count;
}

/**
 * All of it serves: switched at once when it has done so for long enough, and as many serve clients after it as the
 * budget asks for. False: not yet.
 */
export function mayBake(draft: Draft, rollout: Rollout, phase: Phase): boolean {
  const { traffic } = draft.job;
  const times = secondSetOf(rollout.plan);
  if (times === undefined || phase.members.length === 0) return true;
  if (traffic?.rollout === rollout.id && traffic.side === 'only') return true;
  const atMs = checkedAtMs(draft, phase, times);
  const isHurried = phase.passAsked !== undefined || rollout.promoted !== undefined;
  if (!isHurried && atMs > draft.nowMs) {
    wakeAt(draft, atMs);
    return false;
  }
  const switched: Traffic = { version: rollout.to, side: 'only', rollout: rollout.id };
  if (!fits(draft, rollout, switched)) {
    draft.gates.set(rollout.id, 'Too few of the second set serve to switch to it.');
    return false;
  }
  setTraffic(draft, switched);
  emitForRollout(draft, rollout.id, 'rollout.switched', { to: rollout.to, serving: servingIn(draft, switched) });
  return true;
}

/** When the youngest of those that serve has done so for long enough. */
function checkedAtMs(draft: Draft, { members }: Phase, { checkMs }: SecondSetTimes): number {
  let latestMs = 0;
  for (const index of members) {
    const sinceMs = draft.tasks.get(index)?.current?.servingSinceMs;
    if (sinceMs !== undefined) latestMs = Math.max(latestMs, sinceMs + checkMs);
  }
  return latestMs;
}

/** After it as many serve clients as the budget asks for, or no fewer than now. */
function fits(draft: Draft, rollout: Rollout | undefined, after: Traffic): boolean {
  const inForce = draft.rules.budgetInForce(draft.job);
  const budget = Math.max(inForce, rollout?.budgetOverride?.count ?? 0);
  const serving = servingIn(draft, after);
  return serving >= draft.job.size - budget || serving >= servingIn(draft, draft.job.traffic);
}

function servingIn(draft: Draft, traffic: Traffic | undefined): number {
  let count = 0;
  for (const task of draft.tasks.values()) if (servesClients(task, draft.hostStates, traffic)) count += 1;
  return count;
}

/** Goes on, back or away with what became of its rollout. */
export function keepSecondSet(draft: Draft): void {
  const { traffic } = draft.job;
  if (traffic === undefined) return;
  const owner = draft.rollouts.get(traffic.rollout);
  const isGoingBack = owner?.state === 'reverting' || owner?.hold?.resumesTo === 'reverting';
  if (owner !== undefined && !isGoingBack) return;
  // It has ended with the new version in the first set: all serve clients, and the second set goes.
  if (
    owner === undefined &&
    countAssigned(draft.assignment, traffic.version) > sizeOfSet(draft, { id: traffic.rollout, to: traffic.version })
  ) {
    setTraffic(draft, undefined);
    giveAway(draft);
    return;
  }
  const back: Traffic = { ...traffic, side: 'without' };
  if (traffic.side === 'only') {
    if (!fits(draft, owner, back)) return;
    setTraffic(draft, back);
    emitForRollout(draft, traffic.rollout, 'rollout.switched-back', { from: traffic.version });
  }
  giveAway(draft);
  if (!isAnythingLeftOf(draft, traffic.version)) setTraffic(draft, undefined);
}

/** Anything that runs the version, or may: on a host that is lost it is not waited for. */
function isAnythingLeftOf(draft: Draft, version: Traffic['version']): boolean {
  for (const row of draft.assignment.values()) if (row.version === version) return true;
  for (const { to, admittedAtMs } of draft.operations.values()) {
    if (to === version && admittedAtMs !== undefined) return true;
  }
  for (const task of draft.tasks.values()) if (livesHere(draft, task, version)) return true;
  return false;
}

/** They stop, each when the room that is left without it is enough. */
function giveAway(draft: Draft): void {
  const given: TaskIndex[] = [];
  for (const row of draft.assignment.values()) {
    if (!isExtra(row.index) || row.version === undefined) continue;
    setAssignment(draft, { ...row, version: undefined });
    given.push(row.index);
  }
  if (given.length > 0) emitForJob(draft, 'job.extras-returned', { indices: given });
}

function setTraffic(draft: Draft, traffic: Traffic | undefined): void {
  setJob(draft, { traffic });
  // Whoever waits for the set to be gone has had its turn in this decision.
  if (traffic === undefined) wakeAt(draft, draft.nowMs + 1);
  emitForJob(draft, 'job.traffic', traffic === undefined ? { side: 'all' } : { ...traffic });
}

import { isExtra, isServing } from '../disruption/index.ts';
import { type AssignmentRow, assert, type Rollout, type TaskIndex, type VersionId } from '../model/index.ts';
import { type Draft, emitForJob, emitForRollout, setAssignment } from './draft.ts';
import { newestGood } from './good-versions.ts';
import { isRound, letGoInRound } from './rounds.ts';
import { takesDown } from './strategies/chosen.ts';

/** Indices now assigned to a version. */
export function countAssigned(assignment: ReadonlyMap<TaskIndex, AssignmentRow>, version: VersionId): number {
  let count = 0;
  for (const row of assignment.values()) if (row.version === version) count += 1;
  return count;
}

/**
 * A rollout takes an index: it is assigned the new version, and `lastGood` becomes the version it ran, if that is on
 * the list of good versions; else it stays what it was.
 */
export function take(draft: Draft, rollout: Rollout, index: TaskIndex): void {
  const row = draft.assignment.get(index);
  if (row?.version === rollout.to && row.rollout === rollout.id) return;
  assert(!draft.before.carriers.has(rollout.to), 'no assignment changes to a carrier', { index, to: rollout.to });
  const ran = draft.tasks.get(index)?.current?.version ?? row?.version;
  const isGood = ran !== undefined && ran !== rollout.to && draft.job.goodVersions.includes(ran);
  const lastGood = isGood ? ran : row?.lastGood;
  setAssignment(draft, { job: draft.job.id, index, version: rollout.to, rollout: rollout.id, lastGood });
}

/** What an index goes back to that is given up without having been updated: what it runs, if that is good. */
function backOf(draft: Draft, rollout: Rollout, row: AssignmentRow): VersionId | undefined {
  const { goodVersions } = draft.job;
  const { carriers } = draft.before;
  const runs = draft.tasks.get(row.index)?.current?.version;
  if (runs !== undefined && runs !== rollout.to && goodVersions.includes(runs) && !carriers.has(runs)) return runs;
  return draft.rules.revertTargetOf(row.lastGood, goodVersions, carriers, rollout.to);
}

/**
 * Pause, abort, supersede and a hold give back what has not begun: members that still run the old version are
 * assigned it again. Where nothing good is known they stay as they are.
 */
export function letGo(draft: Draft, rollout: Rollout): readonly TaskIndex[] {
  if (isRound(rollout)) return letGoInRound(draft, rollout);
  const released: TaskIndex[] = [];
  for (const row of draft.assignment.values()) {
    if (row.rollout !== rollout.id || row.version !== rollout.to || isExtra(row.index)) continue;
    if (draft.tasks.get(row.index)?.current?.version === rollout.to) continue;
    if (hasBegun(draft, row.index, rollout.to)) continue;
    const back = backOf(draft, rollout, row);
    if (back === undefined) continue;
    setAssignment(draft, { ...row, version: back });
    released.push(row.index);
  }
  return released;
}

/** Whether an index whose operation has not begun can go back to what it runs. */
export function canGiveBack(draft: Draft, rollout: Rollout, index: TaskIndex): boolean {
  const row = draft.assignment.get(index);
  if (row?.rollout !== rollout.id) return false;
  if (isRound(rollout)) return row.renewAbove !== undefined;
  const isUntouched = row.version === rollout.to && draft.tasks.get(index)?.current?.version !== rollout.to;
  return isUntouched && backOf(draft, rollout, row) !== undefined;
}

/** The rollout gives up one index that has not begun. */
export function giveBack(draft: Draft, rollout: Rollout, index: TaskIndex): void {
  const row = draft.assignment.get(index);
  if (row === undefined || !canGiveBack(draft, rollout, index)) return;
  if (isRound(rollout)) setAssignment(draft, { ...row, renewAbove: undefined });
  else setAssignment(draft, { ...row, version: backOf(draft, rollout, row) });
}

function hasBegun(draft: Draft, index: TaskIndex, to: VersionId): boolean {
  for (const operation of draft.operations.values()) {
    if (operation.index === index && operation.to === to && operation.state === 'executing') return true;
  }
  return false;
}

/**
 * What was given back when a rollout was held, and had begun after all, is the rollout's again: reality says so, and
 * nothing more is touched.
 */
export function keepBegun(draft: Draft, rollout: Rollout): void {
  const phase = rollout.phases[rollout.currentPhase];
  if (phase === undefined || draft.before.carriers.has(rollout.to) || isRound(rollout)) return;
  let room = phase.allowance - countAssigned(draft.assignment, rollout.to);
  for (const index of phase.members) {
    const row = draft.assignment.get(index);
    if (room <= 0 || row === undefined || row.rollout !== rollout.id || row.version === rollout.to) continue;
    if (draft.tasks.get(index)?.current?.version !== rollout.to) continue;
    setAssignment(draft, { ...row, version: rollout.to });
    room -= 1;
  }
}

/** More indices than the phase allows (the job shrank, or the version was there before): the surplus goes back. */
export function trimToAllowance(draft: Draft, rollout: Rollout, cause: string): void {
  const phase = rollout.phases[rollout.currentPhase];
  if (phase === undefined || isRound(rollout) || draft.job.goodVersions.includes(rollout.to)) return;
  let surplus = countAssigned(draft.assignment, rollout.to) - phase.allowance;
  if (surplus <= 0) return;
  const members = new Set(phase.members.slice(0, phase.allowance));
  const rows = [...draft.assignment.values()].filter((row) => row.version === rollout.to && !isExtra(row.index));
  rows.sort((a, b) => Number(members.has(a.index)) - Number(members.has(b.index)) || b.index - a.index);
  const given: TaskIndex[] = [];
  for (const row of rows) {
    if (surplus <= 0) break;
    // What cannot be undone stays where it runs.
    const runs = draft.tasks.get(row.index)?.current?.version === row.version;
    if (rollout.forwardOnly !== undefined && runs) continue;
    const back = draft.rules.revertTargetOf(row.lastGood, draft.job.goodVersions, draft.before.carriers, rollout.to);
    if (back === undefined) continue;
    setAssignment(draft, { ...row, version: back, rollout: rollout.id });
    given.push(row.index);
    surplus -= 1;
  }
  if (given.length > 0) emitForRollout(draft, rollout.id, 'rollout.deviated', { cause, givenBack: given });
}

/** Indices that nobody assigned anything get what newcomers get. */
export function assignNewcomers(draft: Draft, running: Rollout | undefined): void {
  // Beside those of its phase they would run another version: they are born when it has ended.
  if (running !== undefined && !running.firstDeployment && takesDown(draft, running)) return;
  for (let index = 0; index < draft.job.size; index++) {
    const row = draft.assignment.get(index);
    if (row?.version !== undefined) continue;
    const choice = draft.rules.newcomerVersion({
      goodVersions: draft.job.goodVersions,
      carriers: draft.before.carriers,
      rollout: running,
      assignedNew: running === undefined ? 0 : countAssigned(draft.assignment, running.to),
    });
    if (choice === undefined) continue;
    const lastGood = newestGood(draft.job.goodVersions, draft.before.carriers);
    const rollout = choice.isTaken ? running?.id : row?.rollout;
    setAssignment(draft, { job: draft.job.id, index, version: choice.version, rollout, lastGood });
    emitForJob(draft, 'job.newcomer', { index, version: choice.version });
  }
}

/** The index serves what it is assigned. */
export function isConverged(draft: Draft, row: AssignmentRow): boolean {
  const task = draft.tasks.get(row.index);
  return isServing(task, draft.hostStates) && task?.current?.version === row.version;
}

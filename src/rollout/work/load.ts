import { carriersAmong } from '../../blame/rows.ts';
import { bucketsOf, noSharedLimits, type RateBucket, type SharedLimits } from '../../disruption/index.ts';
import * as ledger from '../../disruption/rows.ts';
import { pendingCommands, type View } from '../../engine/index.ts';
import type { Inventory } from '../../fleet/index.ts';
import { listPlacementsOfJob, loadHosts, loadUsageOfOthers } from '../../fleet/rows.ts';
import { latestVerdict } from '../../judge/rows.ts';
import {
  type HoldFor,
  type JobId,
  type Rollout,
  type RolloutCommand,
  type RolloutId,
  rolloutCommands,
  type VersionId,
} from '../../model/index.ts';
import { listVersions } from '../../pipeline/rows.ts';
import type { Tx } from '../../store/index.ts';
import type { JobFacts } from '../facts.ts';
import * as rows from '../rows.ts';
import type { JobCommand, JobState, PhaseEvidence } from '../state.ts';
import type { JobRows, RememberedJobs } from './remembered.ts';

export const jobDecide = 'job/decide';

/**
 * Everything `decideJob` decides from, under the guards that its decision is compared with: the job's, and those of
 * the repositories whose marks it read. Undefined: there is no such job. What other jobs take of hosts is not read.
 */
export async function loadState(
  view: View,
  id: JobId,
  shared: SharedLimits = noSharedLimits,
  remembered?: RememberedJobs,
): Promise<JobState | undefined> {
  const { tx } = view;
  const revision = await view.guard('job', id);
  const job = await rows.findJob(tx, id);
  if (job === undefined) return undefined;
  const own = remembered?.at(id, revision) ?? (await loadJobRows(tx, id));
  const rollouts = await rows.listLiveRollouts(tx, id);
  const watched = await rows.listWatchedRollouts(tx, id);
  const others = await loadOthers(view, rollouts, watched);
  const inventory: Inventory = { ...(await loadHosts(tx, job.driver)), placements: own.placements, others: 'unread' };
  const versions = await listVersions(tx, versionsOf(job, own, [...rollouts, ...watched]));
  for (const repository of new Set(versions.map((version) => version.repository))) {
    await view.guard('repository', repository);
  }
  const ids = versions.map((version) => version.id);
  return {
    job,
    revision,
    assignment: own.assignment,
    rollouts,
    others,
    watched,
    operations: own.operations,
    outages: await ledger.listOutages(tx, id),
    tasks: own.tasks,
    inventory,
    versions: new Map(versions.map((version) => [version.id, version])),
    carriers: await carriersAmong(tx, ids),
    evidence: await loadEvidence(tx, [...rollouts, ...watched]),
    buckets: await loadBuckets(tx, job, inventory, shared),
    control: job.taskControl && (await ledger.findControl(tx, id)),
    controlAnswers: job.taskControl === undefined ? [] : await ledger.listControlAnswers(tx, id),
    reports: await ledger.listReports(tx, id),
    answers: await ledger.listAnswers(tx, id),
    commands: (await pendingCommands(tx, jobDecide, id)).flatMap(commandOf),
  };
}

/** For a decision that places something: with the room that all other jobs take. */
export async function withRoom({ tx }: View, state: JobState): Promise<JobState> {
  return { ...state, inventory: { ...state.inventory, others: await loadUsageOfOthers(tx, state.job.id) } };
}

async function loadJobRows(tx: Tx, id: JobId): Promise<JobRows> {
  const tasks = await ledger.listTasks(tx, id);
  const assignment = await rows.listAssignment(tx, id);
  return {
    assignment: new Map(assignment.map((row) => [row.index, row])),
    tasks: new Map(tasks.map((task) => [task.index, task])),
    operations: await ledger.loadOperations(tx, id),
    placements: await listPlacementsOfJob(tx, id),
  };
}

/**
 * The rollouts of other jobs, under the guard of their group: whoever changes what barriers read bumps it, also when a
 * watch takes up a rollout that has ended.
 */
async function loadOthers(
  view: View,
  rollouts: readonly Rollout[],
  watched: readonly Rollout[],
): Promise<ReadonlyMap<RolloutId, Rollout> | undefined> {
  for (const { group } of [...rollouts, ...watched])
    if (group !== undefined) await view.guard('rollout-group', group.id);
  const groups = rollouts.flatMap(({ group }) => group ?? []);
  if (groups.length === 0) return undefined;
  const wanted = groups.flatMap(({ members }) => members.map(({ rollout }) => rollout));
  const own = new Set(rollouts.map(({ id }) => id));
  const found = await rows.listRolloutsOf(
    view.tx,
    wanted.filter((one) => !own.has(one)),
  );
  return new Map(found.map((rollout) => [rollout.id, rollout]));
}

async function loadBuckets(tx: Tx, job: JobFacts, { hosts }: Inventory, shared: SharedLimits): Promise<RateBucket[]> {
  const wanted = bucketsOf(job.service, job.limits, shared, hosts);
  const taken = await ledger.listBuckets(
    tx,
    wanted.map(({ id }) => id),
  );
  return wanted.map((bucket) => ({ ...bucket, ...(taken.get(bucket.id) ?? { revision: 0, takenAtMs: [] }) }));
}

function versionsOf(job: JobFacts, { assignment, tasks }: JobRows, rollouts: readonly Rollout[]): VersionId[] {
  const ids = new Set<VersionId>(job.goodVersions);
  for (const { to, watch } of rollouts) for (const id of [to, ...versionsIn(watch)]) ids.add(id);
  // Thousands of neighbours run the same: the set is asked where something changes from one to the next.
  let [version, lastGood, runs]: (VersionId | undefined)[] = [];
  for (const row of assignment.values()) {
    if (row.version !== version && row.version !== undefined) ids.add(row.version);
    if (row.lastGood !== lastGood && row.lastGood !== undefined) ids.add(row.lastGood);
    [version, lastGood] = [row.version, row.lastGood];
  }
  for (const { current } of tasks.values()) {
    if (current?.version === runs) continue;
    runs = current?.version;
    if (runs !== undefined) ids.add(runs);
  }
  return [...ids].sort();
}

function versionsIn(watch: Rollout['watch']): readonly VersionId[] {
  return watch?.earlier.map(({ version }) => version) ?? [];
}

async function loadEvidence(tx: Tx, rollouts: readonly Rollout[]): Promise<Map<RolloutId, PhaseEvidence>> {
  const found = new Map<RolloutId, PhaseEvidence>();
  for (const rollout of rollouts) {
    const isSought = rollout.state === 'running' || rollout.watch?.state === 'watching';
    if (!(rollout.judged || rollout.guarded) || !isSought) continue;
    const phase = rollout.state === 'running' ? rollout.currentPhase : rollout.phases.length;
    const row = await latestVerdict(tx, rollout.id, phase);
    if (row === undefined) continue;
    const { verdict, atMs, sentence, perCheck } = row.verdict;
    found.set(rollout.id, {
      phase: row.phase,
      verdict,
      atMs,
      measured: row.measured,
      lostData: row.lostData,
      holds: row.holds,
      named: row.named,
      powerReached: row.powerReached,
      promised: row.promised,
      cannotShow: row.cannotShow,
      guards: row.guards,
      failed: perCheck.flatMap(({ check, verdict }) => (verdict === 'fail' ? [check] : [])),
      sentence,
      drivers: [...new Set(perCheck.flatMap((check) => (check.verdict === 'fail' ? check.drivers : [])))],
    });
  }
  return found;
}

/** Commands are checked at the edge; one that is none of ours is left for whoever knows it. */
function commandOf(row: Awaited<ReturnType<typeof pendingCommands>>[number]): JobCommand[] {
  const { rollout, count, phase, holdFor } = row.arguments;
  const isOurs = (rolloutCommands as readonly string[]).includes(row.name) && typeof rollout === 'string';
  if (!isOurs) return [];
  return [
    {
      id: row.id,
      rollout: rollout as RolloutId,
      command: row.name as RolloutCommand,
      actor: row.actor,
      reason: row.reason,
      count: typeof count === 'number' ? count : undefined,
      phase: typeof phase === 'string' ? phase : undefined,
      holdFor: holdFor as HoldFor | undefined,
    },
  ];
}

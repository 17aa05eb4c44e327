import {
  type Actor,
  actorName,
  err,
  type JobId,
  ok,
  type PlanSpec,
  type Problem,
  partsOfJob,
  problem,
  type Result,
  type VersionId,
} from '../model/index.ts';
import { endRelease } from './decide.ts';
import { actionsOf, type Draft, emit, liveRuns, type RollbackTarget, saveRelease, stageOf } from './draft.ts';
import type { ReleaseFacts, Run } from './facts.ts';
import { beginRun, cancelRuns } from './fold.ts';

/** What a person may tell a service's pipeline; decided by `pipeline/decide`. */
export type PipelineCommand =
  | { readonly name: 'cancel-release'; readonly release: string; readonly reason: string }
  | { readonly name: 'retry'; readonly release: string; readonly action: string | undefined }
  | {
      readonly name: 'rollback';
      readonly environment: string;
      /** One of several jobs; undefined: all of them. */
      readonly job?: string | undefined;
      readonly to: VersionId | undefined;
      readonly reason: string;
    }
  | { readonly name: 'end-hold'; readonly environment: string; readonly reason: string };

/** What a job can go back to: its good versions, newest first, and the releases they came from. */
export interface RollbackChoices {
  readonly job: JobId;
  readonly current: VersionId | undefined;
  readonly good: readonly VersionId[];
  /** By which strategy its last deployment went: a rollback goes by it too. */
  readonly strategy?: PlanSpec['strategy'];
  /** Good versions that carry a mark: never a choice. */
  readonly marked: ReadonlySet<VersionId>;
}

export interface CommandFacts {
  readonly actor: Actor;
  /** Of each job that there is in the environment. */
  readonly choices: (environment: string) => readonly RollbackChoices[];
  /** The release that made a version, ended or not. */
  readonly releaseOf: (version: VersionId) => ReleaseFacts | undefined;
}

/** Decides one command on the draft; what it did, in words, or why it cannot. */
export function decideCommand(draft: Draft, command: PipelineCommand, facts: CommandFacts): Result<string, Problem> {
  switch (command.name) {
    case 'cancel-release':
      return cancelRelease(draft, command.release, command.reason);
    case 'retry':
      return retry(draft, command.release, command.action, facts.actor);
    case 'rollback':
      return rollBack(draft, command, facts);
    case 'end-hold':
      return endHold(draft, command.environment, command.reason, facts.actor);
  }
}

function cancelRelease(draft: Draft, id: string, reason: string): Result<string> {
  const release = draft.releases.get(id as ReleaseFacts['id']);
  if (release === undefined) return err(problem('release/unknown', `There is no live release ${id}.`, { release: id }));
  if (release.endedAtMs !== undefined)
    return err(problem('release/ended', `Release ${id} has ${release.state}.`, { release: id }));
  cancelRuns(draft, release.id, `cancelled: ${reason}`);
  endRelease(draft, release, 'cancelled', reason);
  const rollout = liveRuns(draft).find((run) => run.release === release.id && run.rollout !== undefined)?.rollout;
  return ok(
    rollout === undefined
      ? 'The release is cancelled.'
      : `The release is cancelled; its rollout ${rollout} goes on until it is aborted or reverted.`,
  );
}

/** Opens failed and parked actions again; a release that ended goes on from where it stopped. */
function retry(draft: Draft, id: string, action: string | undefined, actor: Actor): Result<string> {
  const release = draft.releases.get(id as ReleaseFacts['id']);
  if (release === undefined) return err(problem('release/unknown', `There is no release ${id}.`, { release: id }));
  if (release.state === 'succeeded' || release.state === 'superseded')
    return err(problem('release/ended', `Release ${id} has ${release.state}.`, { release: id }));
  const again = actionsOf(draft, release).filter(({ name }) => action === undefined || name === action);
  const stopped = again.filter((one) => ['failed', 'parked'].includes(stageOf(draft, release.id, one)));
  if (stopped.length === 0 && release.state !== 'cancelled')
    return err(problem('action/not-retryable', `Nothing of release ${id} has failed.`, { release: id, action }));
  const names = stopped.map(({ name }) => name);
  for (const run of [...draft.runs.values()]) {
    // A try that is cancelled counts no more: the action is open again.
    const isLast = names.includes(run.action) && run.release === release.id && run.kind === 'action';
    if (isLast && run.state !== 'succeeded') reopen(draft, run);
  }
  const source = release.source.kind === 'failed' ? { kind: 'wanted' as const } : release.source;
  saveRelease(draft, { ...release, state: 'running', reason: undefined, endedAtMs: undefined, source, isNamed: true });
  emit(draft, release.id, 'release.retried', { actions: names, by: actorName(actor) });
  return ok(names.length === 0 ? 'The release goes on.' : `Runs again: ${names.join(', ')}.`);
}

function reopen(draft: Draft, run: Run): void {
  draft.runs.set(run.id, { ...run, state: 'cancelled' });
  draft.changedRuns.add(run.id);
}

/** All at once within the budget: the version has been good before. */
const rollbackPlan: PlanSpec = {
  phases: [
    {
      name: 'all',
      select: { percent: 100 },
      concurrency: { percent: 100 },
      minBakeMs: 0,
      maxBakeMs: 0,
      onFail: 'hold',
      onUndecided: 'proceed',
    },
  ],
  newcomers: 'new',
  overlap: 'supersede',
  forwardOnly: false,
};

/** By the strategy of the job's last deployment; a second set of one known to be good is not waited with for long. */
function rollbackBy(strategy: PlanSpec['strategy']): PlanSpec {
  if (strategy === undefined) return rollbackPlan;
  if (typeof strategy === 'string' || !('blueGreen' in strategy)) return { ...rollbackPlan, strategy };
  const all = rollbackPlan.phases[0]!;
  const { keepOldMs } = strategy.blueGreen;
  const secondSet = { ...all, name: 'second-set', select: { secondSet: true as const } };
  const phases = [{ ...secondSet, minBakeMs: keepOldMs, maxBakeMs: keepOldMs }, all];
  return { ...rollbackPlan, phases, strategy };
}

type RollbackCommand = Extract<PipelineCommand, { name: 'rollback' }>;

function rollBack(draft: Draft, command: RollbackCommand, facts: CommandFacts): Result<string> {
  const { environment } = command;
  const found = rollbackTargets(draft, command, facts);
  if (!found.ok) return found;
  const targets = found.value;
  const first = targets[0]!;
  const release = facts.releaseOf(first.version)!;
  const { rollout } = first;
  const run = beginRun(draft, {
    id: draft.names.run(),
    release: release.id,
    service: release.service,
    action: `rollback@${environment}`,
    kind: 'rollback',
    state: 'running',
    reason: command.reason,
    rollout,
    environment,
    host: undefined,
    inputs: {},
    outputs: {},
    cacheKey: undefined,
    isMachineFault: false,
    dueAtMs: undefined,
  });
  draft.wants.push({ kind: 'rollback', run, targets, by: facts.actor, reason: command.reason });
  const { service } = draft.state;
  const hold = {
    service,
    environment,
    by: actorName(facts.actor),
    reason: command.reason,
    atMs: draft.nowMs,
    rollout,
    from: first.from,
    to: first.version,
  };
  draft.wants.push({ kind: 'hold', hold });
  const what = targets.length === 1 ? environment : `${targets.length} jobs of ${environment}`;
  const where = `${release.commit.slice(0, 10)} (${release.subject})`;
  return ok(`Rolling ${what} back to ${where} by ${targets.map((one) => one.rollout).join(', ')}.`);
}

/** Each job goes to the version that was asked for, or to its own last good one; refused as a whole. */
function rollbackTargets(
  draft: Draft,
  { environment, job, to: wanted }: RollbackCommand,
  facts: CommandFacts,
): Result<(RollbackTarget & { readonly from: VersionId | undefined })[]> {
  const all = facts.choices(environment);
  const choices = job === undefined ? all : all.filter((one) => partsOfJob(one.job).name === job);
  if (choices.length === 0) {
    const what = job === undefined ? `nothing in "${environment}"` : `no job "${job}" in "${environment}"`;
    return err(problem('pipeline/no-such-target', `${draft.state.service} has ${what}.`));
  }
  const isAlone = choices.length === 1;
  const targets: (RollbackTarget & { readonly from: VersionId | undefined })[] = [];
  for (const choice of choices) {
    const name = isAlone ? environment : choice.job;
    const to = wanted ?? earlierGood(choice);
    // Of several jobs, some may have nowhere to go, or be there already.
    if (!isAlone && (to === undefined || to === choice.current)) continue;
    if (to === undefined || facts.releaseOf(to) === undefined)
      return err(problem('rollout/no-good-version', `Nothing good is known before what runs in ${name}.`));
    if (!choice.good.includes(to) || to === choice.current) {
      const detail = to === choice.current ? `${to} is what runs in` : `${to} was never good in`;
      return err(problem('rollout/no-good-version', `${detail} ${name}.`, { version: to }));
    }
    if (choice.marked.has(to) || draft.state.carriers.has(to))
      return err(problem('release/blocked-by-mark', `${to} carries a mark.`, { version: to }));
    const { strategy } = choice;
    const plan = rollbackBy(strategy);
    targets.push({ job: choice.job, rollout: draft.names.rollout(), version: to, plan, from: choice.current });
  }
  if (targets.length === 0)
    return err(problem('rollout/no-good-version', `Nothing good is known before what runs in ${environment}.`));
  return ok(targets);
}

/** The newest good version before the one that runs; one that carries a mark is passed over. */
function earlierGood({ current, good, marked }: RollbackChoices): VersionId | undefined {
  const at = current === undefined ? -1 : good.indexOf(current);
  return good.slice(at + 1).find((version) => version !== current && !marked.has(version));
}

function endHold(draft: Draft, environment: string, reason: string, actor: Actor): Result<string> {
  const held = draft.state.holds.filter((hold) => hold.environment === environment);
  if (held.length === 0)
    return err(problem('pipeline/no-such-target', `Nothing holds "${environment}".`, { environment }));
  for (const hold of held) {
    draft.endedHolds.add(hold);
    draft.wants.push({ kind: 'end-hold', hold });
  }
  draft.events.push({
    stream: `pipeline/${draft.state.service}`,
    type: 'hold.ended',
    actor,
    data: { environment, reason },
  });
  return ok(`${environment} takes releases again.`);
}

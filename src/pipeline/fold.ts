import { judgePerf } from '../judge/index.ts';
import type { ActionSpec, ArtifactRevision, Rollout } from '../model/index.ts';
import { attemptsOf, type Draft, emit, endRun, isLive, liveRuns, rolloutsOf, saveRun, specOf } from './draft.ts';
import type { ActionReport, Run } from './facts.ts';

/** Brings runs up to what agents, rollouts, hosts and the clock say. Folding the same again changes nothing. */
export function foldAll(draft: Draft): void {
  const order = { running: 0, lost: 1, cancelled: 2, 'timed-out': 3, failed: 4, succeeded: 5 };
  const reports = [...draft.state.reports].sort((a, b) => order[a.state] - order[b.state]);
  for (const report of reports) foldReport(draft, report);
  for (const run of liveRuns(draft)) foldRollout(draft, run);
  for (const run of liveRuns(draft)) foldHost(draft, run);
  for (const run of liveRuns(draft)) foldTime(draft, run);
}

/** How the action of a run was written in its release's revision. */
export function actionOfRun(draft: Draft, run: Run): ActionSpec | undefined {
  const release = draft.releases.get(run.release);
  return release && specOf(draft, release).pipeline.actions.find(({ name }) => name === run.action);
}

type End = Pick<Run, 'state' | 'reason'> & Partial<Run>;

function foldReport(draft: Draft, report: ActionReport): void {
  const run = draft.runs.get(report.run);
  if (run === undefined) return;
  if (isLive(run)) {
    const end = endOfReport(draft, run, report);
    if (end !== undefined) endRun(draft, run, end);
  } else if (report.state === 'running' && run.host !== undefined) {
    // It was given up here, but its agent still has it: tell it to stop.
    draft.wants.push({ kind: 'cancel', run });
  }
}

function endOfReport(draft: Draft, run: Run, report: ActionReport): End | undefined {
  switch (report.state) {
    case 'running':
      return undefined;
    case 'succeeded':
      return endOfSuccess(draft, run, report);
    case 'failed':
      return { state: 'failed', reason: wordsOf(report.summary, 'it failed') };
    case 'timed-out':
      return { state: 'failed', reason: wordsOf(report.summary, 'it ran longer than its timeout') };
    case 'cancelled':
      return { state: 'cancelled', reason: run.reason ?? 'it was cancelled' };
    case 'lost':
      return endOfLoss(draft, run, wordsOf(report.summary, `${report.host} lost it`));
  }
}

function endOfSuccess(draft: Draft, run: Run, report: ActionReport): End {
  const action = actionOfRun(draft, run);
  if (action?.type === 'perf-test') return endOfPerfTest(draft, run, action, report.perf ?? []);
  const name = action?.type === 'build' || action?.type === 'run' ? action.output : null;
  if (name !== null && name !== undefined && report.output === undefined)
    return { state: 'failed', reason: `it ended without making its output "${name}"` };
  const revision: ArtifactRevision | undefined = report.output && { kind: 'package', ...report.output };
  return { state: 'succeeded', reason: undefined, outputs: name && revision ? { [name]: revision } : {} };
}

/** The agent only measured: what its numbers mean is decided here, and both are told. */
function endOfPerfTest(
  draft: Draft,
  run: Run,
  action: Extract<ActionSpec, { type: 'perf-test' }>,
  measured: NonNullable<ActionReport['perf']>,
): End {
  const pairs = measured.map(([old, fresh]) => ({ old, new: fresh }));
  const seen = judgePerf(action, pairs);
  emit(draft, run.release, 'action.measured', {
    run: run.id,
    action: run.action,
    verdict: seen.verdict,
    worse: seen.worse,
    interval: seen.interval,
    pairs: measured,
  });
  const isFailed = seen.verdict === 'fail' || (seen.verdict === 'undecided' && action.onUndecided === 'fail');
  return { state: isFailed ? 'failed' : 'succeeded', reason: seen.sentence };
}

function foldRollout(draft: Draft, run: Run): void {
  const end = endOfRollouts(rolloutsOf(draft, run));
  if (end !== undefined) endRun(draft, run, end);
}

type RunEnd = Pick<Run, 'state' | 'reason'>;

/**
 * How the end of its rollouts ends a deploy action; undefined while one of them goes on. Of several that failed, the
 * one whose own failure it was speaks.
 */
export function endOfRollouts(rollouts: readonly Rollout[]): RunEnd | undefined {
  const ends: { readonly rollout: Rollout; readonly end: RunEnd }[] = [];
  for (const rollout of rollouts) {
    const end = endOfRollout(rollout);
    if (end === undefined) return undefined;
    ends.push({ rollout, end });
  }
  const failed = ends.filter(({ end }) => end.state === 'failed');
  const first = failed.find(({ rollout }) => rollout.failure !== undefined && rollout.failure.by !== 'group');
  const worst = first ?? failed[0] ?? ends[0];
  if (worst === undefined) return undefined;
  const { group } = worst.rollout;
  const { state, reason } = worst.end;
  return { state, reason: group === undefined || reason === undefined ? reason : `${group.name}: ${reason}` };
}

function endOfRollout(rollout: Rollout): RunEnd | undefined {
  const why = rollout.failure?.sentence ?? 'it failed';
  switch (rollout.state) {
    case 'waiting':
    case 'running':
    case 'held':
    case 'reverting':
      return undefined;
    case 'succeeded':
      return { state: 'succeeded', reason: undefined };
    case 'reverted':
      return { state: 'failed', reason: `reverted: ${why}` };
    case 'aborted':
      return { state: 'failed', reason: `aborted: ${rollout.failure?.sentence ?? 'a person stopped it'}` };
    case 'superseded':
      return { state: 'failed', reason: 'a newer rollout took over' };
  }
}

function foldHost(draft: Draft, run: Run): void {
  if (run.host === undefined) return;
  const host = draft.state.hosts.find(({ id }) => id === run.host);
  if (host !== undefined && !host.isGone) return;
  // Should it come back with the old try still running, it is told to stop.
  if (host !== undefined) draft.wants.push({ kind: 'cancel', run });
  endRun(draft, run, endOfLoss(draft, run, `${run.host} is gone`));
}

function foldTime(draft: Draft, run: Run): void {
  if (run.dueAtMs === undefined || run.dueAtMs > draft.nowMs) return;
  if (actionOfRun(draft, run)?.type === 'bake') {
    endRun(draft, run, { state: 'succeeded', reason: undefined });
    return;
  }
  draft.wants.push({ kind: 'cancel', run });
  endRun(draft, run, endOfLoss(draft, run, `nothing was heard from ${run.host ?? 'its host'} in time`));
}

/** A machine spoiled this try. What may run twice runs again; what may not waits for a person. */
function endOfLoss(draft: Draft, run: Run, why: string): End {
  const action = actionOfRun(draft, run);
  if (action?.type !== 'run' || action.safeToRepeat) return { state: 'failed', reason: why, isMachineFault: true };
  return { state: 'parked', reason: `cut off (${why}) and may not be repeated by itself`, isMachineFault: true };
}

/** Takes the running actions of a release back; rollouts go on, they have their own rules. */
export function cancelRuns(draft: Draft, release: Run['release'], reason: string): void {
  for (const run of liveRuns(draft)) {
    if (run.release !== release || run.kind !== 'action' || run.rollout !== undefined) continue;
    if (run.host !== undefined) draft.wants.push({ kind: 'cancel', run });
    endRun(draft, run, { state: 'cancelled', reason });
  }
}

/** Starts a run's bookkeeping: the next attempt of the action, running from now. */
export function beginRun(draft: Draft, run: Omit<Run, 'attempt' | 'createdAtMs' | 'startedAtMs' | 'endedAtMs'>): Run {
  const attempt = (attemptsOf(draft, run.release, run.action).at(-1)?.attempt ?? 0) + 1;
  const begun = { ...run, attempt, createdAtMs: draft.nowMs, startedAtMs: draft.nowMs, endedAtMs: undefined };
  saveRun(draft, begun);
  emit(draft, run.release, 'action.started', {
    run: run.id,
    action: run.action,
    attempt,
    host: run.host,
    rollout: run.rollout,
    inputs: run.inputs,
  });
  return begun;
}

function wordsOf(text: string, fallback: string): string {
  return text.trim() === '' ? fallback : text.trim().slice(0, 2000);
}

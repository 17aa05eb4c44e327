import type { ReleaseDetail, RolloutDetail } from '../../api/index.ts';
import { formatDuration } from '../../kit/index.ts';
import { shortCommit } from '../render/words.ts';

/** What can be seen of one release at one moment. */
export interface Scene {
  readonly release: ReleaseDetail;
  readonly rollout: RolloutDetail | undefined;
}

export interface Line {
  readonly who: string;
  readonly what: string;
  readonly tone?: 'good' | 'bad' | 'held';
}

/** The lines that tell how `before` became `after`: one per fact, in the order in which things happen. */
export function narrate(before: Scene | undefined, after: Scene): Line[] {
  return [...tellRuns(before, after), ...tellRollout(before?.rollout, after.rollout), ...tellRelease(before, after)];
}

function tellRuns(before: Scene | undefined, { release }: Scene): Line[] {
  const was = new Map(before?.release.runs.map((run) => [run.id, run.state]));
  return release.runs.flatMap((run): Line[] => {
    if (run.type === 'deploy' || was.get(run.id) === run.state) return [];
    const took =
      run.startedAtMs !== null && run.endedAtMs !== null
        ? ` in ${formatDuration(run.endedAtMs - run.startedAtMs)}`
        : '';
    if (run.state === 'succeeded')
      return [{ who: run.action, what: `done${took}${run.host === null ? '' : ` on ${run.host}`}` }];
    if (run.state === 'failed') return [{ who: run.action, what: `failed: ${run.reason ?? ''}`, tone: 'bad' }];
    return [];
  });
}

function tellRollout(before: RolloutDetail | undefined, after: RolloutDetail | undefined): Line[] {
  if (after === undefined) return [];
  const was = before?.id === after.id ? before : undefined;
  return [...tellStart(was, after), ...tellPhases(was, after), ...tellEnd(was, after)];
}

function tellStart(before: RolloutDetail | undefined, after: RolloutDetail): Line[] {
  if (after.startedAtMs === null || (before?.startedAtMs ?? null) !== null) return [];
  const steps = after.phases.map((phase) => phase.name).join(' → ');
  return [{ who: 'rollout', what: `${after.size} tasks, ${steps}; at most ${after.budget.budget} out at a time` }];
}

function tellPhases(before: RolloutDetail | undefined, after: RolloutDetail): Line[] {
  return after.phases.flatMap((phase, i): Line[] => {
    const was = before?.phases[i]?.state ?? 'waiting';
    if (was === phase.state) return [];
    const lines: Line[] = [];
    if (was === 'waiting')
      lines.push({ who: 'rollout', what: `${phase.name}: ${counted(phase.members.length, 'task')} of ${after.size}` });
    if (phase.state === 'passed') {
      lines.push({
        who: phase.passedBy?.by === 'judge' ? 'judge' : 'rollout',
        what: `${phase.name} passed: ${phase.passedBy?.note ?? ''}`,
        tone: 'good',
      });
    }
    return lines;
  });
}

function tellEnd(before: RolloutDetail | undefined, after: RolloutDetail): Line[] {
  if (before?.state === after.state) return [];
  const lines: Line[] = [];
  if (after.state === 'reverting' || (after.state === 'reverted' && before?.state !== 'reverting')) {
    const failing = after.checks.filter((check) => check.verdict === 'fail');
    lines.push(...failing.map((check): Line => ({ who: 'judge', what: `${check.sentence} → fail`, tone: 'bad' })));
    if (failing.length === 0 && after.failure !== null) lines.push({ who: 'judge', what: after.failure, tone: 'bad' });
    lines.push({ who: 'rollout', what: 'stops; the tasks it touched go back to the version that was good' });
  }
  if (after.state === 'reverted')
    lines.push({
      who: 'rollout',
      what: `reverted; ${after.size} of ${after.size} tasks run the good version`,
      tone: 'good',
    });
  if (after.state === 'succeeded')
    lines.push({ who: 'rollout', what: `done: ${after.updated} of ${after.size} tasks run it`, tone: 'good' });
  if (after.state === 'held') lines.push({ who: 'rollout', what: `held: ${after.hold?.reason ?? ''}`, tone: 'held' });
  return lines;
}

function tellRelease(before: Scene | undefined, { release }: Scene): Line[] {
  const lines: Line[] = [];
  if (release.state === 'blocked' && before?.release.state !== 'blocked') {
    lines.push({
      who: 'release',
      what: `${shortCommit(release.commit)} is blocked: ${release.why ?? ''}`,
      tone: 'held',
    });
  }
  return lines;
}

function counted(n: number, word: string): string {
  return `${n} ${word}${n === 1 ? '' : 's'}`;
}

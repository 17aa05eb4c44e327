import { formatDuration } from '../kit/index.ts';
import type { ActionSpec, Rollout } from '../model/index.ts';
import { yieldsToNext } from '../rollout/index.ts';
import { actionsOf, type Draft, liveRuns, passedOf, rolloutsOf, stageOf } from './draft.ts';
import type { ReleaseFacts, Run } from './facts.ts';
import { isOlder } from './order.ts';
import { askWindows } from './windows.ts';

/** Why an action does not start for a release, and what will change that. */
export interface Wait {
  readonly kind: 'configuration' | 'needs' | 'mark' | 'newer' | 'hold' | 'target' | 'window' | 'version' | 'person';
  readonly sentence: string;
  readonly unblocker: string;
  /** When it may be different by itself, if that is known. */
  readonly untilMs?: number;
}

/** The first thing that keeps this action from starting for this release; undefined: it may be picked. */
export function findWait(draft: Draft, release: ReleaseFacts, action: ActionSpec): Wait | undefined {
  return (
    waitForConfiguration(release) ??
    waitForNeeds(draft, release, action) ??
    waitForMark(draft, release) ??
    waitForPerson(release, action) ??
    (action.type === 'deploy' ? waitForTarget(draft, release, action) : undefined)
  );
}

function waitForConfiguration(release: ReleaseFacts): Wait | undefined {
  if (release.isConfigured) return undefined;
  return {
    kind: 'configuration',
    sentence: `The configuration of ${release.commit.slice(0, 10)} is being read.`,
    unblocker: 'It goes on as soon as it was read.',
  };
}

function waitForNeeds(draft: Draft, release: ReleaseFacts, action: ActionSpec): Wait | undefined {
  const actions = actionsOf(draft, release);
  for (const need of action.needs) {
    const needed = actions.find(({ name }) => name === need);
    if (needed === undefined || stageOf(draft, release.id, needed) === 'done') continue;
    const sentence = `"${action.name}" needs "${need}", which is not through.`;
    return { kind: 'needs', sentence, unblocker: `"${need}" succeeds.` };
  }
  return undefined;
}

function waitForMark(draft: Draft, release: ReleaseFacts): Wait | undefined {
  const marks = release.version === undefined ? undefined : draft.state.carriers.get(release.version);
  if (!marks || marks.length === 0) return undefined;
  return {
    kind: 'mark',
    sentence: `It contains a commit that is marked bad (${marks.join(', ')}).`,
    unblocker:
      'A newer release with a fix (`Rollway-Fixes:`) or a revert goes through; or a person clears the mark or overrides it for this version.',
  };
}

function waitForPerson(release: ReleaseFacts, action: ActionSpec): Wait | undefined {
  if (action.picker !== 'named' || release.isNamed) return undefined;
  return {
    kind: 'person',
    sentence: `"${action.name}" takes only releases that a person names.`,
    unblocker: `\`rollway deploy ${release.commit.slice(0, 10)}\``,
  };
}

type DeployAction = Extract<ActionSpec, { type: 'deploy' }>;

function waitForTarget(draft: Draft, release: ReleaseFacts, action: DeployAction): Wait | undefined {
  if (release.version === undefined)
    return { kind: 'version', sentence: 'No build has made its package.', unblocker: 'A build succeeds.' };
  return (
    waitForNewer(draft, release, action) ??
    waitForHold(draft, release, action) ??
    waitForRollout(draft, release, action) ??
    waitForWindow(draft, action)
  );
}

/** P4: an older release never overwrites a newer one. Asked again in the transaction that admits the deploy action. */
function waitForNewer(draft: Draft, release: ReleaseFacts, action: DeployAction): Wait | undefined {
  const holder = passedOf(draft, action);
  if (holder === undefined || !isOlder(release, holder)) return undefined;
  return {
    kind: 'newer',
    sentence: `${action.environment} has the newer release ${holder.id}.`,
    unblocker: 'Deploy a newer commit, or go back on purpose with `rollway rollback`.',
  };
}

function waitForHold(draft: Draft, release: ReleaseFacts, action: DeployAction): Wait | undefined {
  const hold = draft.state.holds.find((held) => held.environment === action.environment && !draft.endedHolds.has(held));
  if (hold === undefined || draft.state.freeOfHold.get(hold.environment)?.has(release.id)) return undefined;
  return {
    kind: 'hold',
    sentence: `${action.environment} is held since ${hold.by} rolled it back: ${hold.reason}`,
    unblocker: 'A release with a fix (`Rollway-Fixes:`) comes, or a person ends the hold (`rollway unhold`).',
  };
}

/** One rollout per target at a time, unless the plan says that the newer one takes over. */
function waitForRollout(draft: Draft, release: ReleaseFacts, action: DeployAction): Wait | undefined {
  for (const run of liveRuns(draft)) {
    if (run.environment !== action.environment || run.rollout === undefined) continue;
    if (letNextPass(rolloutsOf(draft, run))) continue;
    const other = draft.releases.get(run.release);
    const mayTakeOver = other !== undefined && run.kind === 'action' && isOlder(other, release);
    if (mayTakeOver && action.plan.overlap === 'supersede') continue;
    return {
      kind: 'target',
      sentence: `${nameOf(run, other)} is rolling out to ${action.environment}.`,
      unblocker: `That rollout (${run.rollout}) ends.`,
    };
  }
  return undefined;
}

/**
 * A rollout that failed and has nothing to go back to stays as it is; it never makes the next release wait. Of several
 * that go together nobody may be at work: the others have ended, or have not begun.
 */
export function letNextPass(rollouts: readonly Rollout[]): boolean {
  const live = rollouts.filter(({ endedAtMs }) => endedAtMs === undefined);
  const isIdle = (one: Rollout): boolean =>
    yieldsToNext(one) || one.state === 'waiting' || (one.state === 'held' && one.hold?.resumesTo === 'waiting');
  return live.some(yieldsToNext) && live.every(isIdle);
}

function nameOf(run: Run, release: ReleaseFacts | undefined): string {
  if (run.kind === 'rollback') return 'A rollback';
  return release === undefined ? `Release ${run.release}` : `"${release.subject}" (${release.commit.slice(0, 10)})`;
}

function waitForWindow(draft: Draft, action: DeployAction): Wait | undefined {
  const answer = askWindows(action.windows, draft.nowMs);
  if (answer.isOpen) return undefined;
  const { opensAtMs } = answer;
  if (opensAtMs === undefined)
    return {
      kind: 'window',
      sentence: 'Its windows never open.',
      unblocker: 'Correct `windows` in the configuration.',
    };
  return {
    kind: 'window',
    sentence: `"${action.name}" starts only in its windows.`,
    unblocker: `The next one opens in ${formatDuration(opensAtMs - draft.nowMs)}.`,
    untilMs: opensAtMs,
  };
}

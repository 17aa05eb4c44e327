import { digestOf } from '../kit/index.ts';
import { type ActionSpec, type Version, versionId } from '../model/index.ts';
import { findWait } from './conditions.ts';
import {
  actionsOf,
  attemptsOf,
  type Draft,
  emit,
  liveReleases,
  liveRuns,
  type Names,
  openDraft,
  passedOf,
  rolloutsOf,
  saveRelease,
  specOf,
  stageOf,
} from './draft.ts';
import { explainRelease } from './explain.ts';
import type { PipelineState, ReleaseFacts, Standing } from './facts.ts';
import { cancelRuns, foldAll } from './fold.ts';
import { isOlder } from './order.ts';
import { pick } from './pick.ts';
import { packageOf, startAction } from './start.ts';

/**
 * Moves every release of a service as far as it may go: what agents, rollouts and the clock say is folded in, marks
 * stop what they forbid, what a newer release has overtaken ends, actions pick their next releases, and every release
 * gets its reason in words. Deciding again on the result changes nothing.
 */
export function decidePipeline(
  state: PipelineState,
  nowMs: number,
  names: Names,
  give?: (draft: Draft) => void,
): Draft {
  const draft = openDraft(state, nowMs, names);
  foldAll(draft);
  give?.(draft);
  stopCarriers(draft);
  supersede(draft);
  startActions(draft);
  makeVersions(draft);
  for (const release of liveReleases(draft)) conclude(draft, release);
  return draft;
}

/** When something may be different by the clock alone: the end of a bake, a window, an agent's silence. */
export function nextDueMs(draft: Draft): number | undefined {
  const times: number[] = [];
  for (const run of liveRuns(draft)) if (run.dueAtMs !== undefined) times.push(run.dueAtMs);
  for (const release of liveReleases(draft)) {
    if (!release.isConfigured) continue;
    for (const action of actionsOf(draft, release)) {
      if (stageOf(draft, release.id, action) !== 'open') continue;
      const untilMs = findWait(draft, release, action)?.untilMs;
      if (untilMs !== undefined) times.push(untilMs);
    }
  }
  return times.length === 0 ? undefined : Math.min(...times);
}

/** B5: a mark takes back what a release has queued or running. Its rollouts stop by their own rules. */
function stopCarriers(draft: Draft): void {
  for (const release of liveReleases(draft)) {
    const marks = release.version === undefined ? undefined : draft.state.carriers.get(release.version);
    if (marks && marks.length > 0) cancelRuns(draft, release.id, `it contains a commit that is marked bad (${marks})`);
  }
}

/**
 * A release ends when a newer one is through an action it still has to take there: a deploy action (P4), or one that
 * picks the newest. One that only a person can move on ends when a newer one waits at the same place.
 */
function supersede(draft: Draft): void {
  for (const release of liveReleases(draft)) {
    if (!release.isConfigured) continue;
    const isRollingOut = liveRuns(draft).some((run) => run.release === release.id && run.rollout !== undefined);
    if (isRollingOut) continue;
    for (const action of actionsOf(draft, release)) {
      if (stageOf(draft, release.id, action) === 'done') continue;
      const by = overtaker(draft, release, action);
      if (by === undefined) continue;
      const newer = nameOf(by);
      cancelRuns(draft, release.id, `the newer release ${newer} is through "${action.name}"`);
      endRelease(draft, release, 'superseded', `The newer release ${newer} is through "${action.name}".`);
      break;
    }
  }
}

/** As people know it: `of 1a2b3c4d5e "Fix the login" (rel_…)`. */
function nameOf({ id, commit, subject }: Standing): string {
  return `of ${commit.slice(0, 10)} "${subject}" (${id})`;
}

function overtaker(draft: Draft, release: ReleaseFacts, action: ActionSpec): Standing | undefined {
  // What a person named or retried is overtaken only where it would overwrite something newer.
  if ((action.picker === 'newest' && !release.isNamed) || action.type === 'deploy') {
    const passed = passedOf(draft, action);
    if (passed !== undefined && passed.id !== release.id && isOlder(release, passed)) return passed;
  }
  if (action.picker !== 'named' || release.isNamed) return undefined;
  if (findWait(draft, release, action)?.kind !== 'person') return undefined;
  return liveReleases(draft).find((other) => {
    if (!other.isConfigured || !isOlder(release, other)) return false;
    const same = actionsOf(draft, other).find(({ name }) => name === action.name);
    return same !== undefined && findWait(draft, other, same)?.kind === 'person';
  });
}

/** Each action picks from the releases that wait at it, until nobody can go further. */
function startActions(draft: Draft): void {
  const stuck = new Set<string>();
  for (let isMoving = true; isMoving; ) {
    isMoving = false;
    for (const name of actionNames(draft)) {
      const waiting = liveReleases(draft).flatMap((release) => {
        const action = release.isConfigured ? actionsOf(draft, release).find((one) => one.name === name) : undefined;
        const isHere =
          action !== undefined && stageOf(draft, release.id, action) === 'open' && !isStopped(draft, release);
        return isHere && !stuck.has(`${release.id} ${name}`) && !findWait(draft, release, action)
          ? [{ release, action }]
          : [];
      });
      const picker = waiting.at(-1)?.action.picker;
      if (picker === undefined) continue;
      const busy = liveRuns(draft).filter((run) => run.action === name && run.kind === 'action').length;
      const isExclusive = waiting.some(({ action }) => action.type === 'deploy');
      const picked = pick(
        picker,
        waiting.map(({ release }) => release),
        busy,
        isExclusive,
      );
      for (const release of picked) {
        const { action } = waiting.find((one) => one.release.id === release.id)!;
        if (startAction(draft, release, action)) isMoving = true;
        else stuck.add(`${release.id} ${name}`);
      }
    }
  }
}

/** Names of the actions of all live releases, each after what it needs where they agree. */
function actionNames(draft: Draft): Set<string> {
  const names = new Set<string>();
  for (const release of liveReleases(draft)) {
    if (release.isConfigured) for (const action of actionsOf(draft, release)) names.add(action.name);
  }
  return names;
}

/** A failed or parked action stops its own release: nothing of it starts any more, what runs may end. */
function isStopped(draft: Draft, release: ReleaseFacts): boolean {
  return actionsOf(draft, release).some((action) => {
    const stage = stageOf(draft, release.id, action);
    return stage === 'failed' || stage === 'parked';
  });
}

/** Last, so that nothing is deployed in the transaction in which it is first asked whether it carries a mark. */
function makeVersions(draft: Draft): void {
  for (const release of liveReleases(draft)) {
    if (!release.isConfigured || release.version !== undefined) continue;
    const digest = packageOf(draft, release);
    if (digest === undefined) continue;
    const { task } = specOf(draft, release);
    const { service, repository, commit } = release;
    const content = { service, repository, commit, package: digest, task };
    const version: Version = {
      id: versionId(digestOf(content)),
      ...content,
      release: release.id,
      createdAtMs: draft.nowMs,
    };
    draft.wants.push({ kind: 'version', version });
    saveRelease(draft, { ...release, version: version.id });
    emit(draft, release.id, 'release.packaged', { version: version.id, package: digest });
  }
}

function conclude(draft: Draft, release: ReleaseFacts): void {
  const end = endOfRelease(draft, release);
  if (end !== undefined) {
    endRelease(draft, release, end.state, end.reason);
    return;
  }
  const { state, reason } = explainRelease(draft, release);
  if (state === release.state && reason === release.reason) return;
  if (state !== release.state) emit(draft, release.id, `release.${state}`, { reason });
  saveRelease(draft, { ...release, state, reason });
}

/** Succeeded: every action is through. Failed: one failed for good and nothing else of it still runs. */
function endOfRelease(
  draft: Draft,
  release: ReleaseFacts,
): { state: EndState; reason: string | undefined } | undefined {
  if (!release.isConfigured) return undefined;
  const actions = actionsOf(draft, release);
  const stages = actions.map((action) => stageOf(draft, release.id, action));
  if (stages.every((stage) => stage === 'done')) return { state: 'succeeded', reason: undefined };
  const failed = actions[stages.indexOf('failed')];
  if (failed === undefined || stages.includes('live')) return undefined;
  const last = attemptsOf(draft, release.id, failed.name).at(-1);
  const ends = last === undefined ? [] : rolloutsOf(draft, last).map((rollout) => rollout.state);
  const state = ends.includes('superseded') && !ends.includes('reverted') ? 'superseded' : 'failed';
  return { state, reason: `"${failed.name}" failed: ${last?.reason ?? 'no reason was given'}` };
}

type EndState = 'succeeded' | 'failed' | 'cancelled' | 'superseded';

export function endRelease(draft: Draft, release: ReleaseFacts, state: EndState, reason: string | undefined): void {
  saveRelease(draft, { ...release, state, reason, endedAtMs: draft.nowMs });
  emit(draft, release.id, `release.${state}`, { reason });
}

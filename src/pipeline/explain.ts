import type { ActionSpec } from '../model/index.ts';
import { findWait, type Wait } from './conditions.ts';
import { actionsOf, attemptsOf, type Draft, isLive, liveRuns, stageOf } from './draft.ts';
import type { ReleaseFacts } from './facts.ts';
import { chooseHost } from './start.ts';

/** Where a live release is and why, for people; the first thing that keeps it, with its unblocker. */
export interface Explanation {
  readonly state: 'running' | 'blocked';
  readonly reason: string | undefined;
}

/** Blocked: nothing of it runs, and nothing will until something else changes. */
export function explainRelease(draft: Draft, release: ReleaseFacts): Explanation {
  const running = liveRuns(draft).filter((run) => run.release === release.id && run.kind === 'action');
  if (running.length > 0) return { state: 'running', reason: undefined };
  const wait = firstWait(draft, release);
  if (wait === undefined) return { state: 'running', reason: undefined };
  const isBlocked = wait.kind !== 'configuration' && wait.kind !== 'source';
  return { state: isBlocked ? 'blocked' : 'running', reason: `${wait.sentence} ${wait.unblocker}` };
}

export type AnyWait = Omit<Wait, 'kind'> & { readonly kind: Wait['kind'] | 'source' | 'host' | 'station' | 'parked' };

/** The first thing that keeps a release: of its earliest action that is not through and does not just wait for others. */
export function firstWait(draft: Draft, release: ReleaseFacts): AnyWait | undefined {
  if (!release.isConfigured) {
    const sentence = `The configuration of ${release.commit.slice(0, 10)} is being read.`;
    return { kind: 'configuration', sentence, unblocker: 'It goes on as soon as it was read.' };
  }
  const actions = actionsOf(draft, release);
  const parked = actions.find((action) => stageOf(draft, release.id, action) === 'parked');
  if (parked !== undefined) return waitWhenParked(draft, release, parked);
  for (const action of actions) {
    if (stageOf(draft, release.id, action) !== 'open') continue;
    const wait = findWait(draft, release, action) ?? waitAtStation(draft, release, action);
    if (wait !== undefined && wait.kind !== 'needs') return wait;
  }
  return undefined;
}

function waitWhenParked(draft: Draft, release: ReleaseFacts, action: ActionSpec): AnyWait {
  const last = attemptsOf(draft, release.id, action.name).at(-1);
  return {
    kind: 'parked',
    sentence: `"${action.name}" was ${last?.reason ?? 'cut off'}.`,
    unblocker: 'Look at what it did, then `rollway retry` or cancel the release.',
  };
}

/** Nothing forbids it, and still it did not start: its source, a host, or another release in the action. */
function waitAtStation(draft: Draft, release: ReleaseFacts, action: ActionSpec): AnyWait | undefined {
  const busy = liveRuns(draft).find((run) => run.action === action.name && run.kind === 'action' && isLive(run));
  if (busy !== undefined && action.type !== 'deploy' && action.picker !== 'every') {
    const sentence = `"${action.name}" is busy with release ${busy.release}.`;
    return { kind: 'station', sentence, unblocker: 'That run ends.' };
  }
  if (action.type === 'deploy' || action.type === 'bake') return undefined;
  if (!draft.state.hasRoom && release.source.kind !== 'asked') {
    const sentence = `The server's disk is nearly full, so "${action.name}" does not start.`;
    return { kind: 'host', sentence, unblocker: 'Free space on the server; it goes on by itself.' };
  }
  if (release.source.kind === 'wanted' || release.source.kind === 'asked') {
    const sentence = `The files of ${release.commit.slice(0, 10)} are being packed.`;
    return { kind: 'source', sentence, unblocker: 'It goes on as soon as they are.' };
  }
  if (chooseHost(draft, release, action) !== undefined) return undefined;
  return {
    kind: 'host',
    sentence: `No host can run "${action.name}" now.`,
    unblocker: 'A host has room again, or `rollway agent --join` adds one.',
  };
}

/** Everything that keeps a live release now, first things first; each with what will change it. */
export function listWaits(draft: Draft, release: ReleaseFacts): AnyWait[] {
  const first = firstWait(draft, release);
  if (first === undefined || !release.isConfigured) return first === undefined ? [] : [first];
  const waits = actionsOf(draft, release)
    .filter((action) => stageOf(draft, release.id, action) === 'open')
    .map((action) => findWait(draft, release, action) ?? waitAtStation(draft, release, action))
    .filter((wait) => wait !== undefined && wait.kind !== 'needs');
  const others = waits.filter((wait) => wait !== undefined && wait.sentence !== first.sentence);
  return [first, ...new Map(others.map((wait) => [wait!.sentence, wait!])).values()];
}

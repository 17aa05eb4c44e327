import type { FailureCard, TaskState } from '../model/index.ts';
import type { KeeperState } from './keeper/spec.ts';

/** What a keeper's state means to everybody else. */
export interface Observed {
  readonly state: TaskState;
  readonly life: number;
  readonly failure: FailureCard | null;
}

/**
 * Pure. A task that has not served yet and is tried again at once is still `starting` (with the card of the life
 * before); one that has served, or was not ready in time, is `failed` until its next life.
 */
export function observeKeeper(keeper: KeeperState, { isDraining }: { readonly isDraining: boolean }): Observed {
  const { phase, life, ends } = keeper;
  const failure = ends.at(-1)?.failure ?? null;
  const observed = (state: TaskState, card: FailureCard | null): Observed => ({ state, life, failure: card });
  switch (phase) {
    case 'starting':
      return observed('starting', failure);
    case 'serving':
      return observed(isDraining ? 'draining' : 'serving', null);
    case 'stopping':
      return observed('draining', null);
    case 'crash-looping':
      return observed('crash-looping', failure);
    case 'failed': {
      const hasServed = ends.some(({ wasServing }) => wasServing);
      return observed(hasServed || failure?.reason === 'not-ready' ? 'failed' : 'starting', failure);
    }
    case 'stopped':
    case 'finished':
      return observed('stopped', null);
  }
}

/** How the start of a task ended, as soon as it can be said. */
export type StartOutcome = { readonly is: 'serving' } | { readonly is: 'failed'; readonly why: string };

/** Undefined: not decided yet. `sinceMs`: when its first life of this operation began. */
export function decideStart(
  keeper: KeeperState | undefined,
  deadlineMs: number,
  sinceMs: number,
  nowMs: number,
): StartOutcome | undefined {
  if (keeper?.phase === 'serving') return { is: 'serving' };
  const last = keeper?.ends.at(-1)?.failure;
  if (keeper?.phase === 'crash-looping') return { is: 'failed', why: `crash-looping: ${last?.summary ?? ''}` };
  if (last?.reason === 'not-ready') return { is: 'failed', why: last.summary };
  if (nowMs - sinceMs > deadlineMs) return { is: 'failed', why: last?.summary ?? `not ready within ${deadlineMs} ms` };
  return undefined;
}

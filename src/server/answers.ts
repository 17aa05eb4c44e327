import { digestOf } from '../kit/index.ts';
import type { Store } from '../store/index.ts';
import { refuse } from './errors.ts';
import * as rows from './rows.ts';

/** A JSON answer before it becomes a `Response`. */
export interface Answer {
  readonly status: number;
  readonly body: string | undefined;
}

/** A request that was begun and never answered (its server died) may be taken over after this time. */
const abandonedMs = 60_000;

/**
 * Runs a request at most once per `Idempotency-Key`: a repetition gets the first answer again. The same key with
 * another body is refused; a request that failed may be repeated.
 */
export async function answerOnce(
  store: Store,
  request: { readonly token: string; readonly key: string; readonly subject: unknown },
  nowMs: number,
  answer: () => Promise<Answer>,
): Promise<Answer> {
  const key: rows.RequestKey = { token: request.token, key: request.key, digest: digestOf(request.subject) };
  const former = await store.transaction(async (tx) => {
    const found = await rows.takeRequestKey(tx, key, nowMs);
    if (!found || found.status !== undefined || found.atMs > nowMs - abandonedMs) return found;
    await rows.dropRequestKey(tx, key);
    return rows.takeRequestKey(tx, key, nowMs);
  });
  if (former) {
    if (former.digest !== key.digest) {
      refuse('api/conflict', 'This Idempotency-Key was used for another request.', {}, 'Use a new key.');
    }
    if (former.status === undefined) {
      refuse('api/conflict', 'The first request with this Idempotency-Key is still being answered.');
    }
    return { status: former.status as number, body: former.body };
  }
  try {
    const given = await answer();
    await store.transaction((tx) => rows.saveAnswer(tx, key, given.status, given.body ?? ''));
    return given;
  } catch (error) {
    await store.transaction((tx) => rows.dropRequestKey(tx, key));
    throw error;
  }
}

import type { ServerContext } from './context.ts';

/**
 * Long-poll: asks again whenever events were sealed (and every `pollMs`), until there is an answer, the time is up or
 * the caller has gone. Gives the last answer it got.
 */
export async function waitFor<T>(
  { engine, clock }: Pick<ServerContext, 'engine' | 'clock'>,
  limits: { readonly waitMs: number; readonly signal: AbortSignal; readonly pollMs?: number },
  ask: () => Promise<T>,
  isEnough: (answer: T) => boolean,
): Promise<T> {
  const untilMs = clock.nowMs() + limits.waitMs;
  for (;;) {
    const wake = new AbortController();
    const unsubscribe = engine.subscribe(() => wake.abort());
    try {
      const answer = await ask();
      const nowMs = clock.nowMs();
      if (isEnough(answer) || nowMs >= untilMs || limits.signal.aborted) return answer;
      const nextMs = Math.min(untilMs, nowMs + (limits.pollMs ?? 500));
      await clock.sleepUntil(nextMs, AbortSignal.any([wake.signal, limits.signal])).catch(() => undefined);
    } finally {
      unsubscribe();
    }
  }
}

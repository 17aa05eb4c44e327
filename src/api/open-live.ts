import { createParser } from 'eventsource-parser';
import { ProblemError } from '../model/index.ts';
import { queryOf } from './address.ts';
import { problemOf } from './client.ts';
import type { FrameName, Frames, Topic } from './live.ts';

export interface LiveOptions {
  readonly baseUrl: string;
  readonly token?: string;
  readonly topics: readonly Topic[];
  /** Resume the topic `events` after this position. */
  readonly lastEventId?: number;
  readonly signal: AbortSignal;
  readonly fetch: (url: string, init: RequestInit) => Promise<Response>;
}

export type LiveHandlers = { readonly [K in FrameName]?: (frame: Frames[K]) => void };

/**
 * Reads one live stream until it ends or the signal aborts (both resolve; a problem rejects). Reconnecting is the
 * caller's: it knows when to give up. In a browser use `EventSource` on the same address instead, which reconnects.
 */
export async function openLive(options: LiveOptions, handlers: LiveHandlers): Promise<void> {
  const url = `${options.baseUrl.replace(/\/$/, '')}/api/v1/live${queryOf({ topics: options.topics.join(',') })}`;
  const headers: Record<string, string> = { accept: 'text/event-stream' };
  if (options.token !== undefined) headers.authorization = `Bearer ${options.token}`;
  if (options.lastEventId !== undefined) headers['last-event-id'] = String(options.lastEventId);
  const response = await options.fetch(url, { headers, signal: options.signal });
  if (!response.ok) throw new ProblemError(await problemOf(response));
  const parser = createParser({
    onEvent(event) {
      const handler = handlers[event.event as FrameName] as ((frame: unknown) => void) | undefined;
      handler?.(JSON.parse(event.data));
    },
  });
  const decoder = new TextDecoder();
  try {
    for await (const chunk of response.body ?? []) parser.feed(decoder.decode(chunk, { stream: true }));
  } catch (error) {
    if (!options.signal.aborted) throw error;
  }
}

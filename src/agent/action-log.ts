import { open } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Parts } from './parts.ts';
import { paths } from './paths.ts';
import { RefusedError, type ServerClient } from './server-client.ts';

const maxChunkBytes = 256 * 1024;
const lookEveryMs = 300;
const lastTryMs = 5000;
const newLine = 10;

/**
 * Ships an action's output while it grows, whole lines at a time, by offset: what was sent twice the server drops.
 * Ends after `signal` is aborted and the rest was sent, or could not be for a while.
 */
export async function shipLog(
  { memory, signal: agentSignal }: Parts,
  client: ServerClient,
  run: string,
  file: string,
  signal: AbortSignal,
): Promise<void> {
  let endsAtMs: number | undefined;
  while (!agentSignal.aborted) {
    if (signal.aborted) endsAtMs ??= Date.now() + lastTryMs;
    const action = memory.action(run);
    if (!action) return;
    const chunk = await readChunk(file, action.shippedBytes);
    if (chunk.length === 0 && signal.aborted) return;
    try {
      if (chunk.length > 0) {
        const body = { offset: action.shippedBytes, text: chunk.toString('utf8') };
        const { have } = (await client.postJson(paths.log(run), body, { signal: agentSignal })) as { have: number };
        const now = memory.action(run);
        if (now) memory.putAction({ ...now, shippedBytes: have });
        continue;
      }
    } catch (cause) {
      // The server does not want it (it knows no such run any more): the output stays unread.
      if (cause instanceof RefusedError && cause.isFinal) return;
      if (endsAtMs !== undefined && Date.now() > endsAtMs) return;
    }
    await sleep(lookEveryMs, undefined, { signal }).catch(() => {});
    if (signal.aborted && endsAtMs !== undefined) await sleep(50);
  }
}

/** Whole lines from an offset on; a part of a line only when it fills a chunk (the keeper writes whole lines). */
async function readChunk(path: string, offset: number): Promise<Buffer> {
  const file = await open(path, 'r').catch(() => undefined);
  if (!file) return Buffer.alloc(0);
  try {
    const buffer = Buffer.alloc(maxChunkBytes);
    const { bytesRead } = await file.read(buffer, 0, maxChunkBytes, offset);
    const end = buffer.lastIndexOf(newLine, bytesRead - 1) + 1;
    return buffer.subarray(0, bytesRead === 0 ? 0 : end);
  } finally {
    await file.close();
  }
}

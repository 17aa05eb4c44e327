import type { FrameName, Frames } from '../../api/index.ts';

const encoder = new TextEncoder();

/** One server-sent event. JSON has no line breaks of its own, so one `data` line is enough. */
export function encodeFrame<K extends FrameName>(name: K, data: Frames[K], id?: number): Uint8Array {
  const idLine = id === undefined ? '' : `id: ${id}\n`;
  return encoder.encode(`event: ${name}\n${idLine}data: ${JSON.stringify(data)}\n\n`);
}

/** What a browser waits before it connects again; sent once, at the beginning. */
export const retryLine = encoder.encode('retry: 1000\n\n');

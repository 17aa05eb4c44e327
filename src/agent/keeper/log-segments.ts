import { createWriteStream, mkdirSync, readdirSync, readFileSync, rmSync, statSync, type WriteStream } from 'node:fs';
import { join } from 'node:path';
import { constants, createGzip, type Gzip, gunzipSync } from 'node:zlib';
import type { LogLine } from './spec.ts';

// A kill loses at most what was not flushed: 64 kB, or 300 ms.
const flushBytes = 64 * 1024;
const flushMs = 300;
const maxPendingBytes = 4 * 1024 * 1024;
// Also bounds what a segment unpacks to when it is read back.
const maxSegmentTextBytes = 32 * 1024 * 1024;
const segmentsPerTask = 10;

/**
 * The log of one task index: numbered gzip segments in a folder, compressed as the lines come (a steady small cost, no
 * burst when a file is full). Never holds up the task: when compressing falls behind, lines are dropped and counted.
 */
export class LogSegments {
  readonly #folder: string;
  readonly #maxBytes: number;
  readonly #onDropped: () => void;
  #gzip: Gzip | undefined;
  #file: WriteStream | undefined;
  #segmentBytes = 0;
  #textBytes = 0;
  #unflushedBytes = 0;
  #droppedInARow = 0;
  #timer: NodeJS.Timeout | undefined;
  #number = 0;
  /** Segments that have ended but are not whole in their files yet. */
  readonly #closing = new Set<Promise<void>>();

  constructor(folder: string, maxBytes: number, onDropped: () => void) {
    this.#folder = folder;
    this.#maxBytes = maxBytes;
    this.#onDropped = onDropped;
    mkdirSync(folder, { recursive: true, mode: 0o700 });
  }

  append(line: LogLine): void {
    const gzip = this.#gzip ?? this.#open();
    // What waits to be compressed counts against the bound too, also that of segments which are still being closed.
    if (gzip.writableLength > Math.min(maxPendingBytes, this.#maxBytes / segmentsPerTask) || this.#closing.size > 1) {
      this.#droppedInARow += 1;
      this.#onDropped();
      return;
    }
    if (this.#droppedInARow > 0) this.#noteDropped(gzip, line.atMs);
    this.#write(gzip, line);
    if (this.#segmentBytes > this.#maxBytes / segmentsPerTask || this.#textBytes > maxSegmentTextBytes) this.#end();
  }

  /** Resolves when all is in the file. */
  async close(): Promise<void> {
    if (this.#droppedInARow > 0 && this.#gzip) this.#noteDropped(this.#gzip, Date.now());
    this.#end();
    await Promise.all(this.#closing);
  }

  #noteDropped(gzip: Gzip, atMs: number): void {
    const text = `${this.#droppedInARow} lines dropped: they came faster than they could be stored`;
    this.#droppedInARow = 0;
    this.#write(gzip, { atMs, stream: 'rollway', text });
  }

  #write(gzip: Gzip, line: LogLine): void {
    const text = `${line.atMs} ${line.stream} ${line.text}\n`;
    const bytes = Buffer.byteLength(text);
    gzip.write(text);
    this.#textBytes += bytes;
    this.#unflushedBytes += bytes;
    if (this.#unflushedBytes >= flushBytes) this.#flush();
    else this.#timer ??= setTimeout(() => this.#flush(), flushMs).unref();
  }

  #flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#unflushedBytes = 0;
    this.#gzip?.flush(constants.Z_SYNC_FLUSH);
  }

  #open(): Gzip {
    const segments = listSegments(this.#folder);
    this.#deleteOldest(segments);
    // The one before may not be in the folder yet: files are created a moment later.
    this.#number = Math.max(this.#number, Number(/(\d+)/.exec(segments.at(-1) ?? '')?.[1] ?? 0)) + 1;
    const name = `${String(this.#number).padStart(8, '0')}.log.gz`;
    const file = createWriteStream(join(this.#folder, name), { mode: 0o600 });
    const gzip = createGzip({ level: 1 });
    gzip.on('data', (chunk: Buffer) => {
      this.#segmentBytes += chunk.length;
    });
    // A full disk must not end the task: the lines are lost, the task goes on.
    file.on('error', () => {
      gzip.unpipe(file).resume();
      file.destroy();
    });
    gzip.pipe(file);
    this.#segmentBytes = 0;
    this.#textBytes = 0;
    this.#gzip = gzip;
    this.#file = file;
    return gzip;
  }

  #end(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#unflushedBytes = 0;
    const file = this.#file;
    if (file) {
      const isDone = new Promise<void>((resolve) => file.once('close', resolve));
      this.#closing.add(isDone);
      void isDone.then(() => this.#closing.delete(isDone));
    }
    this.#gzip?.end();
    this.#gzip = undefined;
    this.#file = undefined;
  }

  #deleteOldest(segments: readonly string[]): void {
    const room = this.#maxBytes - this.#maxBytes / segmentsPerTask;
    let total = 0;
    for (const name of segments.toReversed()) {
      const file = join(this.#folder, name);
      total += statSync(file).size;
      if (total > room) rmSync(file, { force: true });
    }
  }
}

/** The last lines of a log folder, oldest first, also of a segment that a kill cut off. */
export function readLastLines(folder: string, count: number): LogLine[] {
  let lines: LogLine[] = [];
  for (const name of listSegments(folder).toReversed()) {
    lines = [...readSegment(join(folder, name)), ...lines].slice(-count);
    if (lines.length >= count) break;
  }
  return lines;
}

/** All lines of one segment. */
export function readSegment(file: string): LogLine[] {
  let text: string;
  try {
    const options = { finishFlush: constants.Z_SYNC_FLUSH, maxOutputLength: 2 * maxSegmentTextBytes };
    text = gunzipSync(readFileSync(file), options).toString('utf8');
  } catch {
    return []; // deleted meanwhile, or cut off within its first bytes
  }
  const lines: LogLine[] = [];
  for (const line of text.split('\n')) {
    const parts = /^(\d+) (out|err|rollway) (.*)$/s.exec(line);
    if (parts) lines.push({ atMs: Number(parts[1]), stream: parts[2] as LogLine['stream'], text: parts[3] ?? '' });
  }
  return lines;
}

export function listSegments(folder: string): string[] {
  try {
    return readdirSync(folder)
      .filter((name) => /^\d+\.log\.gz$/.test(name))
      .sort();
  } catch {
    return [];
  }
}

import type { Readable } from 'node:stream';
import { LineSplitter } from './lines.ts';
import { LogPlain } from './log-plain.ts';
import { LogSegments } from './log-segments.ts';
import type { KeeperSpec, LogLine } from './spec.ts';

const recentLines = 1000;
const recentChars = 512 * 1024;

/** Everything a task prints: to its log, and the newest lines in memory for whoever asks. */
export class Output {
  readonly #log: LogSegments | LogPlain;
  readonly #recent: LogLine[] = [];
  readonly #listeners = new Set<(line: LogLine) => void>();
  #recentChars = 0;
  droppedLines = 0;

  constructor(spec: KeeperSpec['logs']) {
    const onDropped = (): void => {
      this.droppedLines += 1;
    };
    this.#log =
      spec.kind === 'segments'
        ? new LogSegments(spec.folder, spec.maxBytes, onDropped)
        : new LogPlain(spec.file, spec.maxBytes, onDropped);
  }

  /** Reads a stream to its end; resolves then. */
  async read(stream: Readable, name: 'out' | 'err'): Promise<void> {
    const splitter = new LineSplitter((text) => this.add(name, text));
    stream.on('data', (bytes: Buffer) => splitter.push(bytes));
    await new Promise<void>((resolve) => {
      stream.once('close', resolve);
      stream.once('error', () => resolve());
    });
    splitter.end();
  }

  add(stream: LogLine['stream'], text: string): void {
    const line: LogLine = { atMs: Date.now(), stream, text };
    this.#log.append(line);
    this.#recent.push(line);
    this.#recentChars += text.length;
    while (this.#recent.length > recentLines || this.#recentChars > recentChars) {
      this.#recentChars -= this.#recent.shift()?.text.length ?? 0;
    }
    for (const listener of this.#listeners) listener(line);
  }

  last(count: number): readonly LogLine[] {
    return this.#recent.slice(-count);
  }

  /** Calls back for each line until the returned function is called. */
  follow(listener: (line: LogLine) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async close(): Promise<void> {
    await this.#log.close();
  }
}

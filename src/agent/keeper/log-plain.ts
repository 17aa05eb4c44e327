import { closeSync, mkdirSync, openSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import type { LogLine } from './spec.ts';

/**
 * The output of an action: one plain file that the agent ships by offset, so that neither a crash of the agent nor one
 * of the server loses or doubles a byte. Bounded: what comes after `maxBytes` is counted, and the count is its last line.
 */
export class LogPlain {
  readonly #file: number;
  readonly #maxBytes: number;
  readonly #onDropped: () => void;
  #pending: Buffer[] = [];
  #flushing: NodeJS.Immediate | undefined;
  #bytes = 0;
  #dropped = 0;

  constructor(path: string, maxBytes: number, onDropped: () => void) {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    this.#file = openSync(path, 'a', 0o600);
    this.#maxBytes = maxBytes;
    this.#onDropped = onDropped;
  }

  append(line: LogLine): void {
    const text = Buffer.from(`${line.text}\n`);
    if (this.#bytes + text.length > this.#maxBytes) {
      this.#dropped += 1;
      this.#onDropped();
      return;
    }
    this.#bytes += text.length;
    this.#pending.push(text);
    // Lines that came together are written together: a system call per line would hold up the pipe.
    this.#flushing ??= setImmediate(() => this.#flush());
  }

  async close(): Promise<void> {
    this.#flush();
    if (this.#dropped > 0) this.#write(Buffer.from(`… ${this.#dropped} more lines were dropped\n`));
    closeSync(this.#file);
  }

  #flush(): void {
    clearImmediate(this.#flushing);
    this.#flushing = undefined;
    if (this.#pending.length > 0) this.#write(Buffer.concat(this.#pending));
    this.#pending = [];
  }

  #write(text: Buffer): void {
    try {
      writeSync(this.#file, text);
    } catch {
      this.#dropped += 1; // a full disk must not end the action: its result does not depend on its log
    }
  }
}

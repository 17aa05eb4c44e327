import { mkdir, open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { ActionRunId } from '../../model/index.ts';

/** Output of actions as files under the data folder, each up to a limit; what comes after is dropped. */
export class ActionLogs {
  readonly #folder: string;
  readonly #maxBytes: number;
  /** Appends to one file take turns. */
  readonly #turns = new Map<ActionRunId, Promise<unknown>>();

  constructor(dataDir: string, maxBytes: number) {
    this.#folder = join(dataDir, 'action-logs');
    this.#maxBytes = maxBytes;
  }

  /**
   * Appends bytes that begin at `offset` of the run's output; what is there already is skipped. Gives how much is
   * there now: less than `offset` says that something in between is missing and must be sent again.
   */
  async append(run: ActionRunId, offset: number, bytes: Uint8Array): Promise<number> {
    const turn = (this.#turns.get(run) ?? Promise.resolve()).then(() => this.#append(run, offset, bytes));
    const settled = turn.catch(() => undefined);
    this.#turns.set(run, settled);
    try {
      return await turn;
    } finally {
      if (this.#turns.get(run) === settled) this.#turns.delete(run);
    }
  }

  async #append(run: ActionRunId, offset: number, bytes: Uint8Array): Promise<number> {
    await mkdir(this.#folder, { recursive: true, mode: 0o700 });
    const file = await open(this.#pathOf(run), 'a', 0o600);
    try {
      const { size } = await file.stat();
      const end = offset + bytes.byteLength;
      if (size >= this.#maxBytes) return Math.max(size, end);
      if (offset > size || end <= size) return size;
      const fresh = bytes.subarray(size - offset, size - offset + this.#maxBytes - size);
      await file.appendFile(fresh);
      return end;
    } finally {
      await file.close();
    }
  }

  /** Bytes of a run's output from an offset on, and how much there is in all; empty when there is none (yet). */
  async read(run: ActionRunId, offset: number, maxBytes: number): Promise<{ bytes: Uint8Array; sizeBytes: number }> {
    try {
      const file = await open(this.#pathOf(run), 'r');
      try {
        const { size } = await file.stat();
        const buffer = Buffer.alloc(Math.max(0, Math.min(maxBytes, size - offset)));
        const { bytesRead } = await file.read(buffer, 0, buffer.byteLength, offset);
        return { bytes: buffer.subarray(0, bytesRead), sizeBytes: size };
      } finally {
        await file.close();
      }
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { bytes: new Uint8Array(), sizeBytes: 0 };
      throw error;
    }
  }

  async delete(run: ActionRunId): Promise<void> {
    await rm(this.#pathOf(run), { force: true });
  }

  #pathOf(run: ActionRunId): string {
    return join(this.#folder, `${run}.log`);
  }
}

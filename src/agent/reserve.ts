import { closeSync, existsSync, fsyncSync, openSync, rmSync, writeSync } from 'node:fs';

/** With less of the disk free no build begins, and nothing is kept aside. */
export const leastFreeDiskRatio = 0.05;

const pieceBytes = 256 * 1024;

/**
 * Room that is kept aside on the disk, as a file of zeros, and given back when the disk is full: so that a host can
 * still write down that it is told to stop a task, or to forget packages, which is what makes room again.
 */
export class Reserve {
  readonly #file: string;
  readonly #bytes: number;

  constructor(file: string, bytes: number) {
    this.#file = file;
    this.#bytes = bytes;
  }

  /** Takes the room unless it has it. Without room for it, it takes none. */
  take(): void {
    if (existsSync(this.#file)) return;
    try {
      const file = openSync(this.#file, 'wx', 0o600);
      try {
        // Written, not only made longer: a hole in a file keeps no room.
        for (let at = 0; at < this.#bytes; at += pieceBytes) writeSync(file, Buffer.alloc(pieceBytes));
        fsyncSync(file);
      } finally {
        closeSync(file);
      }
    } catch {
      rmSync(this.#file, { force: true });
    }
  }

  /** Gives the room back; false: there was none. */
  giveBack(): boolean {
    if (!existsSync(this.#file)) return false;
    rmSync(this.#file, { force: true });
    return true;
  }
}

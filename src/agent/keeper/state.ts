import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { identifyProcess } from '../../io/process.ts';
import { type KeeperState, keeperFiles } from './spec.ts';

/** The keeper's knowledge of itself: every change is written to its folder and told to whoever listens. */
export class StateFile {
  readonly #folder: string;
  readonly #listeners = new Set<(state: KeeperState) => void>();
  #state: KeeperState;

  constructor(folder: string, id: string, life: number) {
    this.#folder = folder;
    const keeper = identifyProcess(process.pid) ?? { pid: process.pid, startTicks: 0 };
    this.#state = {
      format: 1,
      id,
      keeper,
      revision: 0,
      phase: 'starting',
      life,
      main: null,
      ends: [],
      droppedLines: 0,
      result: null,
    };
    this.#write();
  }

  get current(): KeeperState {
    return this.#state;
  }

  change(change: Partial<KeeperState>): void {
    this.#state = { ...this.#state, ...change, revision: this.#state.revision + 1 };
    this.#write();
    for (const listener of this.#listeners) listener(this.#state);
  }

  onChange(listener: (state: KeeperState) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** No fsync: after a power cut there is no process to know about. A full disk must not end the task. */
  #write(): void {
    const file = join(this.#folder, keeperFiles.state);
    try {
      writeFileSync(`${file}.tmp`, JSON.stringify(this.#state), { mode: 0o600 });
      renameSync(`${file}.tmp`, file);
    } catch {
      // whoever connects is told the state itself
    }
  }
}

import { mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ExecuteRequest } from '../../drivers/index.ts';
import type { JobId, TaskReport } from '../../model/index.ts';

/** All that is remembered of one index, also after its task is gone; on disk before anybody is told of it. */
export interface TaskMemory {
  highestEpoch: number;
  highestIncarnation: number;
  /** Operation ids: written down, ended, or never to begin. */
  operations: Record<string, 'written' | 'ended' | 'tombstone'>;
  queue: {
    readonly request: ExecuteRequest;
    readonly refusal?: string;
    /** The incarnation that it makes was told of. */
    isBegun?: boolean;
  }[];
  /** The newest report; incarnation 0: there was nothing yet. */
  report: TaskReport;
  /** How operations ended, until it is delivered. */
  untold: TaskReport[];
}

/** The memories of a driver's folder, one file each. */
export class TaskMemories {
  readonly #folder: string;
  readonly #job: JobId;
  readonly #all = new Map<number, TaskMemory>();

  constructor(folder: string, job: JobId) {
    this.#folder = join(folder, 'tasks');
    this.#job = job;
    mkdirSync(this.#folder, { recursive: true, mode: 0o700 });
    for (const name of readdirSync(this.#folder)) {
      const index = /^(\d+)\.json$/.exec(name)?.[1];
      if (index === undefined) continue;
      this.#all.set(Number(index), JSON.parse(readFileSync(join(this.#folder, name), 'utf8')) as TaskMemory);
    }
  }

  list(): [number, TaskMemory][] {
    return [...this.#all];
  }

  of(index: number, host: string, address: string): TaskMemory {
    const known = this.#all.get(index);
    if (known !== undefined) return known;
    const report: TaskReport = {
      ...{ job: this.#job, index, incarnation: 0, life: 0, host, version: 'v_none', state: 'stopped' },
      ...{ ports: {}, address, sequence: 0, atMs: 0 },
    };
    const fresh: TaskMemory = {
      ...{ highestEpoch: 0, highestIncarnation: 0, operations: {}, queue: [] },
      ...{ report, untold: [] },
    };
    this.#all.set(index, fresh);
    return fresh;
  }

  /** The old content or the new one, never a part. */
  save(index: number): void {
    const file = join(this.#folder, `${index}.json`);
    writeFileSync(`${file}.new`, JSON.stringify(this.#all.get(index)), { mode: 0o600 });
    renameSync(`${file}.new`, file);
  }
}

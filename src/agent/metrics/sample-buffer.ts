import { readdir, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import type { SampleFinding, SampleOnWire } from '../../api/index.ts';
import { writeFileAtomic } from '../../io/files.ts';

const compress = promisify(gzip);
const maxBufferBytes = 64 * 1024 * 1024;
const maxBufferFiles = 5000;
const maxFindings = 200;

/**
 * Batches of samples on their way to the server, one file each, so that an agent that ends between two bins loses
 * none. Not synced: a power cut may cost a bin, which is then missing. Bounded: the oldest go first.
 */
export class SampleBuffer {
  readonly #folder: string;
  readonly #host: string;
  #wake: () => void = () => {};

  constructor(folder: string, host: string) {
    this.#folder = folder;
    this.#host = host;
  }

  async add(batch: number, samples: readonly SampleOnWire[], findings: readonly SampleFinding[]): Promise<void> {
    const told = findings.slice(0, maxFindings).map((one) => ({ ...one, what: one.what.slice(0, 500) }));
    const content = await compress(JSON.stringify({ host: this.#host, batch, samples, findings: told }));
    await writeFileAtomic(join(this.#folder, nameOf(batch)), content, { isDurable: false });
    await this.#dropOldest();
    this.#wake();
  }

  /** Numbers of the batches that wait, oldest first. */
  async list(): Promise<number[]> {
    const names = await readdir(this.#folder);
    return names
      .filter((name) => /^\d+\.json\.gz$/.test(name))
      .map((name) => Number.parseInt(name, 10))
      .sort((a, b) => a - b);
  }

  async read(batch: number): Promise<Buffer> {
    return await readFile(join(this.#folder, nameOf(batch)));
  }

  async remove(batch: number): Promise<void> {
    await rm(join(this.#folder, nameOf(batch)), { force: true });
  }

  /** Resolves when a batch was added, or the signal ends the wait. */
  async whenAdded(signal: AbortSignal): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
      if (signal.aborted) resolve();
      signal.addEventListener('abort', () => resolve(), { once: true });
    });
  }

  async #dropOldest(): Promise<void> {
    const batches = await this.list();
    let bytes = 0;
    for (const [i, batch] of batches.toReversed().entries()) {
      bytes += (await stat(join(this.#folder, nameOf(batch))).catch(() => ({ size: 0 }))).size;
      if (bytes > maxBufferBytes || i >= maxBufferFiles) await this.remove(batch);
    }
  }
}

const nameOf = (batch: number): string => `${String(batch).padStart(12, '0')}.json.gz`;

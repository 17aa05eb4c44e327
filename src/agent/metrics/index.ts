import { setTimeout as sleep } from 'node:timers/promises';
import type { Parts } from '../parts.ts';
import { paths } from '../paths.ts';
import { RefusedError, type ServerClient } from '../server-client.ts';
import type { Tasks } from '../tasks.ts';
import { SampleBuffer } from './sample-buffer.ts';
import { Scraper } from './scraper.ts';

/** Metrics of this host's tasks: scraped on the grid, kept on disk, shipped when there is somebody to ship to. */
export class Metrics {
  readonly #parts: Parts;
  readonly #tasks: Tasks;
  readonly #buffer: SampleBuffer;
  #scraping: Promise<void> | undefined;
  #binMs = 0;

  constructor(parts: Parts, tasks: Tasks) {
    this.#parts = parts;
    this.#tasks = tasks;
    this.#buffer = new SampleBuffer(parts.folders.samples, parts.host);
  }

  /** The width of the grid comes with the first hello; scraping goes on without the server from then on. */
  begin(binMs: number): void {
    this.#binMs = binMs;
    this.#scraping ??= this.#scrapeOnGrid();
  }

  async settled(): Promise<void> {
    await this.#scraping;
  }

  async ship(client: ServerClient, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const added = this.#buffer.whenAdded(signal);
      for (const batch of await this.#buffer.list()) {
        const body = await this.#buffer.read(batch);
        const headers = { 'content-type': 'application/json', 'content-encoding': 'gzip' };
        try {
          await client.send('POST', paths.samples, body, { signal, headers });
        } catch (cause) {
          if (!(cause instanceof RefusedError && cause.isFinal)) throw cause;
          this.#parts.log(`samples were refused: ${cause.message}`);
        }
        await this.#buffer.remove(batch);
      }
      await added;
    }
  }

  async #scrapeOnGrid(): Promise<void> {
    const { signal, options, host, memory, log } = this.#parts;
    const scraper = new Scraper({ host, ...options.labels }, log);
    while (!signal.aborted) {
      const edgeMs = (Math.floor(Date.now() / this.#binMs) + 1) * this.#binMs;
      await sleep(edgeMs - Date.now(), undefined, { signal }).catch(() => {});
      if (signal.aborted) return;
      try {
        const { samples, findings } = await scraper.scrapeAll(this.#tasks.list(), edgeMs, this.#binMs);
        if (samples.length + findings.length > 0)
          await this.#buffer.add(memory.takeSamplesBatchNumber(), samples, findings);
      } catch (cause) {
        log(`a bin of metrics is lost: ${String(cause)}`);
      }
    }
  }
}

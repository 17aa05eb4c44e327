import type { JobId, Sample } from '../../model/index.ts';
import type { SampleHorizon, SampleStore } from '../samples.ts';
import { ClosedBins } from './closed-bins.ts';

/** All rollouts together. A service of 20 tasks with guards takes about half a megabyte. */
const mostBytes = 512 * 1024 * 1024;

/** What is kept begins with a whole minute: so coarse is what is remembered of regions. */
const minuteMs = 60_000;

export interface ClosedBinsRequest {
  readonly job: JobId;
  readonly binMs: number;
  /** What began before is not wanted. */
  readonly fromMs: number;
}

interface Kept {
  readonly bins: ClosedBins;
  readonly request: ClosedBinsRequest;
  fromMs: number;
  fineFromMs: number;
  toMs: number;
}

export interface ReadBins {
  readonly bins: ClosedBins;
  /** The samples that they were made from; to be asked for in the same turn, before the store moves on. */
  readonly samples: () => Sample[];
}

/**
 * What was read of closed bins, by rollout, so that a look reads only what closed since the one before. It may be thrown
 * away at any time: made again from the store it is the same in every bit. The store tells old bins in coarse ones,
 * so what turned coarse is read again, or given up where judged bins are finer.
 */
export class ClosedBinsCache {
  readonly #kept = new Map<string, Kept>();
  readonly #mostBytes: number;

  constructor(limit = mostBytes) {
    this.#mostBytes = limit;
  }

  /** Every bin that is closed now, of the time that is wanted and kept. */
  read(store: SampleStore, key: string, request: ClosedBinsRequest): ReadBins {
    const { job, binMs } = request;
    const horizon = store.horizon();
    const stepMs = Math.max(binMs, minuteMs);
    const fromMs = Math.max(
      Math.floor(request.fromMs / stepMs) * stepMs,
      Math.ceil(horizon.keptFromMs / stepMs) * stepMs,
    );
    const toMs = Math.floor(horizon.closedUntilMs / binMs) * binMs;
    const samples = () => store.query({ job, fromMs, toMs });
    if (!canKeep(store.binMs, binMs, horizon)) return { bins: ClosedBins.ofSamples(binMs, samples()), samples };
    const known = this.#kept.get(key);
    this.#kept.delete(key);
    const isUsable =
      known !== undefined && known.request.job === job && known.request.binMs === binMs && known.fromMs <= fromMs;
    const kept = isUsable && !known.bins.isWorn ? this.#goOn(store, known, fromMs, toMs, horizon) : undefined;
    const entry = kept ?? begin(store, request, fromMs, toMs, horizon);
    // The newest last: the first to go are those that were not asked for the longest.
    this.#kept.set(key, entry);
    return { bins: entry.bins, samples };
  }

  #goOn(store: SampleStore, kept: Kept, fromMs: number, toMs: number, { fineFromMs, coarseBinMs }: SampleHorizon) {
    const { bins, request } = kept;
    const { job, binMs } = request;
    kept.fromMs = fromMs;
    bins.dropBefore(fromMs);
    if (fineFromMs > kept.fineFromMs) {
      const changedFrom = Math.max(fromMs, Math.floor(kept.fineFromMs / binMs) * binMs);
      const changedTo = Math.min(kept.toMs, Math.ceil(fineFromMs / binMs) * binMs);
      if (changedTo > changedFrom) {
        bins.clear(changedFrom, changedTo);
        // Coarser than a judged bin: they say nothing any more that was not said before.
        if (coarseBinMs <= binMs) bins.add(store.query({ job, fromMs: changedFrom, toMs: changedTo }));
      }
      kept.fineFromMs = fineFromMs;
    }
    if (toMs > kept.toMs) {
      const newFrom = Math.max(kept.toMs, fromMs);
      kept.toMs = toMs;
      bins.add(store.query({ job, fromMs: newFrom, toMs }));
    }
    return kept;
  }

  /** Nobody looks at it any more. */
  forget(key: string): void {
    this.#kept.delete(key);
  }

  /** Those that were not asked for the longest go when all of them take too much. Call it after a judgement. */
  shrink(): void {
    let bytes = this.bytes;
    for (const [key, { bins }] of this.#kept) {
      if (bytes <= this.#mostBytes) return;
      bytes -= bins.bytes;
      this.#kept.delete(key);
    }
  }

  get bytes(): number {
    let bytes = 0;
    for (const { bins } of this.#kept.values()) bytes += bins.bytes;
    return bytes;
  }

  get size(): number {
    return this.#kept.size;
  }
}

function begin(
  store: SampleStore,
  request: ClosedBinsRequest,
  fromMs: number,
  toMs: number,
  { fineFromMs }: SampleHorizon,
): Kept {
  const { job, binMs } = request;
  const kept: Kept = {
    ...{ request, fromMs, fineFromMs, toMs },
    bins: new ClosedBins(binMs, (metric) =>
      store.query({ job, metrics: [metric], fromMs: kept.fromMs, toMs: kept.toMs }),
    ),
  };
  kept.bins.dropBefore(fromMs);
  kept.bins.add(store.query({ job, fromMs, toMs }));
  return kept;
}

/** Bins of the store, of the judge and coarse ones must lie in each other: else one of them would be told in parts. */
function canKeep(storeBinMs: number, binMs: number, { coarseBinMs }: SampleHorizon): boolean {
  const fits = (small: number, large: number) => large % small === 0;
  return (
    fits(storeBinMs, binMs) &&
    fits(storeBinMs, coarseBinMs) &&
    (fits(binMs, coarseBinMs) || fits(coarseBinMs, binMs)) &&
    (fits(binMs, minuteMs) || fits(minuteMs, binMs)) &&
    fits(coarseBinMs, minuteMs)
  );
}

import type { Sample } from '../model/index.ts';
import { Buckets } from './packed-counts.ts';
import { Cells } from './ring-cells.ts';
import type { SlabPool } from './slabs.ts';

/**
 * Rings of bins: what the sample store is made of. Slot = bin modulo capacity; the newest bin written says which bins
 * the slots hold. Written bins may be a little out of order (up to the bins that are still open).
 */
export class Ring {
  readonly capacity: number;
  /** Numbers per bin: 1, or one per bucket of a histogram and its sum. */
  readonly width: number;
  /** Of a histogram the sums; a bin that has none is missing. */
  readonly #cells: Cells;
  readonly #buckets: Buckets | undefined;
  /** The slot in the cells with which this ring begins. */
  readonly #first: number;
  newestBin = -1;

  constructor(capacity: number, width: number, cells: Cells, buckets?: Buckets, first = 0) {
    this.capacity = capacity;
    this.width = width;
    this.#cells = cells;
    this.#buckets = buckets;
    this.#first = first;
  }

  has(bin: number): boolean {
    return this.#holds(bin) && !Number.isNaN(this.#cells.get(this.#slot(bin)));
  }

  /** NaN where nothing is; of a histogram its sum. */
  get(bin: number): number {
    return this.#holds(bin) ? this.#cells.get(this.#slot(bin)) : Number.NaN;
  }

  /** Of a histogram: what each bucket counted; where nothing is, zeros. */
  counts(bin: number): number[] {
    return this.has(bin) ? this.#buckets!.read(this.#slot(bin)) : new Array<number>(this.width - 1).fill(0);
  }

  /** Adds to the bin (`isSum`), or replaces what it holds. False: the bin is too old for this ring. */
  put(bin: number, values: readonly number[], isSum: boolean): boolean {
    if (bin > this.newestBin) this.#advanceTo(bin);
    if (!this.#holds(bin)) return false;
    const slot = this.#slot(bin);
    const isAdded = isSum && this.has(bin);
    const last = this.width - 1;
    if (this.#buckets) {
      if (isAdded) this.#buckets.add(slot, values);
      else this.#buckets.write(slot, values);
    }
    this.#cells.set(slot, (isAdded ? this.#cells.get(slot) : 0) + values[last]!);
    return true;
  }

  /** With it the other rings of the series that lie in the same cells. */
  giveBack(pool: SlabPool): void {
    pool.giveBack(this.#cells.block);
    this.#buckets?.giveBack();
  }

  #slot(bin: number): number {
    return this.#first + (bin % this.capacity);
  }

  #holds(bin: number): boolean {
    return bin <= this.newestBin && bin > this.newestBin - this.capacity && bin >= 0;
  }

  #advanceTo(bin: number): void {
    const gap = Math.min(bin - this.newestBin, this.capacity);
    for (let at = Math.max(0, bin - gap + 1); at <= bin; at += 1) {
      // Buckets of a bin without a sum are never read.
      this.#cells.clear(this.#slot(at));
    }
    this.newestBin = bin;
  }
}

/** The rings of one series: fine bins, coarse bins, and of a gauge how many fine bins each coarse one holds. */
export function makeRings(
  pool: SlabPool,
  fineBins: number,
  coarseBins: number,
  kind: 'counter' | 'gauge' | 'histogram',
  width: number,
) {
  const bins = fineBins + coarseBins;
  const cells = kind === 'histogram' ? Cells.ofSums(pool, bins) : Cells.ofNumbers(pool, bins);
  const buckets = kind === 'histogram' ? new Buckets(pool, bins, width - 1) : undefined;
  const parts = kind === 'gauge' ? Cells.ofParts(pool, coarseBins) : undefined;
  return {
    fine: new Ring(fineBins, width, cells, buckets),
    coarse: new Ring(coarseBins, width, cells, buckets, fineBins),
    parts: parts && new Ring(coarseBins, 1, parts),
  };
}

/** The room of a series that is forgotten is for others. */
export function giveBackRings(
  pool: SlabPool,
  { fine, parts }: { readonly fine: Ring; readonly parts: Ring | undefined },
): void {
  fine.giveBack(pool);
  parts?.giveBack(pool);
}

/** The numbers of a sample's value, as a ring stores them: a histogram's counts, then its sum. */
export function cellsOf(value: Sample['value'], into: number[] = []): number[] {
  if ('histogramDelta' in value) {
    const { counts, sum } = value.histogramDelta;
    into.length = counts.length + 1;
    for (let at = 0; at < counts.length; at += 1) into[at] = counts[at]!;
    into[counts.length] = sum;
  } else {
    into.length = 1;
    into[0] = 'gauge' in value ? value.gauge : value.counterDelta;
  }
  return into;
}

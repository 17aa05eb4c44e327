import type { Sample, TaskState, VersionId } from '../model/index.ts';

/**
 * Rings of bins: what the sample store is made of. Slot = bin modulo capacity; the newest bin written says which bins
 * the slots hold. Written bins may be a little out of order (up to the bins that are still open).
 */
export class Ring {
  readonly capacity: number;
  /** Numbers per bin: 1, or one per bucket of a histogram and its sum. */
  readonly width: number;
  readonly #cells: Float64Array | Float32Array;
  newestBin = -1;

  constructor(capacity: number, width: number) {
    this.capacity = capacity;
    this.width = width;
    this.#cells = (width > 1 ? new Float32Array(capacity * width) : new Float64Array(capacity)).fill(Number.NaN);
  }

  has(bin: number): boolean {
    return this.#holds(bin) && !Number.isNaN(this.#cells[(bin % this.capacity) * this.width]!);
  }

  get(bin: number, at = 0): number {
    return this.#holds(bin) ? this.#cells[(bin % this.capacity) * this.width + at]! : Number.NaN;
  }

  /** Adds to the bin (`isSum`), or replaces what it holds. False: the bin is too old for this ring. */
  put(bin: number, values: ArrayLike<number>, isSum: boolean): boolean {
    if (bin > this.newestBin) this.#advanceTo(bin);
    if (!this.#holds(bin)) return false;
    const start = (bin % this.capacity) * this.width;
    const isFirst = Number.isNaN(this.#cells[start]!);
    for (let i = 0; i < this.width; i += 1) {
      this.#cells[start + i] = isSum && !isFirst ? this.#cells[start + i]! + values[i]! : values[i]!;
    }
    return true;
  }

  #holds(bin: number): boolean {
    return bin <= this.newestBin && bin > this.newestBin - this.capacity && bin >= 0;
  }

  #advanceTo(bin: number): void {
    const gap = Math.min(bin - this.newestBin, this.capacity);
    for (let at = bin - gap + 1; at <= bin; at += 1) {
      const start = (((at % this.capacity) + this.capacity) % this.capacity) * this.width;
      this.#cells.fill(Number.NaN, start, start + this.width);
    }
    this.newestBin = bin;
  }
}

/** Who a task was in each bin. Two incarnations, versions or states in one bin make it nobody's (`isMixed`). */
export interface BinOwner {
  readonly incarnation: number;
  readonly version: VersionId;
  readonly state: TaskState;
  /** Time covered by the samples of this bin. */
  readonly spanMs: number;
}

export class OwnerRing {
  readonly #capacity: number;
  readonly #owners: (BinOwner | undefined)[];
  #newestBin = -1;

  constructor(capacity: number) {
    this.#capacity = capacity;
    this.#owners = new Array<BinOwner | undefined>(capacity).fill(undefined);
  }

  get(bin: number): BinOwner | undefined {
    if (bin > this.#newestBin || bin <= this.#newestBin - this.#capacity) return undefined;
    return this.#owners[bin % this.#capacity];
  }

  /** `spanMs` is added when `isPart` (a fine bin becoming part of a coarse one). */
  put(bin: number, owner: BinOwner, isPart: boolean): void {
    if (bin > this.#newestBin) {
      const gap = Math.min(bin - this.#newestBin, this.#capacity);
      for (let at = bin - gap + 1; at <= bin; at += 1) this.#owners[at % this.#capacity] = undefined;
      this.#newestBin = bin;
    }
    const earlier = this.get(bin);
    if (bin <= this.#newestBin - this.#capacity) return;
    if (!earlier) {
      this.#owners[bin % this.#capacity] = owner;
      return;
    }
    const isSame =
      earlier.incarnation === owner.incarnation && earlier.version === owner.version && earlier.state === owner.state;
    const spanMs = isPart ? earlier.spanMs + owner.spanMs : Math.max(earlier.spanMs, owner.spanMs);
    if (isSame && spanMs === earlier.spanMs) return;
    const newest = owner.incarnation >= earlier.incarnation ? owner : earlier;
    this.#owners[bin % this.#capacity] = { ...newest, state: isSame ? owner.state : 'starting', spanMs };
  }
}

/** The numbers of a sample's value, as a ring stores them: a histogram's counts, then its sum. */
export function cellsOf(value: Sample['value']): number[] {
  if ('counterDelta' in value) return [value.counterDelta];
  if ('gauge' in value) return [value.gauge];
  return [...value.histogramDelta.counts, value.histogramDelta.sum];
}

import type { Sample, TaskState, VersionId } from '../model/index.ts';

/** Numbers of the rings of one series: one array for all of them, since each array costs some hundred bytes. */
export class Cells {
  #array: Float64Array | Float32Array | Uint16Array | Uint8Array;
  readonly #missing: number;

  private constructor(array: Float64Array | Float32Array | Uint16Array | Uint8Array, missing: number) {
    this.#array = array.fill(missing);
    this.#missing = missing;
  }

  static ofNumbers(size: number): Cells {
    return new Cells(new Float64Array(size), Number.NaN);
  }

  static ofSums(size: number): Cells {
    return new Cells(new Float32Array(size), Number.NaN);
  }

  /** Small whole numbers in 16 bits, as the buckets of nearly all histograms hold; grows to 32 when one does not fit. */
  static ofCounts(size: number): Cells {
    return new Cells(new Uint16Array(size), 65_535);
  }

  /** Up to 254: how many fine bins a coarse one holds. */
  static ofParts(size: number): Cells {
    return new Cells(new Uint8Array(size), 255);
  }

  get(at: number): number {
    const value = this.#array[at]!;
    return value === this.#missing && !(this.#array instanceof Float32Array) ? Number.NaN : value;
  }

  set(at: number, value: number): void {
    const fits = this.#array.BYTES_PER_ELEMENT > 2 || (Number.isInteger(value) && value >= 0 && value < this.#missing);
    if (!fits) this.#widen();
    this.#array[at] = value;
  }

  clear(from: number, to: number): void {
    this.#array.fill(this.#array instanceof Float32Array ? Number.NaN : this.#missing, from, to);
  }

  #widen(): void {
    const wider = new Float32Array(this.#array.length);
    for (let at = 0; at < wider.length; at += 1) wider[at] = this.get(at);
    this.#array = wider;
  }
}

/**
 * Rings of bins: what the sample store is made of. Slot = bin modulo capacity; the newest bin written says which bins
 * the slots hold. Written bins may be a little out of order (up to the bins that are still open).
 */
export class Ring {
  readonly capacity: number;
  /** Numbers per bin: 1, or one per bucket of a histogram and its sum. */
  readonly width: number;
  readonly #counts: Cells;
  /** Of a histogram the sums, which are no whole numbers. */
  readonly #sums: Cells | undefined;
  /** The slot in the cells with which this ring begins. */
  readonly #first: number;
  newestBin = -1;

  constructor(capacity: number, width: number, counts: Cells, sums?: Cells, first = 0) {
    this.capacity = capacity;
    this.width = width;
    this.#counts = counts;
    this.#sums = sums;
    this.#first = first;
  }

  has(bin: number): boolean {
    return this.#holds(bin) && !Number.isNaN(this.#counts.get(this.#slot(bin) * this.#step));
  }

  get(bin: number, at = 0): number {
    return this.#holds(bin) ? this.#read(bin, at) : Number.NaN;
  }

  /** Adds to the bin (`isSum`), or replaces what it holds. False: the bin is too old for this ring. */
  put(bin: number, values: ArrayLike<number>, isSum: boolean): boolean {
    if (bin > this.newestBin) this.#advanceTo(bin);
    if (!this.#holds(bin)) return false;
    const isFirst = !this.has(bin);
    for (let i = 0; i < this.width; i += 1) {
      const value = isSum && !isFirst ? this.#read(bin, i) + values[i]! : values[i]!;
      if (this.#sums && i === this.width - 1) this.#sums.set(this.#slot(bin), value);
      else this.#counts.set(this.#slot(bin) * this.#step + i, value);
    }
    return true;
  }

  get #step(): number {
    return this.#sums ? this.width - 1 : 1;
  }

  #slot(bin: number): number {
    return this.#first + (bin % this.capacity);
  }

  #read(bin: number, at: number): number {
    const slot = this.#slot(bin);
    return this.#sums && at === this.width - 1 ? this.#sums.get(slot) : this.#counts.get(slot * this.#step + at);
  }

  #holds(bin: number): boolean {
    return bin <= this.newestBin && bin > this.newestBin - this.capacity && bin >= 0;
  }

  #advanceTo(bin: number): void {
    const gap = Math.min(bin - this.newestBin, this.capacity);
    for (let at = Math.max(0, bin - gap + 1); at <= bin; at += 1) {
      const slot = this.#slot(at);
      this.#counts.clear(slot * this.#step, (slot + 1) * this.#step);
    }
    this.newestBin = bin;
  }
}

/** The rings of one series: fine bins, coarse bins, and of a gauge how many fine bins each coarse one holds. */
export function makeRings(
  fineBins: number,
  coarseBins: number,
  kind: 'counter' | 'gauge' | 'histogram',
  width: number,
) {
  const bins = fineBins + coarseBins;
  const isHistogram = kind === 'histogram';
  const counts = isHistogram ? Cells.ofCounts(bins * (width - 1)) : Cells.ofNumbers(bins);
  const sums = isHistogram ? Cells.ofSums(bins) : undefined;
  return {
    fine: new Ring(fineBins, width, counts, sums),
    coarse: new Ring(coarseBins, width, counts, sums, fineBins),
    parts: kind === 'gauge' ? new Ring(coarseBins, 1, Cells.ofParts(coarseBins)) : undefined,
  };
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
      this.#owners[bin % this.#capacity] = this.#sameAsBefore(bin, owner);
      return;
    }
    const isSame =
      earlier.incarnation === owner.incarnation && earlier.version === owner.version && earlier.state === owner.state;
    const spanMs = isPart ? earlier.spanMs + owner.spanMs : Math.max(earlier.spanMs, owner.spanMs);
    if (isSame && spanMs === earlier.spanMs) return;
    const newest = owner.incarnation >= earlier.incarnation ? owner : earlier;
    const merged = { ...newest, state: isSame ? owner.state : ('starting' as const), spanMs };
    this.#owners[bin % this.#capacity] = this.#sameAsBefore(bin, merged);
  }

  /** A task is mostly who it was in the bin before: one object for all of them. */
  #sameAsBefore(bin: number, owner: BinOwner): BinOwner {
    const before = this.get(bin - 1);
    const isSame =
      before?.incarnation === owner.incarnation &&
      before.version === owner.version &&
      before.state === owner.state &&
      before.spanMs === owner.spanMs;
    return isSame ? before : owner;
  }
}

/** The numbers of a sample's value, as a ring stores them: a histogram's counts, then its sum. */
export function cellsOf(value: Sample['value']): number[] {
  if ('counterDelta' in value) return [value.counterDelta];
  if ('gauge' in value) return [value.gauge];
  return [...value.histogramDelta.counts, value.histogramDelta.sum];
}

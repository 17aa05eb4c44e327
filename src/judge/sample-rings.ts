import type { Sample, TaskState, VersionId } from '../model/index.ts';

/** Numbers of the rings of one series: one array for all of them, since each array costs some hundred bytes. */
export class Cells {
  readonly #array: Float64Array | Float32Array | Uint8Array;
  readonly #missing: number;

  private constructor(array: Float64Array | Float32Array | Uint8Array, missing: number) {
    this.#array = array.fill(missing);
    this.#missing = missing;
  }

  static ofNumbers(size: number): Cells {
    return new Cells(new Float64Array(size), Number.NaN);
  }

  static ofSums(size: number): Cells {
    return new Cells(new Float32Array(size), Number.NaN);
  }

  /** Up to 254: how many fine bins a coarse one holds. */
  static ofParts(size: number): Cells {
    return new Cells(new Uint8Array(size), 255);
  }

  get(at: number): number {
    const value = this.#array[at]!;
    return value === this.#missing ? Number.NaN : value;
  }

  set(at: number, value: number): void {
    this.#array[at] = value;
  }

  clear(at: number): void {
    this.#array[at] = this.#missing;
  }
}

type Counts = Uint8Array | Uint16Array | Float32Array;

/**
 * Counts of a histogram, bin by bin. Kept are the buckets that ever counted anything, from the first to the last of
 * them, in 8 bits each as long as all fit, then in 16, then in 32: most histograms of a task fill a few neighbouring
 * buckets, and a bin holds some seconds.
 */
export class Buckets {
  readonly #bins: number;
  #counts: Counts = new Uint8Array(0);
  #first = 0;
  #kept = 0;

  constructor(bins: number) {
    this.#bins = bins;
  }

  get sizeBytes(): number {
    return this.#counts.byteLength;
  }

  get(slot: number, bucket: number): number {
    const at = bucket - this.#first;
    return at < 0 || at >= this.#kept ? 0 : this.#counts[slot * this.#kept + at]!;
  }

  /** Replaces a bin by what `countOf` says of each of so many buckets. */
  set(slot: number, buckets: number, countOf: (bucket: number) => number): void {
    const values: number[] = [];
    let [first, end] = this.#kept === 0 ? [buckets, 0] : [this.#first, this.#first + this.#kept];
    let bytes = this.#counts.BYTES_PER_ELEMENT;
    for (let bucket = 0; bucket < buckets; bucket += 1) {
      const value = countOf(bucket);
      values.push(value);
      if (value === 0) continue;
      first = Math.min(first, bucket);
      end = Math.max(end, bucket + 1);
      bytes = Math.max(bytes, bytesFor(value));
    }
    if (end <= first) return;
    if (end - first > this.#kept || bytes > this.#counts.BYTES_PER_ELEMENT) this.#grow(first, end - first, bytes);
    this.clear(slot);
    for (let bucket = first; bucket < end; bucket += 1)
      this.#counts[slot * this.#kept + bucket - first] = values[bucket] ?? 0;
  }

  clear(slot: number): void {
    this.#counts.fill(0, slot * this.#kept, (slot + 1) * this.#kept);
  }

  #grow(first: number, kept: number, bytes: number): void {
    const size = this.#bins * kept;
    const counts = bytes === 1 ? new Uint8Array(size) : bytes === 2 ? new Uint16Array(size) : new Float32Array(size);
    for (let slot = 0; slot < this.#bins; slot += 1)
      for (let at = 0; at < this.#kept; at += 1)
        counts[slot * kept + this.#first + at - first] = this.#counts[slot * this.#kept + at]!;
    this.#counts = counts;
    this.#first = first;
    this.#kept = kept;
  }
}

function bytesFor(value: number): number {
  if (!Number.isInteger(value) || value < 0 || value > 65_535) return 4;
  return value > 255 ? 2 : 1;
}

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

  get(bin: number, at = 0): number {
    return this.has(bin) ? this.#read(this.#slot(bin), at) : Number.NaN;
  }

  /** Adds to the bin (`isSum`), or replaces what it holds. False: the bin is too old for this ring. */
  put(bin: number, values: ArrayLike<number>, isSum: boolean): boolean {
    if (bin > this.newestBin) this.#advanceTo(bin);
    if (!this.#holds(bin)) return false;
    const slot = this.#slot(bin);
    const isAdded = isSum && this.has(bin);
    const valueAt = (at: number): number => (isAdded ? this.#read(slot, at) + values[at]! : values[at]!);
    const last = this.width - 1;
    this.#buckets?.set(slot, last, valueAt);
    this.#cells.set(slot, valueAt(last));
    return true;
  }

  #slot(bin: number): number {
    return this.#first + (bin % this.capacity);
  }

  #read(slot: number, at: number): number {
    return this.#buckets && at < this.width - 1 ? this.#buckets.get(slot, at) : this.#cells.get(slot);
  }

  #holds(bin: number): boolean {
    return bin <= this.newestBin && bin > this.newestBin - this.capacity && bin >= 0;
  }

  #advanceTo(bin: number): void {
    const gap = Math.min(bin - this.newestBin, this.capacity);
    for (let at = Math.max(0, bin - gap + 1); at <= bin; at += 1) {
      const slot = this.#slot(at);
      this.#cells.clear(slot);
      this.#buckets?.clear(slot);
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
  const cells = kind === 'histogram' ? Cells.ofSums(bins) : Cells.ofNumbers(bins);
  const buckets = kind === 'histogram' ? new Buckets(bins) : undefined;
  return {
    fine: new Ring(fineBins, width, cells, buckets),
    coarse: new Ring(coarseBins, width, cells, buckets, fineBins),
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

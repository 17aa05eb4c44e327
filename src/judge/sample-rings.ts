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

const mostBits = 30;
const mostCount = 0x3fff_ffff;
/** At first: coarse bins hold the sum of several fine ones, and to be laid out anew costs time and leaves holes. */
const spareBitsAtFirst = 3;

/**
 * Counts of a histogram, bin by bin, each bucket in as many bits as the largest count it ever held (and a few
 * more, so that they rarely have to be laid out anew): a bucket that never counted anything takes no room. Counts that are no
 * whole numbers, or beyond a billion, make all of them 32-bit floats.
 */
export class Buckets {
  readonly #bins: number;
  readonly #buckets: number;
  /** First how many bits each bucket has, a byte each; then bin after bin without gaps. */
  #packed: Uint8Array | undefined;
  #wide: Float32Array | undefined;
  #bitsPerBin = 0;

  constructor(bins: number, buckets: number) {
    this.#bins = bins;
    this.#buckets = buckets;
  }

  get sizeBytes(): number {
    return (this.#wide ?? this.#packed)?.byteLength ?? 0;
  }

  read(slot: number): number[] {
    if (this.#wide) return [...this.#wide.subarray(slot * this.#buckets, (slot + 1) * this.#buckets)];
    const counts = new Array<number>(this.#buckets).fill(0);
    const packed = this.#packed;
    if (packed === undefined) return counts;
    let at = this.#firstBit(slot);
    for (let bucket = 0; bucket < this.#buckets; bucket += 1) {
      const bits = packed[bucket]!;
      if (bits > 0) counts[bucket] = readBits(packed, at, bits);
      at += bits;
    }
    return counts;
  }

  /** Replaces what a bin holds. */
  write(slot: number, counts: ArrayLike<number>): void {
    if (this.#wide === undefined) this.#makeRoomFor(counts);
    if (this.#wide) {
      for (let bucket = 0; bucket < this.#buckets; bucket += 1)
        this.#wide[slot * this.#buckets + bucket] = counts[bucket]!;
      return;
    }
    const packed = this.#packed;
    if (packed === undefined) return;
    let at = this.#firstBit(slot);
    for (let bucket = 0; bucket < this.#buckets; bucket += 1) {
      const bits = packed[bucket]!;
      if (bits > 0) writeBits(packed, at, bits, counts[bucket]!);
      at += bits;
    }
  }

  #firstBit(slot: number): number {
    return this.#buckets * 8 + slot * this.#bitsPerBin;
  }

  #makeRoomFor(counts: ArrayLike<number>): void {
    const bits = new Uint8Array(this.#buckets);
    const spare = this.#packed === undefined ? spareBitsAtFirst : 1;
    let isEnough = true;
    for (let bucket = 0; bucket < this.#buckets; bucket += 1) {
      const count = counts[bucket]!;
      if (!Number.isInteger(count) || count < 0 || count > mostCount) {
        this.#widen();
        return;
      }
      const known = this.#packed?.[bucket] ?? 0;
      const needed = 32 - Math.clz32(count);
      bits[bucket] = needed <= known ? known : Math.min(mostBits, needed + spare);
      if (needed > known) isEnough = false;
    }
    if (!isEnough) this.#layOut(bits);
  }

  #layOut(bits: Uint8Array): void {
    const before = Array.from({ length: this.#packed ? this.#bins : 0 }, (_, slot) => this.read(slot));
    this.#bitsPerBin = bits.reduce((sum, one) => sum + one, 0);
    this.#packed = new Uint8Array(this.#buckets + Math.ceil((this.#bins * this.#bitsPerBin) / 8));
    this.#packed.set(bits);
    for (const [slot, counts] of before.entries()) if (counts.some((count) => count > 0)) this.write(slot, counts);
  }

  #widen(): void {
    const wide = new Float32Array(this.#bins * this.#buckets);
    for (let slot = 0; slot < this.#bins; slot += 1) wide.set(this.read(slot), slot * this.#buckets);
    this.#wide = wide;
    this.#packed = undefined;
  }
}

function readBits(bytes: Uint8Array, at: number, bits: number): number {
  let byte = at >>> 3;
  let value = bytes[byte]! >>> (at & 7);
  for (let got = 8 - (at & 7); got < bits; got += 8) {
    byte += 1;
    value |= bytes[byte]! << got;
  }
  return value & ((1 << bits) - 1);
}

function writeBits(bytes: Uint8Array, at: number, bits: number, value: number): void {
  let rest = value;
  let left = bits;
  let shift = at & 7;
  for (let byte = at >>> 3; left > 0; byte += 1) {
    const take = Math.min(8 - shift, left);
    const mask = ((1 << take) - 1) << shift;
    bytes[byte] = (bytes[byte]! & ~mask) | ((rest << shift) & mask);
    rest >>>= take;
    left -= take;
    shift = 0;
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
      const before = isAdded ? this.#buckets.read(slot) : undefined;
      this.#buckets.write(slot, before ? before.map((count, at) => count + values[at]!) : values);
    }
    this.#cells.set(slot, (isAdded ? this.#cells.get(slot) : 0) + values[last]!);
    return true;
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
  fineBins: number,
  coarseBins: number,
  kind: 'counter' | 'gauge' | 'histogram',
  width: number,
) {
  const bins = fineBins + coarseBins;
  const cells = kind === 'histogram' ? Cells.ofSums(bins) : Cells.ofNumbers(bins);
  const buckets = kind === 'histogram' ? new Buckets(bins, width - 1) : undefined;
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

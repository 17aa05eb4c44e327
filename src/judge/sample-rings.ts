import type { Sample, TaskState, VersionId } from '../model/index.ts';
import type { Block, SlabPool } from './slabs.ts';

/** Numbers of the rings of one series: one block of a slab for all of them. */
export class Cells {
  readonly #array: Float64Array | Float32Array | Uint8Array;
  readonly #first: number;
  readonly #missing: number;
  readonly block: Block;

  private constructor(block: Block, kind: 'numbers' | 'sums' | 'bytes', size: number) {
    this.block = block;
    this.#array = block.slab[kind];
    this.#first = block.at / this.#array.BYTES_PER_ELEMENT;
    this.#missing = kind === 'bytes' ? 255 : Number.NaN;
    this.#array.fill(this.#missing, this.#first, this.#first + size);
  }

  static ofNumbers(pool: SlabPool, size: number): Cells {
    return new Cells(pool.take(size * 8), 'numbers', size);
  }

  static ofSums(pool: SlabPool, size: number): Cells {
    return new Cells(pool.take(size * 4), 'sums', size);
  }

  /** Up to 254: how many fine bins a coarse one holds. */
  static ofParts(pool: SlabPool, size: number): Cells {
    return new Cells(pool.take(size), 'bytes', size);
  }

  get(at: number): number {
    const value = this.#array[this.#first + at]!;
    return value === this.#missing ? Number.NaN : value;
  }

  set(at: number, value: number): void {
    this.#array[this.#first + at] = value;
  }

  clear(at: number): void {
    this.#array[this.#first + at] = this.#missing;
  }
}

const mostBits = 30;
const mostCount = 0x3fff_ffff;
/** At first: coarse bins hold the sum of several fine ones, and to be laid out anew costs time and leaves holes. */
const spareBitsAtFirst = 3;
/** Used again for every bin that is added to. */
const sumsOfOneBin: number[] = [];

/**
 * Counts of a histogram, bin by bin, each bucket in as many bits as the largest count it ever held (and a few
 * more, so that they rarely have to be laid out anew): a bucket that never counted anything takes no room. Counts that are no
 * whole numbers, or beyond a billion, make all of them 32-bit floats.
 */
export class Buckets {
  readonly #pool: SlabPool;
  readonly #bins: number;
  readonly #buckets: number;
  /** First how many bits each bucket has, a byte each; then bin after bin without gaps. */
  #packed: Block | undefined;
  #wide: Float32Array | undefined;
  #bitsPerBin = 0;

  constructor(pool: SlabPool, bins: number, buckets: number) {
    this.#pool = pool;
    this.#bins = bins;
    this.#buckets = buckets;
  }

  get sizeBytes(): number {
    return this.#wide?.byteLength ?? (this.#packed ? this.#packedBytes(this.#bitsPerBin) : 0);
  }

  read(slot: number): number[] {
    const counts = new Array<number>(this.#buckets).fill(0);
    this.#readInto(slot, counts);
    return counts;
  }

  /** Replaces what a bin holds. */
  write(slot: number, counts: ArrayLike<number>): void {
    if (this.#wide === undefined) this.#makeRoomFor(counts);
    if (this.#wide) {
      for (let bucket = 0; bucket < this.#buckets; bucket += 1)
        this.#wide[slot * this.#buckets + bucket] = counts[bucket]!;
    } else if (this.#packed) this.#writePacked(this.#packed, slot, counts);
  }

  /** Adds to what a bin holds. */
  add(slot: number, counts: ArrayLike<number>): void {
    const sums = this.#readInto(slot, sumsOfOneBin);
    for (let bucket = 0; bucket < this.#buckets; bucket += 1) sums[bucket]! += counts[bucket]!;
    this.write(slot, sums);
  }

  /** Its room is somebody else's from now on. */
  giveBack(): void {
    if (this.#packed) this.#pool.giveBack(this.#packed);
    this.#packed = undefined;
  }

  #readInto(slot: number, counts: number[]): number[] {
    const { slab, at: first } = this.#packed ?? {};
    let at = slab ? this.#firstBit(first!, slot) : 0;
    for (let bucket = 0; bucket < this.#buckets; bucket += 1) {
      const bits = slab ? slab.bytes[first! + bucket]! : 0;
      if (this.#wide) counts[bucket] = this.#wide[slot * this.#buckets + bucket]!;
      else counts[bucket] = bits > 0 ? readBits(slab!.bytes, at, bits) : 0;
      at += bits;
    }
    return counts;
  }

  #writePacked({ slab: { bytes }, at: first }: Block, slot: number, counts: ArrayLike<number>): void {
    let at = this.#firstBit(first, slot);
    for (let bucket = 0; bucket < this.#buckets; bucket += 1) {
      const bits = bytes[first + bucket]!;
      if (bits > 0) writeBits(bytes, at, bits, counts[bucket]!);
      at += bits;
    }
  }

  #packedBytes(bitsPerBin: number): number {
    return this.#buckets + Math.ceil((this.#bins * bitsPerBin) / 8);
  }

  #firstBit(first: number, slot: number): number {
    return (first + this.#buckets) * 8 + slot * this.#bitsPerBin;
  }

  #makeRoomFor(counts: ArrayLike<number>): void {
    const { slab, at = 0 } = this.#packed ?? {};
    let isEnough = true;
    for (let bucket = 0; bucket < this.#buckets; bucket += 1) {
      const count = counts[bucket]!;
      if (!Number.isInteger(count) || count < 0 || count > mostCount) {
        this.#widen();
        return;
      }
      if (32 - Math.clz32(count) > (slab ? slab.bytes[at + bucket]! : 0)) isEnough = false;
    }
    if (!isEnough) this.#layOut(counts);
  }

  /** In a new block, of which each bucket has enough bits for what it holds and for `counts`. */
  #layOut(counts: ArrayLike<number>): void {
    const before = this.#packed;
    const spare = before ? 1 : spareBitsAtFirst;
    const bits = new Uint8Array(this.#buckets);
    this.#bitsPerBin = 0;
    for (let bucket = 0; bucket < this.#buckets; bucket += 1) {
      const known = before ? before.slab.bytes[before.at + bucket]! : 0;
      const needed = 32 - Math.clz32(counts[bucket]!);
      bits[bucket] = needed <= known ? known : Math.min(mostBits, needed + spare);
      this.#bitsPerBin += bits[bucket]!;
    }
    const { slab, at } = this.#pool.take(this.#packedBytes(this.#bitsPerBin));
    this.#packed = { slab, at };
    slab.bytes.set(bits, at);
    if (!before) return;
    let from = (before.at + this.#buckets) * 8;
    let to = this.#firstBit(at, 0);
    for (let slot = 0; slot < this.#bins; slot += 1) {
      for (let bucket = 0; bucket < this.#buckets; bucket += 1) {
        const own = before.slab.bytes[before.at + bucket]!;
        if (own > 0) writeBits(slab.bytes, to, bits[bucket]!, readBits(before.slab.bytes, from, own));
        from += own;
        to += bits[bucket]!;
      }
    }
    this.#pool.giveBack(before);
  }

  #widen(): void {
    const wide = new Float32Array(this.#bins * this.#buckets);
    for (let slot = 0; slot < this.#bins; slot += 1) wide.set(this.read(slot), slot * this.#buckets);
    this.giveBack();
    this.#wide = wide;
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

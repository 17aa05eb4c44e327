import type { Block, SlabPool } from './slabs.ts';

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

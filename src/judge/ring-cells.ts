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

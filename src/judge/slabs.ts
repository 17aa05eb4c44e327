/**
 * Room for the numbers of hundreds of thousands of series, cut from a few large arrays. An array of its own for each
 * costs some hundred bytes beside its numbers, and what a growing one leaves behind is not given back to the system:
 * measured (`bench/judge/memory.ts`), that was as much again as the samples.
 */

/** A slab's arrays are views of the same bytes. */
interface Slab {
  readonly bytes: Uint8Array;
  readonly sums: Float32Array;
  readonly numbers: Float64Array;
  readonly sizeClass: SizeClass;
  /** Where the blocks begin that nobody has. */
  readonly free: number[];
  readonly blocks: number;
}

interface SizeClass {
  readonly blockBytes: number;
  /** With free blocks; the last one is cut from. */
  readonly open: Slab[];
  /** Of the next slab: few series shall take little. */
  nextBlocks: number;
}

/** A piece of a slab: from byte `at` on. */
export interface Block {
  readonly slab: Slab;
  readonly at: number;
}

/** Blocks of about the same size share slabs, so that a slab whose blocks all came back can go. */
const grainBytes = 64;
const slabBytes = 512 * 1024;
const blocksAtFirst = 2;

/** Blocks of any size, given out and taken back. */
export class SlabPool {
  readonly #classes = new Map<number, SizeClass>();
  #bytes = 0;

  /** What all slabs take. */
  get bytes(): number {
    return this.#bytes;
  }

  /** At least so many bytes, on a border of eight, all zero. */
  take(sizeBytes: number): Block {
    const blockBytes = Math.max(1, Math.ceil(sizeBytes / grainBytes)) * grainBytes;
    let sizeClass = this.#classes.get(blockBytes);
    if (!sizeClass) {
      sizeClass = { blockBytes, open: [], nextBlocks: blocksAtFirst };
      this.#classes.set(blockBytes, sizeClass);
    }
    const { open } = sizeClass;
    if (open.length === 0) open.push(this.#makeSlab(sizeClass));
    const slab = open.at(-1)!;
    const at = slab.free.pop()!;
    if (slab.free.length === 0) open.pop();
    return { slab, at };
  }

  /** Nobody may use the block any more. */
  giveBack({ slab, at }: Block): void {
    const { sizeClass, free, blocks, bytes } = slab;
    bytes.fill(0, at, at + sizeClass.blockBytes);
    free.push(at);
    if (free.length === 1) sizeClass.open.push(slab);
    if (free.length < blocks) return;
    sizeClass.open.splice(sizeClass.open.indexOf(slab), 1);
    this.#bytes -= bytes.length;
    if (sizeClass.open.length === 0) sizeClass.nextBlocks = blocksAtFirst;
  }

  #makeSlab(sizeClass: SizeClass): Slab {
    const { blockBytes, nextBlocks: blocks } = sizeClass;
    sizeClass.nextBlocks = Math.max(blocksAtFirst, Math.min(blocks * 2, Math.floor(slabBytes / blockBytes)));
    const room = new ArrayBuffer(blocks * blockBytes);
    this.#bytes += room.byteLength;
    const free = Array.from({ length: blocks }, (_, i) => (blocks - 1 - i) * blockBytes);
    const views = { bytes: new Uint8Array(room), sums: new Float32Array(room), numbers: new Float64Array(room) };
    return { ...views, sizeClass, free, blocks };
  }
}

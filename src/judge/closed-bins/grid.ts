/** Cells of one kind: a number, or several, for each task and bin. */
export type Cells = Float64Array | Float32Array | Int32Array | Uint16Array | Uint8Array;

/** One array over all cells of a grid; the grid moves it when it grows or slides. */
export class Plane {
  cells: Cells;
  /** Numbers per cell. */
  readonly depth: number;
  readonly #empty: number;

  constructor(cells: Cells, depth = 1, empty = 0) {
    this.cells = cells;
    this.depth = depth;
    this.#empty = empty;
  }

  make(length: number): Cells {
    const Kind = this.cells.constructor as new (length: number) => Cells;
    const cells = new Kind(length);
    return this.#empty === 0 ? cells : cells.fill(this.#empty);
  }

  clear(from: number, to: number): void {
    this.cells.fill(this.#empty, from * this.depth, to * this.depth);
  }
}

/** Sums of numbers, NaN where nothing was read: in 32 bits each for as long as that loses nothing. */
export class NumberPlane extends Plane {
  constructor(depth = 1) {
    super(new Float32Array(0), depth, Number.NaN);
  }

  add(at: number, value: number): void {
    const before = this.cells[at]!;
    const sum = Number.isNaN(before) ? value : before + value;
    if (this.cells instanceof Float32Array && Math.fround(sum) !== sum) this.cells = Float64Array.from(this.cells);
    this.cells[at] = sum;
  }
}

/** Part of a grid: these slots, in this order, from one bin on. */
export interface GridView {
  readonly slots: Int32Array;
  readonly firstBin: number;
  readonly bins: number;
}

/** Laid out anew once in so many bins. */
const spareBins = 16;

/**
 * Room for what is known of tasks (slots) in bins: rows of one width, in planes that grow together. Bins are named by
 * their number since the epoch. What lies before the first bin that is kept is given up when room is made anew.
 */
export class Grid {
  readonly #planes = new Set<Plane>();
  #base = 0;
  #width = 0;
  #slots = 0;
  /** No bin from here on was ever asked for. */
  #end = 0;

  at(slot: number, bin: number): number {
    return slot * this.#width + bin - this.#base;
  }

  get bytes(): number {
    let sum = 0;
    for (const { cells } of this.#planes) sum += cells.byteLength;
    return sum;
  }

  open<P extends Plane>(plane: P): P {
    plane.cells = plane.make(this.#slots * this.#width * plane.depth);
    this.#planes.add(plane);
    return plane;
  }

  close(plane: Plane): void {
    this.#planes.delete(plane);
  }

  /** Makes room for these bins and slots; bins below `keptFrom` are not asked for any more. */
  cover(fromBin: number, endBin: number, slots: number, keptFrom = this.#base): void {
    if (this.#width === 0 || this.#slots === 0) {
      // Exactly at first: who reads everything once needs no spare room.
      this.#end = endBin;
      this.#layOut(fromBin, Math.max(0, endBin - fromBin), Math.max(slots, this.#slots));
      return;
    }
    this.#end = Math.max(this.#end, endBin);
    const isInside = fromBin >= this.#base && this.#end <= this.#base + this.#width;
    if (isInside && slots <= this.#slots) return;
    const base = Math.min(fromBin, Math.max(this.#base, keptFrom));
    const width = isInside && base === this.#base ? this.#width : this.#end - base + spareBins;
    this.#layOut(base, width, slots <= this.#slots ? this.#slots : Math.ceil(slots * 1.1) + 2);
  }

  #layOut(base: number, width: number, slots: number): void {
    const shift = this.#base - base;
    const from = Math.max(0, -shift);
    const length = Math.min(this.#width - from, width - Math.max(0, shift));
    for (const plane of this.#planes) {
      const { cells: before, depth } = plane;
      const after = plane.make(slots * width * depth);
      if (length > 0) {
        for (let slot = 0; slot < this.#slots; slot += 1) {
          const at = (slot * this.#width + from) * depth;
          after.set(before.subarray(at, at + length * depth), (slot * width + Math.max(0, shift)) * depth);
        }
      }
      plane.cells = after;
    }
    this.#base = base;
    this.#width = width;
    this.#slots = slots;
  }

  /** Forgets what these bins hold, of all tasks. */
  clear(fromBin: number, endBin: number): void {
    const from = Math.max(0, fromBin - this.#base);
    const to = Math.min(this.#width, endBin - this.#base);
    if (to <= from) return;
    for (const plane of this.#planes)
      for (let slot = 0; slot < this.#slots; slot += 1) plane.clear(slot * this.#width + from, slot * this.#width + to);
  }

  /** A part of a plane, row after row without gaps. The view lies within what is covered. */
  read<T extends Cells>({ cells, depth }: Plane, { slots, firstBin, bins }: GridView, into: T): T {
    for (let row = 0; row < slots.length; row += 1) {
      const at = this.at(slots[row]!, firstBin) * depth;
      into.set(cells.subarray(at, at + bins * depth), row * bins * depth);
    }
    return into;
  }
}

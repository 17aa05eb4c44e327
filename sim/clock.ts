import type { Timeline } from '../src/drivers/simulated/index.ts';

interface Due {
  atMs: number;
  order: number;
  act: (() => void) | undefined;
}

/** Virtual time: a heap of what is due. Equal times run in the order in which they were asked for. */
export class VirtualClock implements Timeline {
  #nowMs: number;
  #order = 0;
  readonly #heap: Due[] = [];

  constructor(startMs: number) {
    this.#nowMs = startMs;
  }

  nowMs(): number {
    return this.#nowMs;
  }

  at(atMs: number, act: () => void): () => void {
    const due: Due = { atMs: Math.max(atMs, this.#nowMs), order: this.#order++, act };
    this.#push(due);
    return () => {
      due.act = undefined;
    };
  }

  after(ms: number, act: () => void): () => void {
    return this.at(this.#nowMs + ms, act);
  }

  /** When the next thing is due; undefined when nothing is. */
  nextMs(): number | undefined {
    this.#dropCancelled();
    return this.#heap[0]?.atMs;
  }

  /** Time passes without anything that is due in it. */
  goTo(atMs: number): void {
    this.#nowMs = Math.max(this.#nowMs, atMs);
  }

  /** Goes to the next thing that is due and does it; false when nothing is. */
  step(): boolean {
    this.#dropCancelled();
    const due = this.#heap[0];
    if (due === undefined) return false;
    this.#pop();
    this.#nowMs = due.atMs;
    due.act!();
    return true;
  }

  #dropCancelled(): void {
    while (this.#heap.length > 0 && this.#heap[0]!.act === undefined) this.#pop();
  }

  #push(due: Due): void {
    const heap = this.#heap;
    let at = heap.length;
    heap.push(due);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!isBefore(due, heap[parent]!)) break;
      heap[at] = heap[parent]!;
      at = parent;
    }
    heap[at] = due;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop()!;
    if (heap.length === 0) return;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child += 1;
      if (!isBefore(heap[child]!, last)) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = last;
  }
}

function isBefore(a: Due, b: Due): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);
}

import { type BrokenDown, breakDown, type TimedSpan } from './break-down.ts';

/** How long after a request's own span its parts may come: an SDK hands them in side by side. */
const graceMs = 2000;
/** A trace is forgotten so long after its first span: what comes then is a stray. */
const keepMs = 120_000;
/** Spans of one trace in one process; a larger trace is left out whole: a part of it would tell of other shares. */
const maxSpansOfTrace = 512;
/** Spans of one trace that are remembered when they were taken, so that what is handed in twice counts once. */
const maxDone = 512;

interface Trace {
  readonly sinceMs: number;
  readonly spans: Map<string, TimedSpan>;
  readonly done: Set<string>;
  isDue: boolean;
  isTooLarge: boolean;
}

export type Added = 'kept' | 'known' | 'too-large';

/** Spans of one task that wait for the others of their request. */
export class TraceBuffer {
  readonly #traces = new Map<string, Trace>();
  readonly #due: { readonly atMs: number; readonly traceId: string }[] = [];
  #size = 0;

  /** Spans that are held. */
  get size(): number {
    return this.#size;
  }

  add(traceId: string, span: TimedSpan, nowMs: number): Added {
    const trace = this.#traceOf(traceId, nowMs);
    if (trace.isTooLarge) return 'too-large';
    if (trace.spans.has(span.id) || trace.done.has(span.id)) return 'known';
    if (trace.spans.size >= maxSpansOfTrace) {
      this.#size -= trace.spans.size;
      trace.spans.clear();
      trace.isTooLarge = true;
      return 'too-large';
    }
    trace.spans.set(span.id, span);
    this.#size += 1;
    if (span.isEntry && !trace.isDue) {
      trace.isDue = true;
      this.#due.push({ atMs: nowMs + graceMs, traceId });
    }
    return 'kept';
  }

  #traceOf(traceId: string, nowMs: number): Trace {
    const known = this.#traces.get(traceId);
    if (known) return known;
    const trace = { sinceMs: nowMs, spans: new Map(), done: new Set<string>(), isDue: false, isTooLarge: false };
    this.#traces.set(traceId, trace);
    return trace;
  }

  /** The requests that are whole by now, as far as anybody can tell. */
  take(nowMs: number): BrokenDown[] {
    const found: BrokenDown[] = [];
    let due = 0;
    for (; due < this.#due.length && this.#due[due]!.atMs <= nowMs; due += 1) {
      const trace = this.#traces.get(this.#due[due]!.traceId);
      if (trace) found.push(...this.#takeTrace(trace));
    }
    this.#due.splice(0, due);
    for (const [traceId, { sinceMs, spans }] of this.#traces) {
      if (sinceMs > nowMs - keepMs) break;
      this.#size -= spans.size;
      this.#traces.delete(traceId);
    }
    return found;
  }

  get isEmpty(): boolean {
    return this.#traces.size === 0;
  }

  #takeTrace(trace: Trace): BrokenDown[] {
    trace.isDue = false;
    // A request within a request of the same process is a part of it.
    const entries = [...trace.spans.values()].filter(({ isEntry, parentId }) => isEntry && !trace.spans.has(parentId));
    const found = entries.map((entry) => breakDown(entry, trace.spans, entries.length === 1));
    for (const id of found.flatMap(({ spans }) => spans)) {
      if (trace.spans.delete(id)) this.#size -= 1;
      if (trace.done.size < maxDone) trace.done.add(id);
    }
    return found;
  }
}

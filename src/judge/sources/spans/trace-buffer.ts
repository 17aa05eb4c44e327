import { type BrokenDown, breakDown, type TimedSpan } from './break-down.ts';

/** How long after a request's own span its parts may come: an SDK hands them in side by side. */
const graceMs = 2000;
/** A trace is forgotten so long after its first span: what comes then is a stray. */
const keepMs = 120_000;
/** Spans of one trace in one process; a larger trace is left out whole: a part of it would tell of other shares. */
const maxSpansOfTrace = 512;
/** Requests that were told are remembered for so long, up to so many, so that what is handed in twice counts once. */
const rememberMs = 15_000;
const maxRemembered = 20_000;

interface Trace {
  readonly sinceMs: number;
  readonly spans: Map<string, TimedSpan>;
  isDue: boolean;
  isTooLarge: boolean;
}

export type Added = 'kept' | 'known' | 'too-large';

/** Spans of one task that wait for the others of their request. */
export class TraceBuffer {
  readonly #traces = new Map<string, Trace>();
  readonly #due: { readonly atMs: number; readonly traceId: string }[] = [];
  /** Requests that were told: those of lately, and those before. */
  #told = new Set<string>();
  #toldBefore = new Set<string>();
  #rotatedAtMs = 0;
  #size = 0;

  /** Spans that are held. */
  get size(): number {
    return this.#size;
  }

  get isEmpty(): boolean {
    return this.#traces.size === 0 && this.#told.size === 0 && this.#toldBefore.size === 0;
  }

  add(traceId: string, span: TimedSpan, nowMs: number): Added {
    const key = traceId + span.id;
    if (span.isEntry && (this.#told.has(key) || this.#toldBefore.has(key))) return 'known';
    const trace = this.#traceOf(traceId, nowMs);
    if (trace.isTooLarge) return 'too-large';
    if (trace.spans.has(span.id)) return 'known';
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
    const trace = { sinceMs: nowMs, spans: new Map(), isDue: false, isTooLarge: false };
    this.#traces.set(traceId, trace);
    return trace;
  }

  /** The requests that are whole by now, as far as anybody can tell. */
  take(nowMs: number): BrokenDown[] {
    this.#rotate(nowMs);
    const found: BrokenDown[] = [];
    let due = 0;
    for (; due < this.#due.length && this.#due[due]!.atMs <= nowMs; due += 1) {
      found.push(...this.#takeTrace(this.#due[due]!.traceId));
    }
    this.#due.splice(0, due);
    for (const [traceId, { sinceMs, spans }] of this.#traces) {
      if (sinceMs > nowMs - keepMs) break;
      this.#size -= spans.size;
      this.#traces.delete(traceId);
    }
    return found;
  }

  #takeTrace(traceId: string): BrokenDown[] {
    const trace = this.#traces.get(traceId);
    if (!trace) return [];
    const { spans } = trace;
    trace.isDue = false;
    // A request within a request of the same process is a part of it.
    const entries = [...spans.values()].filter(({ isEntry, parentId }) => isEntry && !spans.has(parentId));
    const found = entries.map((entry) => breakDown(entry, spans, entries.length === 1));
    for (const id of found.flatMap((one) => one.spans)) {
      if (spans.get(id)?.isEntry) this.#told.add(traceId + id);
      if (spans.delete(id)) this.#size -= 1;
    }
    if (spans.size === 0 && !trace.isTooLarge) this.#traces.delete(traceId);
    return found;
  }

  #rotate(nowMs: number): void {
    if (nowMs - this.#rotatedAtMs < rememberMs && this.#told.size < maxRemembered) return;
    this.#rotatedAtMs = nowMs;
    this.#toldBefore = this.#told;
    this.#told = new Set();
  }
}

/** A span of one process, with the component that its time belongs to. */
export interface TimedSpan {
  readonly id: string;
  readonly parentId: string;
  /** Of a kind with which a request comes into a process: server, consumer. */
  readonly isEntry: boolean;
  readonly startUs: number;
  readonly endUs: number;
  readonly component: string;
}

/** Where the time of one request went. */
export interface BrokenDown {
  /** Microseconds in which at least one call of the component was open and waited for nothing below it. */
  readonly components: ReadonlyMap<string, number>;
  /** Microseconds in which nothing was open but the request itself. */
  readonly selfUs: number;
  readonly requestUs: number;
  /** The spans that it was made of. */
  readonly spans: readonly string[];
}

type Interval = readonly [number, number];

/**
 * One request into a process and all that was done below it *in that process*: so two clocks are never compared.
 * A span's own time is that in which none of its descendants was open; work that outlives the request does not count.
 * Components that run at the same time each have all of it, so that one which hides behind another is seen too.
 * A span whose parent was never handed in belongs to the request when it lies within it and `isOnly` request of its trace.
 *
 * Example: a request of 10 ms with a query from 2 to 6 and a call from 5 to 9: query 4, call 4, self 3.
 */
export function breakDown(entry: TimedSpan, spans: ReadonlyMap<string, TimedSpan>, isOnly: boolean): BrokenDown {
  const order = below(entry, childrenOf(entry, spans, isOnly));
  const clip = ({ startUs, endUs }: TimedSpan): Interval => [
    Math.max(startUs, entry.startUs),
    Math.min(endUs, entry.endUs),
  ];
  // From the leaves up: what is open below each span, and with it.
  const under = new Map<string, readonly Interval[]>();
  const own = new Map<string, Interval[]>();
  let selfUs = 0;
  for (const { span, parent } of order.toReversed()) {
    const covered = union(under.get(span.id) ?? []);
    const [from, to] = clip(span);
    const free = from < to ? without([from, to], covered) : [];
    if (span === entry) selfUs = lengthOf(free);
    else {
      own.set(span.component, [...(own.get(span.component) ?? []), ...free]);
      const whole = from < to ? [...covered, [from, to] as const] : covered;
      under.set(parent!.id, [...(under.get(parent!.id) ?? []), ...whole]);
    }
    under.delete(span.id);
  }
  return {
    components: new Map([...own].map(([component, intervals]) => [component, lengthOf(union(intervals))])),
    selfUs,
    requestUs: entry.endUs - entry.startUs,
    spans: order.map(({ span }) => span.id),
  };
}

/** Whoever hides its parent, or is its own ancestor, is met from above once, or not at all. */
function below(entry: TimedSpan, children: ReadonlyMap<string, readonly TimedSpan[]>) {
  const seen = new Set([entry.id]);
  const order: { readonly span: TimedSpan; readonly parent: TimedSpan | undefined }[] = [
    { span: entry, parent: undefined },
  ];
  for (let at = 0; at < order.length; at += 1) {
    const parent = order[at]!.span;
    for (const span of children.get(parent.id) ?? []) {
      if (seen.has(span.id)) continue;
      seen.add(span.id);
      order.push({ span, parent });
    }
  }
  return order;
}

function childrenOf(entry: TimedSpan, spans: ReadonlyMap<string, TimedSpan>, isOnly: boolean) {
  const children = new Map<string, TimedSpan[]>();
  for (const span of spans.values()) {
    if (span === entry) continue;
    const isStray = isOnly && !spans.has(span.parentId) && isWithin(span, entry);
    const parentId = isStray ? entry.id : span.parentId;
    const list = children.get(parentId);
    if (list) list.push(span);
    else children.set(parentId, [span]);
  }
  return children;
}

function isWithin(span: TimedSpan, entry: TimedSpan): boolean {
  return span.startUs >= entry.startUs && span.endUs <= entry.endUs;
}

/** Sorted, and without overlaps. */
function union(intervals: readonly Interval[]): Interval[] {
  if (intervals.length < 2) return [...intervals];
  const sorted = [...intervals].sort((a, b) => a[0] - b[0]);
  const merged: [number, number][] = [];
  for (const [from, to] of sorted) {
    const last = merged.at(-1);
    if (last && from <= last[1]) last[1] = Math.max(last[1], to);
    else merged.push([from, to]);
  }
  return merged;
}

/** What is left of an interval without others that are sorted and do not overlap. */
function without([start, end]: Interval, covered: readonly Interval[]): Interval[] {
  const left: Interval[] = [];
  let at = start;
  for (const [from, to] of covered) {
    if (from > at) left.push([at, Math.min(from, end)]);
    at = Math.max(at, to);
    if (at >= end) return left;
  }
  left.push([at, end]);
  return left;
}

function lengthOf(intervals: readonly Interval[]): number {
  return intervals.reduce((sum, [from, to]) => sum + Math.max(0, to - from), 0);
}

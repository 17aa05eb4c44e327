import type { HostId, Selector, TaskIndex } from '../model/index.ts';
import { phaseCountOf } from '../model/index.ts';

/** Where a task is, for selectors by place and for the order of spread. */
export interface TaskPlace {
  readonly index: TaskIndex;
  readonly host: HostId | undefined;
  readonly labels: Readonly<Record<string, string>>;
}

/**
 * The members of a phase: everybody of the phases before it, and what it selects, in the order in which they are
 * taken: that of the spread, unless a strategy has its own. `count` and `percent` are cumulative over the job: `25 %` of
 * 12 after a phase of 1 adds two.
 */
export function selectMembers(
  selector: Selector,
  places: readonly TaskPlace[],
  before: readonly TaskIndex[],
  order?: readonly TaskIndex[],
): readonly TaskIndex[] {
  const present = new Set(places.map((place) => place.index));
  const kept = before.filter((index) => present.has(index));
  const taken = new Set(kept);
  const added = new Set<TaskIndex>();
  for (const index of chosenBy(selector, places, kept, order))
    if (present.has(index) && !taken.has(index)) added.add(index);
  // An order is looked at only as far as somebody is still sought in it: most phases take a few of many thousands.
  const members = [...kept];
  const until = kept.length + added.size;
  if (until > kept.length) {
    for (const index of order ?? spread(places)) {
      if (added.has(index)) members.push(index);
      if (members.length === until) break;
    }
  }
  return members;
}

function chosenBy(
  selector: Selector,
  places: readonly TaskPlace[],
  before: readonly TaskIndex[],
  order: readonly TaskIndex[] | undefined,
): ReadonlySet<TaskIndex> {
  if ('count' in selector || 'percent' in selector) {
    const count = phaseCountOf(selector, places.length);
    if (count >= places.length) return new Set(places.map((place) => place.index));
    return firstOf(count, before, order ?? spread(places, before));
  }
  // Nobody of the job's own: who they are is for the rollout to say.
  if ('secondSet' in selector) return new Set();
  if ('tasks' in selector) return new Set(selector.tasks);
  if ('region' in selector) return labelled('region', selector.region, places);
  if ('rack' in selector) return labelled('rack', selector.rack, places);
  if ('label' in selector) return labelled(selector.label.key, selector.label.value, places);
  if ('union' in selector) return new Set(selector.union.flatMap((one) => [...chosenBy(one, places, before, order)]));
  const [from, less] = selector.difference;
  const removed = chosenBy(less, places, before, order);
  return new Set([...chosenBy(from, places, before, order)].filter((index) => !removed.has(index)));
}

function firstOf(count: number, before: readonly TaskIndex[], order: Iterable<TaskIndex>): ReadonlySet<TaskIndex> {
  const chosen = new Set(before.slice(0, count));
  if (chosen.size >= count) return chosen;
  for (const index of order) {
    chosen.add(index);
    if (chosen.size >= count) break;
  }
  return chosen;
}

function labelled(key: string, value: string, places: readonly TaskPlace[]): ReadonlySet<TaskIndex> {
  return new Set(places.filter((place) => place.labels[key] === value).map((place) => place.index));
}

/**
 * An order whose every beginning is spread over regions, then racks, then hosts: always the place next from which
 * fewest were taken. Two racks with 0, 1, 2 and 3, 4 → 0, 3, 1, 4, 2.
 */
export function inSpread(places: readonly TaskPlace[], taken: readonly TaskIndex[] = []): TaskIndex[] {
  return [...spread(places, taken)];
}

/** The same, made as far as somebody looks. */
function* spread(places: readonly TaskPlace[], taken: readonly TaskIndex[] = []): Iterable<TaskIndex> {
  const root = domainTree(places, new Set(taken));
  while (root.inner.length > 0) yield takeNext(root);
}

/** A region, rack or host: how many were taken from it, and who waits in it. Its best part stands first. */
interface Domain {
  taken: number;
  /** A heap of racks or hosts in which anybody waits. */
  inner: Domain[];
  /** Of a host: lowest index last. */
  waiting: TaskIndex[];
}

function domainTree(places: readonly TaskPlace[], taken: ReadonlySet<TaskIndex>): Domain {
  const root: Domain = { taken: 0, inner: [], waiting: [] };
  const known = new Map<string, Domain>();
  // Tasks of one host mostly share its labels: then their domains are looked up once.
  const paths = new Map<
    HostId | undefined,
    { readonly labels: TaskPlace['labels']; readonly path: readonly Domain[] }
  >();
  for (const place of places) {
    const { index, host, labels } = place;
    let found = paths.get(host);
    if (found === undefined || found.labels !== labels) {
      found = { labels, path: pathTo(place, root, known) };
      paths.set(host, found);
    }
    if (taken.has(index)) for (const domain of found.path) domain.taken += 1;
    else found.path[2]!.waiting.push(index);
  }
  arrange(root);
  return root;
}

/** Region, rack and host of a place, made when nobody was there before. */
function pathTo(place: TaskPlace, root: Domain, known: Map<string, Domain>): readonly Domain[] {
  let outer = root;
  return domainsOf(place).map((key) => {
    let domain = known.get(key);
    if (domain === undefined) {
      domain = { taken: 0, inner: [], waiting: [] };
      known.set(key, domain);
      outer.inner.push(domain);
    }
    outer = domain;
    return domain;
  });
}

function arrange(domain: Domain): void {
  domain.waiting.sort((a, b) => b - a);
  for (const part of domain.inner) arrange(part);
  domain.inner = domain.inner.filter(isWaitedIn);
  for (let at = domain.inner.length >> 1; at >= 0; at--) sink(domain.inner, at);
}

function isWaitedIn({ inner, waiting }: Domain): boolean {
  return inner.length + waiting.length > 0;
}

function takeNext(domain: Domain): TaskIndex {
  const best = domain.inner[0];
  if (best === undefined) return domain.waiting.pop()!;
  const index = takeNext(best);
  best.taken += 1;
  if (!isWaitedIn(best)) {
    const last = domain.inner.pop()!;
    if (last !== best) domain.inner[0] = last;
  }
  sink(domain.inner, 0);
  return index;
}

function sink(heap: Domain[], from: number): void {
  for (let at = from; ; ) {
    let least = at;
    for (const child of [2 * at + 1, 2 * at + 2])
      if (child < heap.length && isBefore(heap[child]!, heap[least]!)) least = child;
    if (least === at) return;
    [heap[at], heap[least]] = [heap[least]!, heap[at]!];
    at = least;
  }
}

/** Fewest taken from the domain, then from its best part, and so on; the lowest index where all are equal. */
function isBefore(one: Domain, other: Domain): boolean {
  let [a, b] = [one, other];
  for (;;) {
    if (a.taken !== b.taken) return a.taken < b.taken;
    const [innerA, innerB] = [a.inner[0], b.inner[0]];
    if (innerA === undefined || innerB === undefined) return a.waiting.at(-1)! < b.waiting.at(-1)!;
    [a, b] = [innerA, innerB];
  }
}

/** Region, rack within it, host within that. */
export function domainsOf(place: TaskPlace): readonly [string, string, string] {
  const region = `r:${place.labels.region ?? ''}`;
  const rack = `${region}/k:${place.labels.rack ?? ''}`;
  return [region, rack, `${rack}/h:${place.host ?? ''}`];
}

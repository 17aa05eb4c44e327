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
 * taken. `count` and `percent` are cumulative over the job: `25 %` of 12 after a phase of 1 adds two.
 */
export function selectMembers(
  selector: Selector,
  places: readonly TaskPlace[],
  before: readonly TaskIndex[],
): readonly TaskIndex[] {
  const present = new Set(places.map((place) => place.index));
  const kept = before.filter((index) => present.has(index));
  const taken = new Set(kept);
  const chosen = chosenBy(selector, places, kept);
  return [...kept, ...inSpread(places).filter((index) => chosen.has(index) && !taken.has(index))];
}

function chosenBy(
  selector: Selector,
  places: readonly TaskPlace[],
  before: readonly TaskIndex[],
): ReadonlySet<TaskIndex> {
  if ('count' in selector || 'percent' in selector)
    return firstOf(phaseCountOf(selector, places.length), places, before);
  if ('tasks' in selector) return new Set(selector.tasks);
  if ('region' in selector) return labelled('region', selector.region, places);
  if ('rack' in selector) return labelled('rack', selector.rack, places);
  if ('label' in selector) return labelled(selector.label.key, selector.label.value, places);
  if ('union' in selector) return new Set(selector.union.flatMap((one) => [...chosenBy(one, places, before)]));
  const [from, less] = selector.difference;
  const removed = chosenBy(less, places, before);
  return new Set([...chosenBy(from, places, before)].filter((index) => !removed.has(index)));
}

function firstOf(count: number, places: readonly TaskPlace[], before: readonly TaskIndex[]): ReadonlySet<TaskIndex> {
  const chosen = new Set(before.slice(0, count));
  for (const index of inSpread(places, before)) {
    if (chosen.size >= count) break;
    chosen.add(index);
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
  const counts = new Map<string, number>();
  const byHost = new Map<string, { keys: readonly string[]; waiting: TaskPlace[] }>();
  const isTaken = new Set(taken);
  for (const place of places) {
    const keys = domainsOf(place);
    if (isTaken.has(place.index)) for (const key of keys) counts.set(key, (counts.get(key) ?? 0) + 1);
    else {
      const key = keys[2] as string;
      const group = byHost.get(key);
      if (group === undefined) byHost.set(key, { keys, waiting: [place] });
      else group.waiting.push(place);
    }
  }
  const groups = [...byHost.values()];
  for (const group of groups) group.waiting.sort((a, b) => b.index - a.index);
  const order: TaskIndex[] = [];
  while (groups.length > 0) {
    let best = 0;
    for (let at = 1; at < groups.length; at++) if (isBefore(groups[at]!, groups[best]!, counts)) best = at;
    const group = groups[best]!;
    order.push((group.waiting.pop() as TaskPlace).index);
    for (const key of group.keys) counts.set(key, (counts.get(key) ?? 0) + 1);
    if (group.waiting.length === 0) groups.splice(best, 1);
  }
  return order;
}

interface Group {
  readonly keys: readonly string[];
  readonly waiting: readonly TaskPlace[];
}

function isBefore(a: Group, b: Group, counts: ReadonlyMap<string, number>): boolean {
  for (let level = 0; level < 3; level++) {
    const difference = (counts.get(a.keys[level]!) ?? 0) - (counts.get(b.keys[level]!) ?? 0);
    if (difference !== 0) return difference < 0;
  }
  return a.waiting.at(-1)!.index < b.waiting.at(-1)!.index;
}

/** Region, rack within it, host within that. */
export function domainsOf(place: TaskPlace): readonly [string, string, string] {
  const region = `r:${place.labels.region ?? ''}`;
  const rack = `${region}/k:${place.labels.rack ?? ''}`;
  return [region, rack, `${rack}/h:${place.host ?? ''}`];
}

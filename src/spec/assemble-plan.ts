import type { PhaseSpec, PlanSpec, Selector } from '../model/index.ts';
import type { Leaf, PhaseSetting, Resolved } from './layers.ts';
import type { OriginBook } from './origins.ts';
import { readSelect } from './shorthand.ts';

/** The phases of one environment's deployments, and how they meet other releases. */
export function assemblePlan(
  values: Resolved['values'],
  isMeasured: boolean,
  path: string,
  book: OriginBook,
): PlanSpec {
  const taken = new Set<string>();
  const phases = values.phases.value.map((phase) => {
    const select = readSelect(phase.select);
    const name = phase.name ?? freeName(nameOf(select), taken);
    taken.add(name);
    return assemblePhase({ phase, select, name }, values, isMeasured, `${path}.phases.${name}`, book);
  });
  const { value: strategy } = values.strategy;
  const beside = typeof strategy === 'object' && 'blueGreen' in strategy ? strategy.blueGreen : undefined;
  const first = phases[0]!;
  return {
    // A second set that nobody has touched yet goes all at once, and bakes in traffic while the first one is kept.
    phases: beside === undefined ? phases : [secondSetPhase(first, beside.keepOldMs, path, book), ...phases],
    newcomers: book.at(`${path}.newcomers`, values.newcomers),
    overlap: book.at(`${path}.overlap`, values.overlap),
    watchMs: book.at(`${path}.watchMs`, values.watchMs),
    forwardOnly: book.at(`${path}.forwardOnly`, values.forwardOnly),
    strategy: book.at(`${path}.strategy`, values.strategy),
  };
}

function secondSetPhase(like: PhaseSpec, keepOldMs: number, path: string, book: OriginBook): PhaseSpec {
  const at = `${path}.phases.second-set`;
  return {
    name: book.derived(`${at}.name`, 'second-set'),
    select: book.derived(`${at}.select`, { secondSet: true as const }),
    concurrency: book.derived(`${at}.concurrency`, { percent: 100 }),
    minBakeMs: book.derived(`${at}.minBakeMs`, keepOldMs),
    maxBakeMs: book.derived(`${at}.maxBakeMs`, keepOldMs),
    onFail: book.derived(`${at}.onFail`, like.onFail),
    onUndecided: book.derived(`${at}.onUndecided`, like.onUndecided),
  };
}

function assemblePhase(
  { phase, select, name }: { phase: PhaseSetting; select: Selector; name: string },
  values: Resolved['values'],
  isMeasured: boolean,
  path: string,
  book: OriginBook,
): PhaseSpec {
  const { layer } = values.phases;
  const own = <T>(value: T | undefined, setting: Leaf<T>): Leaf<T> =>
    value === undefined ? setting : { value, layer };
  const bake = bakeOf(own(phase.minBakeMs, values.minBakeMs), own(phase.maxBakeMs, values.maxBakeMs), isMeasured);
  const isNamed = phase.name !== undefined;
  return {
    name: isNamed ? book.at(`${path}.name`, { value: name, layer }) : book.derived(`${path}.name`, name),
    select: book.at(`${path}.select`, { value: select, layer }),
    concurrency: book.at(`${path}.concurrency`, own(phase.concurrency, values.concurrency)),
    minBakeMs: book.at(`${path}.minBakeMs`, bake.min),
    maxBakeMs: book.at(`${path}.maxBakeMs`, bake.max),
    onFail: book.at(`${path}.onFail`, own(phase.onFail, values.onFail)),
    onUndecided: book.at(`${path}.onUndecided`, own(phase.onUndecided, values.onUndecided)),
  };
}

/**
 * Shortest and longest watch. Where nothing is measured more time shows nothing new, so both are the shortest, unless
 * the user says otherwise. A default never contradicts what the user says about the other end.
 */
function bakeOf(min: Leaf<number>, max: Leaf<number>, isMeasured: boolean): { min: Leaf<number>; max: Leaf<number> } {
  const derived = (value: number): Leaf<number> => ({ value, layer: 'derived' });
  if (isDefault(max) && (!isMeasured || max.value < min.value)) return { min, max: derived(min.value) };
  if (isDefault(min) && min.value > max.value) return { min: derived(max.value), max };
  return { min, max };
}

function isDefault({ layer }: Leaf<unknown>): boolean {
  return layer !== 'service' && !layer.startsWith('environment ');
}

function nameOf(select: Selector): string {
  if ('percent' in select)
    return select.percent === 100 ? 'all' : `percent-${String(select.percent).replace('.', '-')}`;
  if ('count' in select) return select.count === 1 ? 'one-task' : `tasks-${select.count}`;
  if ('region' in select) return slug(`region-${select.region}`);
  if ('rack' in select) return slug(`rack-${select.rack}`);
  if ('label' in select) return slug(`${select.label.key}-${select.label.value}`);
  if ('secondSet' in select) return 'second-set';
  return 'tasks' in select ? 'tasks' : 'group';
}

function slug(text: string): string {
  const plain = text
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^[^a-z]+|-+$/g, '');
  return plain.slice(0, 30) || 'group';
}

function freeName(name: string, taken: ReadonlySet<string>): string {
  if (!taken.has(name)) return name;
  let n = 2;
  while (taken.has(`${name}-${n}`)) n += 1;
  return `${name}-${n}`;
}

import { noLimits, noSharedLimits } from '../src/disruption/index.ts';
import { calmNetwork, healthy } from '../src/drivers/simulated/index.ts';
import type { VersionId } from '../src/model/index.ts';
import type { Happening, Scenario } from './scenario.ts';

/** Which promise a scenario breaks; undefined: none. */
export type Judge = (scenario: Scenario) => Promise<string | undefined> | string | undefined;

export interface Shrunk {
  readonly scenario: Scenario;
  /** The promise it still breaks. */
  readonly breaks: string;
  readonly tried: number;
}

/**
 * Makes a failing scenario short: leaves out what happens, half of it at a time, then one by one, then everything that
 * is not plain about the world, as long as the same promise is still broken. Deterministic, like the runs it makes.
 */
export async function shrink(failing: Scenario, judge: Judge, most = 400): Promise<Shrunk> {
  const breaks = await judge(failing);
  if (breaks === undefined) throw new Error(`the scenario of seed ${failing.seed} does not fail`);
  let scenario = failing;
  let tried = 1;
  const takes = async (shorter: Scenario): Promise<boolean> => {
    if (tried >= most) return false;
    tried += 1;
    if ((await judge(shorter)) !== breaks) return false;
    scenario = shorter;
    return true;
  };
  for (let isShorter = true; isShorter && tried < most; ) {
    isShorter = await withoutSome(() => scenario, takes);
    for (const plainer of plainWorlds) {
      const next = plainer(scenario);
      if (next !== undefined && (await takes(next))) isShorter = true;
    }
  }
  return { scenario, breaks, tried };
}

async function withoutSome(current: () => Scenario, takes: (shorter: Scenario) => Promise<boolean>): Promise<boolean> {
  let isShorter = false;
  for (let size = Math.ceil(current().happenings.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let from = current().happenings.length - size; from > -size; from -= size) {
      const { happenings } = current();
      const left = [...happenings.slice(0, Math.max(0, from)), ...happenings.slice(from + size)];
      if (left.length < happenings.length && (await takes({ ...current(), happenings: left }))) isShorter = true;
    }
  }
  return isShorter;
}

type Plainer = (scenario: Scenario) => Scenario | undefined;

/** Each makes one thing plain; undefined: it is already. */
const plainWorlds: readonly Plainer[] = [
  (one) => (one.limits === noLimits ? undefined : { ...one, limits: noLimits }),
  (one) => (one.shared === noSharedLimits ? undefined : { ...one, shared: noSharedLimits }),
  (one) => (one.sibling === undefined ? undefined : { ...one, sibling: undefined }),
  (one) => (one.watchMs === undefined ? undefined : { ...one, watchMs: undefined }),
  (one) => (one.voice === undefined ? undefined : { ...one, voice: undefined }),
  (one) => (one.forwardOnly ? { ...one, forwardOnly: false } : undefined),
  (one) => (one.network === calmNetwork ? undefined : { ...one, network: calmNetwork }),
  (one) => (one.judge === 'decides' ? undefined : { ...one, judge: 'decides' }),
  ({ size, ...one }) => (size > 4 ? { ...one, size: Math.max(4, size >> 1) } : undefined),
  (one) => withPlainVersions(one),
  (one) => withShortFaults(one),
];

function withPlainVersions(one: Scenario): Scenario | undefined {
  const deployed = new Set<string>(one.happenings.flatMap((h) => (h.kind === 'deploy' ? [h.to] : [])));
  const ids = Object.keys(one.versions) as VersionId[];
  const isPlain = (id: VersionId): boolean => deployed.has(id) || one.versions[id] === healthy;
  if (ids.every(isPlain)) return undefined;
  const versions = Object.fromEntries(ids.map((id) => [id, isPlain(id) ? one.versions[id]! : healthy]));
  return { ...one, versions };
}

/** Halves what lasts longer than two seconds. */
function withShortFaults(one: Scenario): Scenario | undefined {
  const halved = (happening: Happening): Happening => {
    if (!('forMs' in happening) || happening.forMs === undefined || happening.forMs < 2000) return happening;
    return { ...happening, forMs: happening.forMs >> 1 } as Happening;
  };
  const happenings = one.happenings.map(halved);
  return happenings.some((happening, at) => happening !== one.happenings[at]) ? { ...one, happenings } : undefined;
}

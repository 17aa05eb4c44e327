import type { Sample, TaskIndex } from '../model/index.ts';
import type { JudgePlan } from './port.ts';

export const nobody = 0;
export const oldGroup = 1;
export const newGroup = 2;
/** Age of a task whose life began before anything was seen of it. */
export const matureAge = 30_000;

/**
 * Who owns each bin of each task: the version that ran for the whole of it. Row-major, `task * bins + bin`.
 * Bins in which a task was updated, drained, started or warmed up, and bins of third versions, belong to nobody.
 */
export interface BinTable {
  readonly binMs: number;
  /** Number of the first bin since the epoch. */
  readonly firstBin: number;
  readonly bins: number;
  readonly tasks: readonly TaskIndex[];
  readonly group: Int8Array;
  /** The same whether it served or not, warm-up and all: for what happens to a task rather than in it. */
  readonly owner?: Int8Array | undefined;
  /** Bins since this life of the task began to serve. */
  readonly age: Int16Array;
  /** Per task: the first bin that it spent as a new task, or `bins`. */
  readonly newSince: Int32Array;
  /** Per task: its past as an old task ends before this bin. */
  readonly frozenAt: Int32Array;
  /** Per task: the region whose shocks it shares. */
  readonly domain: Int32Array;
  readonly domains: number;
  readonly domainNames?: readonly string[] | undefined;
}

const unseen = 0;
const serving = 1;
const other = 2;

/** Forms the groups from what each sample says of its task at that time. The order of samples does not matter. */
export function buildBinTable(
  plan: Pick<JudgePlan, 'spec' | 'newVersion' | 'oldVersions' | 'updates'>,
  samples: readonly Sample[],
  fromMs: number,
  toMs: number,
): BinTable {
  const { binMs, warmupMs } = plan.spec;
  const firstBin = Math.floor(fromMs / binMs);
  const bins = Math.max(0, Math.floor(toMs / binMs) - firstBin);
  const regionOf = new Map<TaskIndex, string>();
  for (const { index, labels } of samples) if (!regionOf.has(index)) regionOf.set(index, labels.region ?? '');
  const tasks = [...regionOf.keys()].sort((a, b) => a - b);
  const regions = [...new Set(regionOf.values())].sort();
  const size = tasks.length * bins;
  const rowOf = new Map(tasks.map((index, row) => [index, row]));

  const seen = new Int8Array(size);
  const incarnation = new Int32Array(size);
  const isNew = new Int8Array(size);
  const isThird = new Int8Array(size);
  for (const sample of samples) {
    const bin = binOf(sample, binMs) - firstBin;
    if (bin < 0 || bin >= bins || sample.toMs - sample.fromMs > 1.5 * binMs) continue;
    const at = rowOf.get(sample.index)! * bins + bin;
    const isOwn = sample.version === plan.newVersion;
    const third = !isOwn && plan.oldVersions !== undefined && !plan.oldVersions.includes(sample.version);
    const state = sample.state === 'serving' ? serving : other;
    const isSame = incarnation[at] === sample.incarnation && isNew[at] === Number(isOwn);
    if (seen[at] === unseen) seen[at] = state;
    else if (!isSame || state === other) seen[at] = other;
    if (sample.incarnation < incarnation[at]!) continue;
    incarnation[at] = sample.incarnation;
    isNew[at] = Number(isOwn);
    isThird[at] = Number(third);
  }

  const frozenAt = new Int32Array(tasks.length).fill(bins);
  for (const { index, admittedAtMs } of plan.updates) {
    const row = rowOf.get(index);
    if (row === undefined) continue;
    frozenAt[row] = Math.min(frozenAt[row]!, Math.max(0, Math.floor(admittedAtMs / binMs) - firstBin));
  }
  const group = new Int8Array(size);
  const owner = new Int8Array(size);
  const age = new Int16Array(size);
  const newSince = new Int32Array(tasks.length).fill(bins);
  const warmupBins = Math.max(1, Math.ceil(warmupMs / binMs));
  for (let row = 0; row < tasks.length; row += 1) {
    let bornAt = Number.NEGATIVE_INFINITY;
    let last = -1;
    for (let bin = 0; bin < bins; bin += 1) {
      const at = row * bins + bin;
      if (seen[at] === unseen) continue;
      if (isThird[at] === 0) owner[at] = isNew[at] === 1 ? newGroup : bin < frozenAt[row]! ? oldGroup : nobody;
      const before = last === -1 ? undefined : row * bins + last;
      const isBorn =
        before === undefined
          ? bin > 3
          : incarnation[before] !== incarnation[at] || (seen[at] === serving && seen[before] !== serving);
      if (isBorn) bornAt = bin;
      last = bin;
      if (seen[at] !== serving) continue;
      age[at] = Math.min(matureAge, bin - bornAt);
      if (isThird[at] === 1 || age[at]! < warmupBins) continue;
      if (isNew[at] === 1) {
        group[at] = newGroup;
        newSince[row] = Math.min(newSince[row]!, bin);
      } else if (bin < frozenAt[row]!) group[at] = oldGroup;
    }
  }
  const domain = Int32Array.from(tasks, (index) => regions.indexOf(regionOf.get(index)!));
  return {
    binMs,
    firstBin,
    bins,
    tasks,
    group,
    owner,
    age,
    newSince,
    frozenAt,
    domain,
    domains: regions.length,
    domainNames: regions,
  };
}

/** The middle decides, as in the sample store. */
export function binOf(sample: Pick<Sample, 'fromMs' | 'toMs'>, binMs: number): number {
  return Math.floor((sample.fromMs + sample.toMs) / 2 / binMs);
}

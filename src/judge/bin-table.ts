import type { Sample, TaskIndex, VersionId } from '../model/index.ts';
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

export const unseen = 0;
export const serving = 1;
export const notServing = 2;

/** Who each task was in each bin, as its samples say; row-major, `task * bins + bin`. */
export interface BinOwners {
  readonly firstBin: number;
  readonly bins: number;
  readonly tasks: readonly { readonly index: TaskIndex; readonly region: string }[];
  /** `unseen`, `serving` or `notServing`, which is also who was two in one bin. */
  readonly seen: Uint8Array;
  readonly incarnation: Int32Array;
  /** Place in `versions`. */
  readonly version: Uint16Array;
  readonly versions: readonly VersionId[];
}

/** Forms the groups: a bin belongs to the version that ran for the whole of it. */
export function tableOf(
  plan: Pick<JudgePlan, 'spec' | 'newVersion' | 'oldVersions' | 'updates'>,
  { firstBin, bins, tasks: owned, seen, incarnation, version, versions }: BinOwners,
): BinTable {
  const { binMs, warmupMs } = plan.spec;
  const tasks = owned.map(({ index }) => index);
  const regions = [...new Set(owned.map(({ region }) => region))].sort();
  const size = tasks.length * bins;
  const rowOf = new Map(tasks.map((index, row) => [index, row]));
  const kindOf = Uint8Array.from(versions, (id) => {
    if (id === plan.newVersion) return newGroup;
    return plan.oldVersions === undefined || plan.oldVersions.includes(id) ? oldGroup : nobody;
  });

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
    const frozen = frozenAt[row]!;
    let bornAt = Number.NEGATIVE_INFINITY;
    let before = -1;
    for (let bin = 0; bin < bins; bin += 1) {
      const at = row * bins + bin;
      if (seen[at] === unseen) continue;
      const kind = kindOf[version[at]!]!;
      // What a task does once its update was admitted is no baseline any more.
      const whose = kind === oldGroup && bin >= frozen ? nobody : kind;
      owner[at] = whose;
      const isBorn =
        before === -1
          ? bin > 3
          : incarnation[before] !== incarnation[at] || (seen[at] === serving && seen[before] !== serving);
      if (isBorn) bornAt = bin;
      before = at;
      if (seen[at] !== serving) continue;
      age[at] = Math.min(matureAge, bin - bornAt);
      if (whose === nobody || age[at]! < warmupBins) continue;
      group[at] = whose;
      if (whose === newGroup && newSince[row] === bins) newSince[row] = bin;
    }
  }
  const domain = Int32Array.from(owned, ({ region }) => regions.indexOf(region));
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

/** The rows of one region; of all of them where none is named. */
export function rowsOf({ tasks, domain: domains }: BinTable, domain?: number | undefined): number[] {
  const rows: number[] = [];
  for (let row = 0; row < tasks.length; row += 1) {
    if (domain === undefined || domains[row] === domain) rows.push(row);
  }
  return rows;
}

/** The first bin in which one of these tasks is new; `bins`: none of them ever is. */
export function firstNew({ newSince, bins }: BinTable, rows: readonly number[]): number {
  return rows.reduce((least, row) => Math.min(least, newSince[row]!), bins);
}

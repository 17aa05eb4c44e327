import type { LedgerOperation, TaskFacts } from '../../disruption/index.ts';
import type { Placement } from '../../fleet/index.ts';
import type { AssignmentRow, JobId, TaskIndex } from '../../model/index.ts';
import type { JobDecision, JobState } from '../state.ts';

/** The rows of a job that only its own decisions write, always under its guard: one per index, and the ledger. */
export interface JobRows {
  readonly assignment: ReadonlyMap<TaskIndex, AssignmentRow>;
  readonly tasks: ReadonlyMap<TaskIndex, TaskFacts>;
  /** Live ones, by id. */
  readonly operations: readonly LedgerOperation[];
  /** Of this job alone. */
  readonly placements: readonly Placement[];
}

export interface RememberingLimits {
  /** Jobs with fewer indices are read each time. */
  readonly leastIndices: number;
  /** Of all jobs together; those that were not asked for longest go first. */
  readonly mostIndices: number;
}

const defaultLimits: RememberingLimits = { leastIndices: 100, mostIndices: 60_000 };

/**
 * What this process last read or committed of large jobs, by the revision of the job's guard. Whoever writes these rows
 * raises that revision in the same transaction, so that the same revision means the same rows, whoever wrote them; any
 * other is read from the store. Only a cache: it is lost with the process, and nothing is decided differently without.
 */
export class RememberedJobs {
  readonly #limits: RememberingLimits;
  /** In the order in which they were last asked for. */
  readonly #jobs = new Map<JobId, { readonly revision: number; readonly rows: JobRows }>();
  #indices = 0;

  constructor(limits: RememberingLimits = defaultLimits) {
    this.#limits = limits;
  }

  at(job: JobId, revision: number): JobRows | undefined {
    const known = this.#jobs.get(job);
    if (known === undefined || known.revision !== revision) return undefined;
    this.#jobs.delete(job);
    this.#jobs.set(job, known);
    return known.rows;
  }

  keep(job: JobId, revision: number, rows: JobRows): void {
    this.forget(job);
    const indices = sizeOf(rows);
    if (indices < this.#limits.leastIndices || indices > this.#limits.mostIndices) return;
    this.#jobs.set(job, { revision, rows });
    this.#indices += indices;
    for (const oldest of this.#jobs.keys()) {
      if (this.#indices <= this.#limits.mostIndices) return;
      this.forget(oldest);
    }
  }

  /** Some tasks of a job were written by themselves, which raised this revision by one. */
  change(job: JobId, revision: number, tasks: ReadonlyMap<TaskIndex, TaskFacts>): void {
    const known = this.#jobs.get(job);
    if (known?.revision !== revision) return;
    const all = new Map(known.rows.tasks);
    for (const [index, task] of tasks) all.set(index, task);
    this.#jobs.set(job, { revision: revision + 1, rows: { ...known.rows, tasks: all } });
  }

  forget(job: JobId): void {
    const known = this.#jobs.get(job);
    if (known === undefined) return;
    this.#jobs.delete(job);
    this.#indices -= sizeOf(known.rows);
  }
}

function sizeOf({ assignment, tasks }: JobRows): number {
  return Math.max(assignment.size, tasks.size);
}

/** These rows as they were read. */
export function rowsOf({ assignment, tasks, operations, inventory }: JobState): JobRows {
  return { assignment, tasks, operations, placements: inventory.placements };
}

/** These rows after a decision that was committed, in the order in which the store gives them. */
export function rowsAfter(decision: JobDecision, before: JobRows): JobRows {
  const { after } = decision;
  return {
    assignment: after.assignment === before.assignment ? before.assignment : byIndex(after.assignment),
    tasks: after.tasks === before.tasks ? before.tasks : byIndex(after.tasks),
    operations: sorted(after.operations, (a, b) => (a.id < b.id ? -1 : 1)),
    placements: placementsAfter(decision, before.placements),
  };
}

/** A claim that is made again takes the place of the one before; most decisions make none, or a few of thousands. */
function placementsAfter({ changed }: JobDecision, before: readonly Placement[]): readonly Placement[] {
  const { placed, unplaced } = changed;
  if (placed.length === 0 && unplaced.length === 0) return before;
  const isTouched = new Set([...placed, ...unplaced].map(({ index }) => index));
  const claims = new Map<string, Placement>();
  for (const claim of before) if (isTouched.has(claim.index)) claims.set(keyOf(claim), claim);
  for (const claim of placed) claims.set(keyOf(claim), claim);
  for (const claim of unplaced) claims.delete(keyOf(claim));
  const order = (a: Placement, b: Placement): number => a.index - b.index || a.incarnation - b.incarnation;
  const touched = [...claims.values()].sort(order);
  const merged: Placement[] = [];
  let at = 0;
  for (const claim of before) {
    if (isTouched.has(claim.index)) continue;
    for (; at < touched.length && order(touched[at]!, claim) < 0; at++) merged.push(touched[at]!);
    merged.push(claim);
  }
  return merged.concat(touched.slice(at));
}

function keyOf({ index, incarnation }: Pick<Placement, 'index' | 'incarnation'>): string {
  return `${index}/${incarnation}`;
}

/** The same map, unless an index came late. */
function byIndex<T>(map: ReadonlyMap<TaskIndex, T>): ReadonlyMap<TaskIndex, T> {
  let last = -1;
  for (const index of map.keys()) {
    if (index < last) return new Map([...map].sort(([a], [b]) => a - b));
    last = index;
  }
  return map;
}

function sorted<T>(list: readonly T[], order: (a: T, b: T) => number): readonly T[] {
  const isSorted = list.every((one, at) => at === 0 || order(list[at - 1]!, one) < 0);
  return isSorted ? list : [...list].sort(order);
}

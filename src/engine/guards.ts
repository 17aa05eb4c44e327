import { assert } from '../model/index.ts';
import type { Tx } from '../store/index.ts';
import { findRevision, insertGuard, lockRevision, raiseRevision } from './guards-rows.ts';
import type { GuardKind, GuardRef, View } from './port.ts';

/** Everybody locks guards in this order, then by id, so that two commits never wait for each other in a circle. */
const lockOrder: readonly GuardKind[] = ['repository', 'pipeline', 'job', 'host', 'rollout-group', 'maintenance'];

export interface ReadGuard extends GuardRef {
  readonly revision: number;
}

/** A view that remembers the guards it read: what the commit will compare. */
export interface RememberingView extends View {
  readonly guards: ReadonlyMap<string, ReadGuard>;
}

export function openView(tx: Tx): RememberingView {
  const guards = new Map<string, ReadGuard>();
  return {
    tx,
    guards,
    async guard(kind, id) {
      const name = nameOf({ kind, id });
      const known = guards.get(name);
      if (known !== undefined) return known.revision;
      const revision = (await findRevision(tx, { kind, id })) ?? 0;
      guards.set(name, { kind, id, revision });
      return revision;
    },
  };
}

const nameOf = ({ kind, id }: GuardRef): string => `${kind}/${id}`;

/**
 * Somebody else decided meanwhile: load again, decide again. A proposal's `write` throws it where a conditional UPDATE
 * finds that its row is not what the attempt read.
 */
export class Conflict extends Error {}

/** A guard is not what the attempt read. */
export class GuardChanged extends Conflict {
  constructor(guard: GuardRef) {
    super(`the guard ${nameOf(guard)} has changed`);
    this.name = 'GuardChanged';
  }
}

/** Compares all guards that were read, raises those that the decision bumps, and holds all of them until the commit. */
export async function settleGuards(
  tx: Tx,
  read: ReadonlyMap<string, ReadGuard>,
  bump: readonly GuardRef[],
): Promise<void> {
  const bumped = new Set(bump.map(nameOf));
  for (const name of bumped) assert(read.has(name), 'a guard is bumped that was not read first', { name });
  for (const guard of [...read.values()].sort(byLockOrder)) {
    const settle = bumped.has(nameOf(guard)) ? raise : compare;
    if (!(await settle(tx, guard))) throw new GuardChanged(guard);
  }
}

function byLockOrder(a: GuardRef, b: GuardRef): number {
  const byKind = lockOrder.indexOf(a.kind) - lockOrder.indexOf(b.kind);
  return byKind !== 0 ? byKind : a.id < b.id ? -1 : 1;
}

async function raise(tx: Tx, guard: ReadGuard): Promise<boolean> {
  if (await raiseRevision(tx, guard, guard.revision)) return true;
  return guard.revision === 0 && (await insertGuard(tx, guard, 1));
}

async function compare(tx: Tx, guard: ReadGuard): Promise<boolean> {
  const now = await lockRevision(tx, guard);
  // A row that is missing cannot be locked; making it lets whoever bumps it at this moment wait, or us lose.
  if (now === undefined) return guard.revision === 0 && (await insertGuard(tx, guard, 0));
  return now === guard.revision;
}

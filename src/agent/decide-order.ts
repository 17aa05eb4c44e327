import type { ExecuteOrder } from '../api/index.ts';
import type { TaskState } from '../model/index.ts';
import type { IndexMemory } from './memory.ts';

/** An incarnation of this index that was started here. */
export interface HeldTask {
  readonly incarnation: number;
  readonly state: TaskState;
  readonly isWanted: boolean;
}

/**
 * When an order arrives: why it is too old to be run ever, or undefined. Orders of one job carry the job's revision at
 * their admission; an index that has seen a newer one was decided upon again since.
 */
export function whyTooOld(order: ExecuteOrder, memory: IndexMemory): string | undefined {
  if (order.epoch < memory.highestEpoch) return `epoch ${order.epoch} is older than ${memory.highestEpoch}`;
  return undefined;
}

export type Begin =
  | { readonly do: 'replace'; readonly ends: readonly number[] }
  | { readonly do: 'end'; readonly ends: readonly number[] }
  | { readonly do: 'nothing'; readonly outcome: 'refused' | 'cancelled'; readonly reason: string };

/**
 * When its turn comes: what an operation does here. `replace` ends the incarnations named and starts the next one,
 * `end` only ends them. It never touches a newer incarnation than the one it was decided for.
 */
export function decideBegin(order: ExecuteOrder, memory: IndexMemory, held: readonly HeldTask[]): Begin {
  const starts = order.version !== null;
  const highest = memory.highestIncarnation;
  if (starts && order.nextIncarnation <= highest) {
    return refuse(`incarnation ${order.nextIncarnation} is not newer than ${highest}, which was here`);
  }
  if (order.incarnation > 0 && highest > order.incarnation) {
    return refuse(`it expects incarnation ${order.incarnation}, but ${highest} was here`);
  }
  const wanted = held.filter(({ isWanted }) => isWanted);
  const other = wanted.find(({ incarnation }) => incarnation !== order.incarnation);
  if (other && (order.incarnation === 0 || other.incarnation > order.incarnation)) {
    return refuse(
      `it expects ${order.incarnation === 0 ? 'none' : order.incarnation}, but ${other.incarnation} is here`,
    );
  }
  if (order.stillOut !== null && held.some((task) => task.incarnation === order.stillOut && task.state === 'serving')) {
    return { do: 'nothing', outcome: 'cancelled', reason: 'recovered' };
  }
  return { do: starts ? 'replace' : 'end', ends: wanted.map(({ incarnation }) => incarnation) };
}

function refuse(reason: string): Begin {
  return { do: 'nothing', outcome: 'refused', reason };
}

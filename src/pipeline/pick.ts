import type { ActionSpec } from '../model/index.ts';
import type { ReleaseFacts } from './facts.ts';
import { newestFirst } from './order.ts';

export type Picker = ActionSpec['picker'];

/**
 * Which of the releases that wait at an action it takes now. `busy`: releases are in the action already.
 * - `newest`: one at a time, the newest (older ones that still wait are superseded once it is through)
 * - `oldest`: one at a time, the oldest
 * - `every`: all at once; where only one may be in the action (a deploy's target), the oldest
 * - `named`: one at a time, only those a person asked for, the oldest of them
 */
export function pick(
  picker: Picker,
  eligible: readonly ReleaseFacts[],
  busy: number,
  isExclusive: boolean,
): readonly ReleaseFacts[] {
  const sorted = newestFirst(eligible);
  if (picker === 'every' && !isExclusive) return sorted.reverse();
  if (busy > 0 && !isExclusive) return [];
  switch (picker) {
    case 'newest':
      return sorted.slice(0, 1);
    case 'oldest':
    case 'every':
      return sorted.slice(-1);
    case 'named':
      return sorted.filter(({ isNamed }) => isNamed).slice(-1);
  }
}

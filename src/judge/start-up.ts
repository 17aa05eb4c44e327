import { type BinTable, newGroup } from './bin-table.ts';

/** Of a new task so much must have been seen until its start can be told from what it does for ever. */
const least = { bins: 6, ms: 15_000 };
/** The newest third of what was seen, against the first: below this it is still falling. */
const settledRatio = 0.8;

/**
 * Whether new tasks may still be starting: what they use falls, or too little has been seen of any of them to say.
 * Compilers and caches take many times what the task takes later, for as long as a bake of a minute.
 */
export function mayBeStarting({ bins, binMs, group, newSince, tasks }: BinTable, values: Float64Array): boolean {
  const needed = Math.max(least.bins, Math.ceil(least.ms / binMs));
  let [first, newest] = [0, 0];
  for (const row of tasks.keys()) {
    const own: number[] = [];
    for (let bin = newSince[row]!; bin < bins; bin += 1) {
      const at = row * bins + bin;
      if (group[at] === newGroup && !Number.isNaN(values[at]!)) own.push(values[at]!);
    }
    if (own.length < needed) continue;
    const third = Math.floor(own.length / 3);
    first += own.slice(0, third).reduce((sum, value) => sum + value, 0) / third;
    newest += own.slice(-third).reduce((sum, value) => sum + value, 0) / third;
  }
  return !(first > 0) || newest < settledRatio * first;
}

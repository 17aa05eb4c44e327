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

/** How counted events of new tasks went since they are new: in the first third of what was seen of each, and in the newest. */
export interface Course {
  readonly first: Part;
  readonly newest: Part;
  /** Seen of the new task that was seen for the shortest time. */
  readonly bins: number;
}
interface Part {
  readonly events: number;
  /** If they were like old tasks. */
  readonly expected: number;
}
interface Cell extends Part {
  readonly exposure: number;
}

/**
 * Of each task its own first and newest third. What is expected is spread over all of its bins alike: of single bins old
 * tasks say too little (measured: their few slow requests made every second fall look like none).
 */
export function courseOf(tasks: readonly (readonly Cell[])[]): Course {
  const [first, newest] = [
    { events: 0, expected: 0 },
    { events: 0, expected: 0 },
  ];
  const all = tasks.flat();
  const rate =
    all.reduce((sum, { expected }) => sum + expected, 0) / all.reduce((sum, { exposure }) => sum + exposure, 1e-12);
  for (const cells of tasks) {
    const third = Math.floor(cells.length / 3);
    for (const [sum, from] of [
      [first, 0],
      [newest, cells.length - third],
    ] as const) {
      for (let i = from; i < from + third; i += 1) {
        sum.events += cells[i]!.events;
        sum.expected += rate * cells[i]!.exposure;
      }
    }
  }
  return { first, newest, bins: Math.min(...tasks.map(({ length }) => length)) };
}

/** So long caches may need until it shows that they fill; sooner, what falls slowly looks as if it stayed. */
const fillingMs = 60_000;
/** A fall that is this many deviations away from none is taken for one. */
const clearFall = 1;
const clearRise = 3;

/**
 * Whether what is worse about new tasks may be their start: it still falls, or it was not seen for long enough to tell
 * and there is time to wait. Worked example: caches miss 10 % at first, half as much each minute. In the first third of
 * a minute 9.9 times as many requests are slow as with old tasks, in the newest 6.6 times: of the excess 63 % are left.
 */
export function mayBeFilling(
  { first, newest, bins }: Course,
  {
    binMs,
    overdispersion,
    canWait,
  }: { readonly binMs: number; readonly overdispersion: number; readonly canWait: boolean },
): boolean {
  const before = (first.events + 0.5) / (first.expected + 0.5);
  const now = (newest.events + 0.5) / (newest.expected + 0.5);
  const deviation = Math.sqrt(overdispersion * (1 / (first.events + 0.5) + 1 / (newest.events + 0.5)));
  const isYoung = bins < least.bins || bins * binMs < fillingMs;
  // What clearly rises is no start, however young.
  if (isYoung && canWait) return Math.log(now / before) < clearRise * deviation;
  return now - 1 < settledRatio * (before - 1) && Math.log(before / now) > clearFall * deviation;
}

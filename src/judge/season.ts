import type { CheckSpec } from '../model/index.ts';
import type { SeasonalChange } from './port.ts';
import { type HistoryStep, historyKey } from './watch/history-step.ts';
import { bestSeason, guessOf, middleOf, pastOf, spreadOf } from './watch/season.ts';

export interface SeasonWindows {
  /** Of the tasks before they were updated, and since they serve again. */
  readonly before: { readonly fromMs: number; readonly toMs: number };
  readonly now: { readonly fromMs: number; readonly toMs: number };
  readonly stepMs: number;
}

/** Steps of the time before that are looked at: the newest hour of five minutes. */
const mostBefore = 12;
/** A resize beyond this changes what a task does. */
const mostResized = 1.25;

/**
 * Where no old task is left to say what time does to everybody, the job's own past says it: the same change at the same
 * time a day or a week before. Undefined: too little of the past is known, the level is not always above zero, or
 * the past predicts it no better than no change at all.
 */
export function seasonalChange(
  steps: readonly HistoryStep[],
  check: CheckSpec,
  { before, now, stepMs }: SeasonWindows,
): SeasonalChange | undefined {
  const key = historyKey(check);
  const seen = steps.filter((step) => !step.busy && step.levels[key] !== undefined && step.toMs <= before.toMs);
  if (seen.some(({ levels }) => levels[key]!.value !== undefined && levels[key]!.value! <= 0)) return undefined;
  const newest = seen.at(-1)?.levels[key];
  if (newest === undefined) return undefined;
  const quiet = seen.filter(({ levels }) => isAlike(levels[key]!.tasks, newest.tasks));
  const windows = { now: stepsIn(now, stepMs), base: stepsIn(before, stepMs).slice(-mostBefore) };
  const last = windows.now.at(-1)!;
  const read = (list: readonly HistoryStep[]) => middleOf(list.map(({ levels }) => levels[key]!));
  const asked = { ...windows, startMs: before.toMs, stepMs };
  const past = pastOf(quiet, asked, (ours, theirs) => read(ours).log - read(theirs).log);
  const { season, offsetMs, own } = bestSeason(past, last.toMs);
  if (season === undefined) return undefined;
  const length = windows.now.length + windows.base.length;
  const { variance, freedom } = spreadOf(own, { stride: past.stride, length, noise: 0, guess: guessOf(check.metric) });
  return { season, change: past.at(last.toMs - offsetMs)!, deviation: Math.sqrt(variance), freedom };
}

function isAlike(tasks: number, size: number): boolean {
  return Math.max(tasks / size, size / tasks) <= mostResized;
}

/** The steps whose middle lies within, or the one that has the middle of it. */
function stepsIn({ fromMs, toMs }: { fromMs: number; toMs: number }, stepMs: number): HistoryStep[] {
  const first = Math.ceil(fromMs / stepMs - 0.5);
  const end = Math.ceil(toMs / stepMs - 0.5);
  const only = Math.floor((fromMs + toMs) / 2 / stepMs);
  const numbers = end > first ? Array.from({ length: end - first }, (_, at) => first + at) : [only];
  return numbers.map((number) => ({
    fromMs: number * stepMs,
    toMs: (number + 1) * stepMs,
    busy: false,
    levels: {},
  }));
}

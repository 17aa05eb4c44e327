import { oldGroup } from '../bin-table.ts';
import type { Windows } from './windows.ts';

/** Bins before the update that a task is compared with (step 5). */
export const pastBins = 15;

/** An old task: its mean in the window (Q), and in the bins before the update (P). */
interface Control {
  readonly q: number;
  readonly p: number;
}

/** From so many old tasks on, the concurrent ones suffice to know how much tasks differ. */
const manyControls = 40;

/** The windows of one cohort of new tasks. */
export interface CohortWindows {
  readonly from: number;
  readonly to: number;
  /** The cohort's past ends here. */
  readonly frozen: number;
  /** The first bin in which any task is new. */
  readonly since: number;
}

export interface Fit {
  /** How much of a task's past difference goes on, between 0 and 1.2. */
  readonly b: number;
  readonly centre: number;
  /** Variance of what is left. */
  readonly sigma2: number;
  readonly freedom: number;
  readonly tasks: number;
}

/** Steps 5 and 6: what tasks that were old all the time did in the same windows; undefined: they are too few. */
export function fitOldTasks(
  windows: Windows,
  rows: readonly number[],
  { from, to, frozen, since }: CohortWindows,
): Fit | undefined {
  const controlsAt = (shift: number) => controlsIn(windows, rows, from - shift, to - shift, frozen - shift);
  const controls = controlsAt(0);
  if (controls.length < 3) return undefined;
  const earlier = controls.length < manyControls ? earlierControls(controlsAt, { from, to, frozen, since }) : [];
  return fitControls(controls, earlier);
}

/** A task that stopped being old in the middle of the window is not like one that stayed. */
function controlsIn(windows: Windows, rows: readonly number[], from: number, to: number, before: number): Control[] {
  const found: Control[] = [];
  const fewest = Math.max(1, (to - from) * 0.6);
  for (let i = 0; i < rows.length; i += 1) {
    const row = rows[i]!;
    if (windows.count(row, oldGroup, from, to) < fewest) continue;
    if (windows.count(row, oldGroup, before - pastBins, before) === 0) continue;
    found.push({
      q: windows.mean(row, oldGroup, from, to),
      p: windows.mean(row, oldGroup, before - pastBins, before),
    });
  }
  return found;
}

/**
 * The same comparison at times when nothing was updated: windows of the same length, as long before. With ten old
 * tasks the spread between tasks is known from nine numbers, and nothing but a gross harm can be shown; earlier windows
 * of all twenty know it from fifty.
 */
function earlierControls(
  controlsAt: (shift: number) => Control[],
  { from, to, frozen, since }: CohortWindows,
): Control[][] {
  const found: Control[][] = [];
  const step = Math.max(to - from, 5);
  for (let shift = to - since + 1; frozen - shift >= 3 && found.length < 4; shift += step) {
    const controls = controlsAt(shift);
    if (controls.length >= 3) found.push(controls);
  }
  return found;
}

/** How much of a task's past difference goes on (between 0 and 1.2), and the spread of what is left. */
function fitControls(controls: readonly Control[], earlier: readonly (readonly Control[])[]): Fit {
  const all = [controls, ...earlier];
  let above = 0;
  let below = 0;
  for (const group of all) {
    const meanP = meanOf(group, 'p');
    const meanQ = meanOf(group, 'q');
    for (const { q, p } of group) {
      above += (p - meanP) * (q - meanQ);
      below += (p - meanP) * (p - meanP);
    }
  }
  const b = below > 0 ? Math.max(0, Math.min(1.2, above / below)) : 0;
  const squares = all.map((group) => {
    const centre = meanOf(group, 'q') - b * meanOf(group, 'p');
    return group.reduce((sum, { q, p }) => sum + (q - b * p - centre) * (q - b * p - centre), 0);
  });
  const own = { squares: squares[0]!, freedom: Math.max(1, controls.length - 1) };
  const freedom = all.reduce((sum, group) => sum + group.length - 1, 0);
  const pooled = squares.reduce((sum, square) => sum + square, 0) / Math.max(1, freedom);
  // Tasks that differ more now than before: then only now counts.
  const isCalm = own.squares / own.freedom <= 2 * pooled;
  return {
    b,
    centre: meanOf(controls, 'q') - b * meanOf(controls, 'p'),
    sigma2: isCalm ? pooled : own.squares / own.freedom,
    freedom: isCalm ? Math.max(1, freedom) : own.freedom,
    tasks: controls.length,
  };
}

function meanOf(controls: readonly Control[], key: 'q' | 'p'): number {
  return controls.reduce((sum, control) => sum + control[key], 0) / controls.length;
}

import { type BinTable, nobody, oldGroup } from './bin-table.ts';
import type { ClosedBins } from './closed-bins/closed-bins.ts';
import { touches } from './confounders.ts';
import type { CheckData } from './measured-check.ts';
import type { JudgePlan } from './port.ts';

/** Bins without a reading after which a metric of a warm task counts as gone. */
const goneAfterBins = 6;

/**
 * Whether anything at all was read of new tasks lately. If not, their agent or its line is silent, and a metric that
 * is missing says nothing of the version.
 */
export function isHeard(plan: JudgePlan, closed: ClosedBins, table: BinTable): boolean {
  return closed.isHeard(plan.newVersion, (table.firstBin + table.bins - goneAfterBins) * plan.spec.binMs);
}

/** Of a check whose metric does not occur. */
export const noPresence = { onOld: false, onOldNow: false, onNew: false, isDue: false, traffic: 1 };

/** Where a check's metric is present, and whether it ought to be. */
export function presenceOf(plan: JudgePlan, table: BinTable, { measure }: CheckData) {
  const cells = measure.kind === 'counts' ? measure.exposure : measure.values;
  const isAmount = measure.kind === 'counts';
  const { bins, group } = table;
  let [onOld, onOldNow, onNew] = [false, false, false];
  let [oldAmount, oldBins, newAmount, newBins] = [0, 0, 0, 0];
  for (let row = 0; row < table.tasks.length; row += 1) {
    const end = (row + 1) * bins;
    const nowFrom = end - goneAfterBins;
    for (let at = row * bins; at < end; at += 1) {
      const whose = group[at]!;
      if (whose === nobody) continue;
      const cell = cells[at]!;
      const isThere = !Number.isNaN(cell);
      if (whose === oldGroup) {
        oldBins += 1;
        if (!isThere) continue;
        oldAmount += isAmount ? cell : 1;
        onOld = true;
        if (at >= nowFrom) onOldNow = true;
      } else {
        newBins += 1;
        if (!isThere) continue;
        newAmount += isAmount ? cell : 1;
        if (at >= nowFrom) onNew = true;
      }
    }
  }
  const { binMs, warmupMs } = plan.spec;
  const end = (table.firstBin + table.bins) * binMs;
  // Nothing can have vanished before it was looked at for that long.
  // While something else is to blame nothing is expected to be there.
  const isLongWatched =
    table.bins >= goneAfterBins + 2 && !touches(plan.confounders ?? [], end - goneAfterBins * binMs, end);
  const isDue =
    isLongWatched &&
    plan.updates.some(
      ({ servingAtMs }) => servingAtMs !== undefined && servingAtMs + warmupMs + (goneAfterBins + 2) * binMs <= end,
    );
  const usual = oldBins > 0 ? oldAmount / oldBins : 0;
  const seen = newBins > 0 ? newAmount / newBins : 0;
  return { onOld, onOldNow, onNew, isDue, traffic: usual > 0 ? seen / usual : 1 };
}

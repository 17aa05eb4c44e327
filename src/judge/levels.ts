import type { CheckSpec, JudgeSpec } from '../model/index.ts';
import type { BinTable } from './bin-table.ts';
import type { Measure } from './measures.ts';

/** Nobody asked for guards, and they look for gross harm: all of them together have little of it. */
const weightOfGuard = 0.02;

/** How α is shared over checks: what matters most gets most. */
export function weightOf({ metric, guard }: CheckSpec): number {
  if (guard) return weightOfGuard;
  // Kayenta's method knows no chance of error: it gets none.
  if ('kayenta' in metric) return 0;
  if ('errorRatio' in metric) return 0.3;
  return 'latency' in metric ? 0.25 : 0.15;
}

/** Regions share so much of a check's chance of error, when there are enough tasks in each to tell. */
export const regionShare = 0.4;
const fewestInRegion = 8;
/** And the routes that are judged alone so much, all of them together. */
export const routeShare = 0.3;

/** What is left of a check's chance of error for all requests together. */
export function mainShare(regions: number, routes: number): number {
  return 1 - (regions > 0 ? regionShare : 0) - (routes > 0 ? routeShare : 0);
}

/** Regions that are judged alone as well; none: all tasks together have the whole share. */
export function regionsToJudge(table: BinTable, measure: Measure): number[] {
  if (table.domains <= 1 || measure.kind !== 'counts') return [];
  const sizes = new Int32Array(table.domains);
  for (const domain of table.domain) sizes[domain]! += 1;
  return [...sizes.keys()].filter((domain) => sizes[domain]! >= fewestInRegion);
}

/** Of a rollout's chance of error so much is for all its neighbours together. */
const neighbourShare = 0.2;

/** The chance of error of a rollout's phases: what is left for its own checks, and what each neighbour has. */
export function alphaBeside({ alpha, neighbours = [] }: Pick<JudgeSpec, 'alpha' | 'neighbours'>) {
  if (neighbours.length === 0) return { own: alpha, eachNeighbour: 0 };
  return { own: alpha * (1 - neighbourShare), eachNeighbour: (alpha * neighbourShare) / neighbours.length };
}

/** The chance of error that one check has in one phase, over all its looks. */
export function alphaOf(
  check: CheckSpec,
  { checks, alpha, phases }: { readonly checks: readonly CheckSpec[]; readonly alpha: number; readonly phases: number },
): number {
  const total = checks.reduce((sum, one) => sum + weightOf(one), 0);
  return ((alpha / Math.max(1, phases)) * weightOf(check)) / Math.max(total, 1e-9);
}

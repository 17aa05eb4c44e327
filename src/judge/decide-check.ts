import type { CheckSpec, Verdict } from '../model/index.ts';
import type { BinTable } from './bin-table.ts';
import type { Look } from './find-look.ts';
import type { JudgeOptions } from './judge-options.ts';
import { mainShare } from './levels.ts';
import type { CheckData } from './measured-check.ts';
import { partsOf } from './parts.ts';
import type { JudgePlan } from './port.ts';
import type { Evidence } from './weigh/evidence.ts';

/** Chance of passing a version that is worse by the margin, per phase. */
const passAlpha = 0.05;

interface Decided {
  readonly verdict: Verdict;
  /** Where it fails, if that is a part of all: `route /checkout`, `region eu`. */
  readonly failedIn?: string | undefined;
}

/** A check at a look: harm beyond doubt in all or in a part fails, no harm beyond doubt passes. */
export function decideCheck(
  plan: JudgePlan,
  table: BinTable,
  data: CheckData,
  evidence: Evidence,
  level: number,
  { passShare, isEnd }: Look,
  options: JudgeOptions,
): Decided {
  const isHarm = (seen: Evidence, chance: number) =>
    seen.chanceIfHarmless <= chance && seen.estimate > leastHarm(data.check);
  const parts = partsOf(plan, table, data, options, !isEnd);
  const [regions, routes] = [false, true].map((isRoute) => parts.filter((one) => one.isRoute === isRoute).length);
  if (isHarm(evidence, level * mainShare(regions!, routes!))) return { verdict: 'fail' };
  for (const { name, evidence: of, share } of parts) {
    const part = of();
    if (part && isHarm(part, level * share)) return { verdict: 'fail', failedIn: name };
  }
  return { verdict: evidence.chanceIfHarmful <= passAlpha * passShare ? 'pass' : 'undecided' };
}

/** Harm below this is none. */
function leastHarm({ against, delta, limit }: CheckSpec): number {
  if (against === 'limit') return 0;
  return against === 'trend' ? (limit ?? 0) : delta;
}

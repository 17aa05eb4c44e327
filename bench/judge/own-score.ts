import type { BinTable } from '../../src/judge/bin-table.ts';
import type { AgeCurves } from '../../src/judge/index.ts';
import { alphaOf, regionShare, regionsToJudge } from '../../src/judge/levels.ts';
import { planLooks, shareOfLook } from '../../src/judge/looks.ts';
import type { CheckData } from '../../src/judge/measured-check.ts';
import { weigh } from '../../src/judge/weigh.ts';
import type { CheckSpec } from '../../src/model/index.ts';
import { bins, updateBins } from './synthetic-fleet.ts';

const warmupBins = 2;

/**
 * One number per deployment, as of the other judges: 1 / the smallest α at which ours would have stopped it. What a
 * look is allowed is a share of α, so the looks of one pass tell it for every α.
 */
export function ownScore(
  checks: readonly CheckSpec[],
  at: (end: number) => { readonly table: BinTable; readonly data: ReadonlyMap<string, CheckData> },
  curves: AgeCurves,
): number {
  let score = 0;
  for (const [phase, start] of updateBins.entries()) {
    const looks = planLooks((updateBins[phase + 1] ?? bins) - start - warmupBins);
    for (const age of looks.ages.slice(0, looks.last + 1)) {
      const { table, data } = at(start + warmupBins + age);
      for (const check of checks) {
        const one = data.get(check.name);
        const ageCurve = curves[check.name];
        // Of α = 1.
        const level = alphaOf(check, { checks, alpha: 1, phases: updateBins.length }) * shareOfLook(looks, age);
        const regions = one ? regionsToJudge(table, one.measure) : [];
        const views: [number | undefined, number][] = [[undefined, regions.length > 0 ? 1 - regionShare : 1]];
        for (const domain of regions) views.push([domain, regionShare / table.domains]);
        for (const [domain, share] of views) {
          const seen = one && weigh(table, one, { ageCurve, domain });
          if (!seen || seen.estimate <= check.delta || (domain !== undefined && seen.source.newTasks < 2)) continue;
          score = Math.max(score, (level * share) / Math.max(seen.chanceIfHarmless, 1e-300));
        }
      }
    }
  }
  return score;
}

import type { BinTable } from './bin-table.ts';
import { curveFor } from './curve-for.ts';
import type { JudgeOptions } from './judge-options.ts';
import { regionShare, regionsToJudge, routeShare } from './levels.ts';
import type { CheckData } from './measured-check.ts';
import type { JudgePlan } from './port.ts';
import type { Evidence } from './weigh/evidence.ts';
import { weigh } from './weigh.ts';

export interface Part {
  readonly name: string;
  readonly isRoute: boolean;
  /** Of the chance of error that its check has at a look. */
  readonly share: number;
  /** Undefined: too little is seen of it. */
  readonly evidence: () => Evidence | undefined;
}

/** What is judged by itself beside all together: regions, then routes. */
export function partsOf(
  plan: JudgePlan,
  table: BinTable,
  data: CheckData,
  { regions, leaveOneOut }: JudgeOptions,
  canWait: boolean,
): Part[] {
  const ofRegions = (regions ? regionsToJudge(table, data.measure) : []).map((domain): Part => {
    const evidence = () => {
      const seen = weigh(table, data, { ageCurve: curveFor(plan, data), domain, leaveOneOut, canWait });
      return seen && seen.source.newTasks >= 2 ? seen : undefined;
    };
    const name = `region ${table.domainNames?.[domain] ?? domain}`;
    return { name, isRoute: false, share: regionShare / table.domains, evidence };
  });
  const routes = data.routes?.() ?? [];
  const ofRoutes = routes.map(({ route, data: own }): Part => {
    const evidence = () => weigh(table, own, { ageCurve: curveFor(plan, own), leaveOneOut, canWait });
    return { name: `${route.label} ${route.value}`, isRoute: true, share: routeShare / routes.length, evidence };
  });
  return [...ofRegions, ...ofRoutes];
}

import type { KayentaResult } from './classify.ts';
import type { KayentaConfig } from './config.ts';

/** Of a configuration, what its score heeds. */
export type ScoredConfig = Pick<KayentaConfig, 'groupWeights' | 'pass' | 'marginal'> & {
  readonly metrics: readonly Pick<KayentaConfig['metrics'][number], 'name' | 'groups'>[];
};

export interface KayentaScore {
  /** 0 to 100; undefined: no group had data. */
  readonly score: number | undefined;
  readonly class: 'Pass' | 'Marginal' | 'Fail' | 'Nodata';
  readonly groups: readonly { readonly group: string; readonly weight: number; readonly score: number | undefined }[];
  readonly sentence: string;
}

/**
 * The weighted sum of Kayenta: of each group the share of its metrics with data that pass; groups without a weight
 * share what the others leave of 100; groups without data count for nothing. A critical failure makes it 0.
 */
export function scoreOf(config: ScoredConfig, results: readonly KayentaResult[]): KayentaScore {
  const resultOf = new Map(results.map((result) => [result.metric, result]));
  const names = [...new Set(config.metrics.flatMap(({ groups }) => groups))];
  const given = names.filter((name) => config.groupWeights[name] !== undefined);
  const left = Math.max(0, 100 - given.reduce((sum, name) => sum + config.groupWeights[name]!, 0));
  const groups = names.map((group) => {
    const own = config.metrics.flatMap((metric) =>
      metric.groups.includes(group) ? (resultOf.get(metric.name) ?? []) : [],
    );
    const withData = own.filter((result) => result.class !== 'Nodata');
    const passed = withData.filter((result) => result.class === 'Pass').length;
    const weight = config.groupWeights[group] ?? left / (names.length - given.length);
    return { group, weight, score: withData.length === 0 ? undefined : (passed / withData.length) * 100 };
  });
  const counted = groups.filter(({ score, weight }) => score !== undefined && weight > 0);
  const weights = counted.reduce((sum, { weight }) => sum + weight, 0);
  const critical = results.find(({ isCriticalFailure }) => isCriticalFailure);
  if (critical) return { score: 0, class: 'Fail', groups, sentence: `A critical metric failed. ${critical.sentence}` };
  if (weights === 0) return { score: undefined, class: 'Nodata', groups, sentence: 'No metric had data.' };
  const score = counted.reduce((sum, { score: own, weight }) => sum + own! * weight, 0) / weights;
  const found = score >= config.pass ? 'Pass' : score >= config.marginal ? 'Marginal' : 'Fail';
  const failed = results
    .filter((result) => result.class === 'High' || result.class === 'Low')
    .map(({ metric }) => metric);
  const why = failed.length === 0 ? '' : ` Not passed: ${failed.join(', ')}.`;
  const limits = `pass ${config.pass}, marginal ${config.marginal}`;
  return { score, class: found, groups, sentence: `Score ${Number(score.toFixed(1))} (${limits}): ${found}.${why}` };
}

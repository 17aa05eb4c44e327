import { z } from 'zod';
import { err, ok, problem, type Result } from '../../model/index.ts';

/**
 * A canary configuration of Kayenta (`CanaryConfig`), as far as its judge `NetflixACAJudge-v1.0` uses it. Queries are
 * kept as they are: whoever reads them says what they mean.
 */
const thresholds = z.looseObject({
  allowedIncrease: z.number().positive().optional(),
  allowedDecrease: z.number().positive().optional(),
  criticalIncrease: z.number().positive().optional(),
  criticalDecrease: z.number().positive().optional(),
  measure: z.enum(['meanRatio', 'cles']).optional(),
});
const canary = z.looseObject({
  direction: z.enum(['increase', 'decrease', 'either']).default('either'),
  nanStrategy: z.enum(['replace', 'remove']).default('remove'),
  critical: z.boolean().default(false),
  mustHaveData: z.boolean().default(false),
  effectSize: thresholds.default({}),
  outliers: z
    .looseObject({
      strategy: z.enum(['keep', 'remove']).default('keep'),
      outlierFactor: z.number().positive().default(3),
    })
    .optional(),
});
const metric = z.looseObject({
  name: z.string().min(1).max(300),
  groups: z.array(z.string().min(1).max(200)).min(1).max(50),
  query: z.record(z.string(), z.unknown()).default({}),
  analysisConfigurations: z
    .looseObject({ canary: canary.default(canary.parse({})) })
    .default({ canary: canary.parse({}) }),
});
const configSchema = z.looseObject({
  name: z.string().max(300).default('canary'),
  metrics: z.array(metric).min(1).max(500),
  classifier: z.looseObject({
    groupWeights: z.record(z.string(), z.number().min(0).max(100)).default({}),
    scoreThresholds: z.looseObject({ pass: z.number(), marginal: z.number() }).optional(),
  }),
});

export type KayentaDirection = z.output<typeof canary>['direction'];
export interface KayentaMetric {
  readonly name: string;
  readonly groups: readonly string[];
  readonly query: Readonly<Record<string, unknown>>;
  readonly direction: KayentaDirection;
  readonly nanStrategy: 'replace' | 'remove';
  readonly critical: boolean;
  readonly mustHaveData: boolean;
  readonly effectSize: z.output<typeof thresholds>;
  /** Undefined: outliers stay. */
  readonly outlierFactor: number | undefined;
}
export interface KayentaConfig {
  readonly name: string;
  readonly metrics: readonly KayentaMetric[];
  /** Percent of the score; groups without a weight share what is left. */
  readonly groupWeights: Readonly<Record<string, number>>;
  readonly pass: number;
  readonly marginal: number;
}

/** Reads a canary configuration; a problem names the field that is wrong. */
export function readKayentaConfig(json: unknown): Result<KayentaConfig> {
  const parsed = configSchema.safeParse(json);
  if (!parsed.success) {
    const text = z.prettifyError(parsed.error).slice(0, 500);
    return err(problem('api/bad-request', `This is no canary configuration: ${text}`));
  }
  const { name, metrics, classifier } = parsed.data;
  const { groupWeights, scoreThresholds } = classifier;
  const total = Object.values(groupWeights).reduce((sum, weight) => sum + weight, 0);
  if (total > 100) return err(problem('api/bad-request', `The weights of its groups sum to ${total}, above 100.`));
  return ok({
    name,
    metrics: metrics.map(({ name: own, groups, query, analysisConfigurations: { canary: of } }) => ({
      ...{ name: own, groups, query, direction: of.direction, nanStrategy: of.nanStrategy, critical: of.critical },
      ...{ mustHaveData: of.mustHaveData, effectSize: of.effectSize },
      outlierFactor: of.outliers?.strategy === 'remove' ? of.outliers.outlierFactor : undefined,
    })),
    groupWeights,
    pass: scoreThresholds?.pass ?? 95,
    marginal: scoreThresholds?.marginal ?? 75,
  });
}

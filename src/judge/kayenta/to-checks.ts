import type { KayentaConfig, KayentaMetric } from './config.ts';

/** A check as a person writes it in `rollway.config.ts`. */
export interface WrittenCheck {
  readonly gauge: string;
  readonly worse: 'higher' | 'lower';
  readonly critical: boolean;
  readonly required: boolean;
  readonly missing: 'undecided' | 'zero';
  readonly weight?: number;
  readonly delta?: string;
  readonly margin?: string;
  readonly trust: 'observe';
}

export interface WrittenChecks {
  readonly checks: Readonly<Record<string, WrittenCheck>>;
  /** What has no counterpart here, or means something else, in words. */
  readonly notes: readonly string[];
}

/**
 * A canary configuration as checks of ours. They begin by observing: a limit that fitted another method has to earn
 * its trust with this one.
 */
export function checksOfKayenta(config: KayentaConfig): WrittenChecks {
  const checks: Record<string, WrittenCheck> = {};
  const notes = [
    `Score limits (pass ${config.pass}, marginal ${config.marginal}) have no counterpart: one failing critical check fails, others fail together by weight (judge.failTogether).`,
  ];
  for (const metric of config.metrics) {
    const name = nameFor(metric.name, checks);
    checks[name] = checkOf(metric, config);
    notes.push(...notesOf(metric, name));
  }
  return { checks, notes };
}

/** A check by Kayenta's own method, as a person writes it. */
export interface WrittenScore {
  readonly kayenta: {
    readonly metrics: Readonly<
      Record<
        string,
        Omit<KayentaMetric, 'name' | 'query' | 'outlierFactor'> & { gauge: string; outlierFactor?: number }
      >
    >;
    readonly groupWeights: Readonly<Record<string, number>>;
    readonly pass: number;
    readonly marginal: number;
  };
  readonly trust: 'observe';
}

/** The same configuration as one check by Kayenta's own method: nothing of it changes its meaning. */
export function scoreOfKayenta(config: KayentaConfig): {
  readonly checks: Readonly<Record<string, WrittenScore>>;
  readonly notes: readonly string[];
} {
  const metrics: Record<string, WrittenScore['kayenta']['metrics'][string]> = {};
  const notes: string[] = [];
  for (const { name, query, outlierFactor, ...rest } of config.metrics) {
    let called = name;
    for (let n = 2; Object.hasOwn(metrics, called); n += 1) called = `${name} ${n}`;
    const outliers = outlierFactor === undefined ? {} : { outlierFactor };
    metrics[called] = { gauge: seriesOf({ name, query }), ...rest, ...outliers };
    notes.push(...sourceNotes(query, called));
  }
  const { groupWeights, pass, marginal } = config;
  const check = { kayenta: { metrics, groupWeights, pass, marginal }, trust: 'observe' as const };
  return { checks: { [nameFor(config.name, {})]: check }, notes };
}

function checkOf(metric: KayentaMetric, config: KayentaConfig): WrittenCheck {
  const { direction, critical, mustHaveData, nanStrategy } = metric;
  const { allowedIncrease, allowedDecrease, criticalIncrease, criticalDecrease, measure } = metric.effectSize;
  const isRatio = measure !== 'cles';
  const [allowed, beyond] =
    direction === 'decrease' ? [allowedDecrease, criticalDecrease] : [allowedIncrease, criticalIncrease];
  const weight = weightOf(metric, config);
  return {
    ...{
      gauge: seriesOf(metric),
      worse: direction === 'decrease' ? 'lower' : 'higher',
      critical,
      required: mustHaveData,
    },
    missing: nanStrategy === 'replace' ? 'zero' : 'undecided',
    ...(weight === undefined ? {} : { weight }),
    ...(isRatio && allowed !== undefined ? { delta: percent(Math.abs(allowed - 1)) } : {}),
    ...(isRatio && beyond !== undefined && beyond !== 1 ? { margin: percent(Math.abs(beyond - 1)) } : {}),
    trust: 'observe',
  };
}

/** Its group's weight, shared by the metrics of the group. */
function weightOf({ groups }: KayentaMetric, { groupWeights, metrics }: KayentaConfig): number | undefined {
  const [group] = groups;
  const whole = group === undefined ? undefined : groupWeights[group];
  if (whole === undefined || whole === 0) return undefined;
  const size = metrics.filter((one) => one.groups[0] === group).length;
  return Number((whole / size).toPrecision(4));
}

/** What the sources are to call it: the query's metric, else its own name. */
function seriesOf({ name, query }: Pick<KayentaMetric, 'name' | 'query'>): string {
  const asked = typeof query.metricName === 'string' && query.metricName !== '' ? query.metricName : name;
  const plain = asked.replace(/[^a-zA-Z0-9_:]+/g, '_').slice(0, 200);
  return /^[a-zA-Z_:]/.test(plain) ? plain : `_${plain}`;
}

function notesOf(metric: KayentaMetric, name: string): string[] {
  const { query, direction, outlierFactor, effectSize, groups } = metric;
  const notes = sourceNotes(query, name);
  if (direction === 'either')
    notes.push(`${name}: a check has one direction; this one finds more, write another for less.`);
  if (effectSize.measure === 'cles')
    notes.push(`${name}: effect sizes by CLES are no ratios; δ and margin are the usual ones.`);
  if (outlierFactor !== undefined) notes.push(`${name}: outliers are cut by the spread of old tasks, not by a factor.`);
  if (groups.length > 1) notes.push(`${name}: of its groups only ${groups[0]} gives it a weight.`);
  return notes;
}

/** Where its numbers are to come from. */
function sourceNotes(query: KayentaMetric['query'], name: string): string[] {
  const notes: string[] = [];
  const type = typeof query.type === 'string' ? query.type : undefined;
  const template = typeof query.customInlineTemplate === 'string' ? query.customInlineTemplate : undefined;
  if (template !== undefined && template !== '') {
    notes.push(`${name}: put its query into the sources file, one series per task: ${template.slice(0, 300)}`);
  } else if (type !== undefined && type !== 'prometheus') {
    notes.push(
      `${name}: its metric comes from ${type.slice(0, 50)}, which is no source here; push it, or ask Prometheus.`,
    );
  }
  return notes;
}

/** Lower-case letters, digits and hyphens, and no other check's. */
function nameFor(text: string, taken: Readonly<Record<string, unknown>>): string {
  const plain = text
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^[^a-z]+|-+$/g, '')
    .slice(0, 36);
  const base = plain === '' ? 'metric' : plain;
  let name = base;
  for (let n = 2; Object.hasOwn(taken, name); n += 1) name = `${base}-${n}`;
  return name;
}

function percent(ratio: number): string {
  return `${Number((ratio * 100).toPrecision(6))}%`;
}

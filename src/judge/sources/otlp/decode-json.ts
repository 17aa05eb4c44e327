import { z } from 'zod';
import { Budget, limits, OtlpError, type OtlpMetric, type OtlpPoint, type OtlpResource } from './request.ts';

/**
 * The same request as JSON (the OTLP mapping: names in camelCase, 64-bit numbers as text or numbers, enumerations as
 * numbers). Fields that are not used may be there.
 */
export function decodeJson(text: string): OtlpResource[] {
  const budget = new Budget();
  return parseOtlp(text, requestSchema).resourceMetrics.map(({ resource, scopeMetrics }) => {
    budget.resource();
    const metrics = scopeMetrics.flatMap((scope) => scope.metrics.map((metric) => metricOf(metric, budget)));
    return { attributes: attributesOf(resource.attributes), metrics };
  });
}

/** What a request must look like, or why it does not. */
export function parseOtlp<T>(text: string, schema: z.ZodType<T>): T {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new OtlpError('the body is not JSON', { cause });
  }
  const parsed = schema.safeParse(json);
  if (!parsed.success) throw new OtlpError(`the body is no OTLP JSON: ${z.prettifyError(parsed.error).slice(0, 300)}`);
  return parsed.data;
}

/** JSON has no NaN: the mapping writes these as text. */
const double = z.union([
  z.number(),
  z.enum(['NaN', 'Infinity', '-Infinity']).transform(Number),
  z.null().transform(() => Number.NaN),
]);
const whole = z.union([
  z.number(),
  z
    .string()
    .regex(/^-?\d{1,20}$/)
    .transform(Number),
]);
const nanoseconds = z.union([
  z
    .string()
    .regex(/^\d{1,20}$/)
    .transform((text) => Number(BigInt(text) / 1_000_000n)),
  z
    .number()
    .nonnegative()
    .transform((number) => Math.floor(number / 1e6)),
]);
export const attributeList = z
  .array(
    z.object({
      key: z.string(),
      value: z
        .object({
          stringValue: z.string().optional(),
          boolValue: z.boolean().optional(),
          intValue: z.union([z.string(), z.number()]).optional(),
          doubleValue: double.optional(),
        })
        .optional(),
    }),
  )
  .max(limits.attributes)
  .default([]);
const buckets = z.object({
  offset: z.number().int().default(0),
  bucketCounts: z.array(whole).max(limits.buckets).default([]),
});
const pointSchema = z.object({
  attributes: attributeList,
  startTimeUnixNano: nanoseconds.default(0),
  timeUnixNano: nanoseconds.default(0),
  flags: z.number().default(0),
  asDouble: double.optional(),
  asInt: whole.optional(),
  count: whole.optional(),
  sum: double.optional(),
  bucketCounts: z.array(whole).max(limits.buckets).optional(),
  explicitBounds: z.array(double).max(limits.buckets).optional(),
  scale: z.number().int().optional(),
  zeroCount: whole.optional(),
  positive: buckets.optional(),
  negative: buckets.optional(),
});
const content = z.object({
  dataPoints: z.array(pointSchema).default([]),
  aggregationTemporality: z.number().default(0),
  isMonotonic: z.boolean().default(false),
});
const metricSchema = z.object({
  name: z.string().default(''),
  unit: z.string().default(''),
  gauge: content.optional(),
  sum: content.optional(),
  histogram: content.optional(),
  exponentialHistogram: content.optional(),
  summary: content.optional(),
});
const requestSchema = z.object({
  resourceMetrics: z
    .array(
      z.object({
        resource: z.object({ attributes: attributeList }).default({ attributes: [] }),
        scopeMetrics: z.array(z.object({ metrics: z.array(metricSchema).default([]) })).default([]),
      }),
    )
    .default([]),
});

function metricOf(metric: z.output<typeof metricSchema>, budget: Budget): OtlpMetric {
  const [kind, found] = contentOf(metric);
  const name = metric.name.slice(0, limits.text);
  const unit = metric.unit.slice(0, limits.text);
  if (!found) return { name, unit, kind: 'unknown', temporality: 0, isMonotonic: false, points: [] };
  const points = found.dataPoints.map((point) => {
    budget.point();
    return pointOf(point, kind);
  });
  return { name, unit, kind, temporality: found.aggregationTemporality, isMonotonic: found.isMonotonic, points };
}

function contentOf(metric: z.output<typeof metricSchema>) {
  if (metric.gauge) return ['gauge', metric.gauge] as const;
  if (metric.sum) return ['sum', metric.sum] as const;
  if (metric.histogram) return ['histogram', metric.histogram] as const;
  if (metric.exponentialHistogram) return ['exponential', metric.exponentialHistogram] as const;
  return ['summary', metric.summary] as const;
}

function pointOf(point: z.output<typeof pointSchema>, kind: OtlpMetric['kind']): OtlpPoint {
  const base = {
    attributes: attributesOf(point.attributes),
    startMs: point.startTimeUnixNano,
    atMs: point.timeUnixNano,
    isMissing: (point.flags & 1) === 1,
  };
  const { count, sum } = point;
  if (kind === 'gauge' || kind === 'sum') return { ...base, value: point.asDouble ?? point.asInt };
  if (kind === 'histogram')
    return { ...base, count, sum, counts: point.bucketCounts ?? [], bounds: point.explicitBounds ?? [] };
  if (kind === 'summary') return { ...base, count, sum };
  const of = (side: z.output<typeof buckets> | undefined) => side && { offset: side.offset, counts: side.bucketCounts };
  return {
    ...base,
    ...{ count, sum, scale: point.scale ?? 0, zeroCount: point.zeroCount ?? 0 },
    positive: of(point.positive),
    negative: of(point.negative),
  };
}

export function attributesOf(list: z.output<typeof attributeList>): Record<string, string> {
  const attributes: Record<string, string> = {};
  for (const { key, value } of list) {
    const text = value?.stringValue ?? value?.boolValue ?? value?.intValue ?? value?.doubleValue;
    if (text === undefined || key === '__proto__') continue;
    attributes[key.slice(0, limits.text)] = String(text).slice(0, limits.text);
  }
  return attributes;
}

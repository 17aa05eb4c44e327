import type { JobId } from '../../../model/index.ts';
import {
  type Ladder,
  ladderOf,
  ontoLadder,
  type PushedPoint,
  type PushedValue,
  type Temporality,
} from '../../index.ts';
import type { Meant, PushedTask } from '../push.ts';
import type { Attributes, OtlpMetric, OtlpPoint, OtlpResource } from './request.ts';

/** What could not be turned into samples, with how many points. */
export interface NotRead {
  readonly points: number;
  readonly why: string;
}

/**
 * Resources → tasks with points, under the names that Prometheus would give them (`http.server.request.duration` in
 * `s` is `http_server_request_duration_seconds`), so that checks are the same whatever way metrics come.
 * `usual` is whose it is when the resource does not say.
 */
export function toPoints(
  resources: readonly OtlpResource[],
  usual: Meant | undefined,
): { tasks: PushedTask[]; notRead: NotRead[] } {
  const tasks: PushedTask[] = [];
  const notRead: NotRead[] = [];
  for (const { attributes, metrics } of resources) {
    const meant = meantBy(attributes) ?? usual;
    const points: PushedPoint[] = [];
    for (const metric of metrics) {
      for (const point of metric.points) {
        if (point.isMissing) continue;
        const read = pointsOf(metric, point);
        if (typeof read === 'string') notRead.push({ points: 1, why: `${metric.name.slice(0, 100)}: ${read}` });
        else points.push(...read);
      }
    }
    if (meant) tasks.push({ meant, points });
    else if (points.length > 0) {
      const why = 'the resource names no task: set rollway.job and rollway.index (tasks of the fleet have them)';
      notRead.push({ points: points.length, why });
    }
  }
  return { tasks, notRead };
}

export function meantBy(attributes: Attributes): Meant | undefined {
  const job = attributes['rollway.job'];
  const index = Number(attributes['rollway.index'] ?? Number.NaN);
  if (job === undefined || !Number.isSafeInteger(index)) return undefined;
  const incarnation = Number(attributes['rollway.incarnation'] ?? Number.NaN);
  return { job: job as JobId, index, incarnation: Number.isSafeInteger(incarnation) ? incarnation : undefined };
}

function pointsOf(metric: OtlpMetric, point: OtlpPoint): PushedPoint[] | string {
  const labels = labelsOf(point.attributes);
  const startMs = point.startMs === 0 ? undefined : point.startMs;
  const make = (name: string, value: PushedValue): PushedPoint => {
    return { metric: name, labels, atMs: point.atMs, startMs, value };
  };
  const name = nameOf(metric);
  const temporality = temporalityOf(metric.temporality);
  switch (metric.kind) {
    case 'gauge':
      return point.value === undefined ? 'no value' : [make(name, { kind: 'gauge', value: point.value })];
    case 'sum':
      return sumOf(metric, point, temporality, (value) => make(name, value));
    case 'summary': {
      const totals = { _count: point.count, _sum: point.sum };
      return Object.entries(totals).flatMap(([suffix, value]) =>
        value === undefined ? [] : [make(name + suffix, { kind: 'counter', temporality: 'cumulative', value })],
      );
    }
    case 'histogram':
    case 'exponential': {
      if (!temporality) return 'no aggregation temporality';
      const value = metric.kind === 'histogram' ? explicitOf(point) : exponentialOf(point, ladderOf(name));
      return typeof value === 'string' ? value : [make(name, { kind: 'histogram', temporality, ...value })];
    }
    default:
      return 'a kind of metric that is not known here';
  }
}

function sumOf(
  { isMonotonic }: OtlpMetric,
  { value }: OtlpPoint,
  temporality: Temporality | undefined,
  make: (value: PushedValue) => PushedPoint,
): PushedPoint[] | string {
  if (value === undefined) return 'no value';
  if (!temporality) return 'no aggregation temporality';
  if (isMonotonic) return [make({ kind: 'counter', temporality, value })];
  // What goes up and down is a level; its differences alone do not tell it.
  return temporality === 'cumulative' ? [make({ kind: 'gauge', value })] : 'differences of what goes up and down';
}

function explicitOf({ bounds = [], counts = [], sum }: OtlpPoint) {
  if (counts.length !== bounds.length + 1 || bounds.length === 0) return 'no buckets';
  return { bounds: [...bounds, Number.POSITIVE_INFINITY], counts, sum: sum ?? 0 };
}

function exponentialOf({ scale = 0, zeroCount = 0, positive, negative, sum }: OtlpPoint, ladder: Ladder) {
  if (scale < -10 || scale > 20) return `scale ${scale} is not one of OTLP`;
  const negativeCount = (negative?.counts ?? []).reduce((all, count) => all + count, 0);
  const { offset = 0, counts = [] } = positive ?? {};
  const laid = ontoLadder({ scale, zeroCount, offset, counts, negativeCount }, ladder);
  return { bounds: ladder.bounds, counts: laid, sum: sum ?? 0 };
}

function temporalityOf(word: number): Temporality | undefined {
  return word === 1 ? 'delta' : word === 2 ? 'cumulative' : undefined;
}

const unitWords: Readonly<Record<string, string>> = {
  s: 'seconds',
  ms: 'milliseconds',
  us: 'microseconds',
  ns: 'nanoseconds',
  min: 'minutes',
  By: 'bytes',
  KiBy: 'kibibytes',
  MiBy: 'mebibytes',
  '%': 'percent',
};

/** As the OpenTelemetry specification translates names for Prometheus. */
function nameOf({ name, unit, kind, isMonotonic }: OtlpMetric): string {
  let plain = name.replace(/[^a-zA-Z0-9_:]+/g, '_');
  const word = unitWords[unit];
  if (word !== undefined && !plain.endsWith(`_${word}`)) plain += `_${word}`;
  if (kind === 'sum' && isMonotonic && !plain.endsWith('_total')) plain += '_total';
  return /^\d/.test(plain) ? `_${plain}` : plain;
}

function labelsOf(attributes: Attributes): Record<string, string> {
  const labels: Record<string, string> = {};
  for (const [name, value] of Object.entries(attributes)) labels[name.replace(/[^a-zA-Z0-9_]/g, '_')] = value;
  return labels;
}

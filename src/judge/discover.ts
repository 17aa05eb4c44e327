import { type CheckSpec, type Sample, standardChecks } from '../model/index.ts';
import { plainCheck } from './plain-check.ts';

/** A metric as far as discovery looks at it. */
export interface SeenMetric {
  readonly metric: string;
  readonly kind: 'counter' | 'gauge' | 'histogram';
  readonly labels: Readonly<Record<string, readonly string[]>>;
}

const requestCounters = [
  'http_requests_total',
  'http_server_requests_total',
  'http_request_total',
  'requests_total',
  'http_server_request_duration_seconds',
  'http_request_duration_seconds',
  'http_server_requests_seconds',
  'http_server_duration_milliseconds',
  'grpc_server_handled_total',
  'rpc_server_duration_milliseconds',
];
const statusLabels = [
  'code',
  'status',
  'status_code',
  'http_status_code',
  'http_response_status_code',
  'statusCode',
  'grpc_code',
  'rpc_grpc_status_code',
];
const latencyHistograms = [
  'http_server_request_duration_seconds',
  'http_request_duration_seconds',
  'http_server_requests_seconds',
  'http_server_duration_milliseconds',
  'http_request_duration_milliseconds',
  'http_request_duration_ms',
  'request_duration_seconds',
  'grpc_server_handling_seconds',
  'rpc_server_duration_milliseconds',
];
/** Failures of the server in gRPC, by name and by number. */
const grpcErrors =
  'Unknown|DeadlineExceeded|Unimplemented|Internal|Unavailable|DataLoss|UNKNOWN|INTERNAL|UNAVAILABLE|2|4|12|13|14|15';

/** The checks a service gets without asking: those of the common names that it exposes (docs/judge.md lists them). */
export function discoverChecks(metrics: readonly SeenMetric[]): CheckSpec[] {
  const checks: CheckSpec[] = [];
  const errors = findErrors(metrics);
  if (errors) checks.push(errors);
  const latency = latencyHistograms.find((name) =>
    metrics.some(({ metric, kind }) => metric === name && kind === 'histogram'),
  );
  if (latency) {
    const metric = { latency: { histogram: latency, quantile: 0.99 } };
    checks.push({
      ...plainCheck,
      name: 'latency-p99',
      class: 'call',
      metric,
      worse: 'higher',
      ...standardChecks.latency,
      trust: 'revert',
    });
  }
  return checks;
}

function findErrors(metrics: readonly SeenMetric[]): CheckSpec | undefined {
  for (const counter of requestCounters) {
    const seen = metrics.find(({ metric, kind }) => metric === counter && kind !== 'gauge');
    const label = seen && statusLabels.find((name) => seen.labels[name] !== undefined);
    if (!label) continue;
    const errorValues = label.includes('grpc') ? grpcErrors : '5..';
    return {
      ...plainCheck,
      name: 'errors',
      class: 'call',
      metric: { errorRatio: { counter, label, errorValues } },
      worse: 'higher',
      ...standardChecks.errors,
      trust: 'revert',
    };
  }
  return undefined;
}

/** The metrics that occur in samples, for a judge that is given nothing else. */
export function metricsIn(samples: readonly Sample[]): SeenMetric[] {
  interface Found {
    readonly metric: string;
    readonly kind: SeenMetric['kind'];
    readonly labels: Map<string, Set<string>>;
    /** Sets of labels that were read already: a series has the same one in all its samples. */
    readonly read: Set<object>;
  }
  // One map per kind: a key made of both, for every sample, was a fifth of a small verdict.
  const kinds = {
    gauge: new Map<string, Found>(),
    counter: new Map<string, Found>(),
    histogram: new Map<string, Found>(),
  };
  for (const { metric, labels, value } of samples) {
    const kind = 'gauge' in value ? 'gauge' : 'counterDelta' in value ? 'counter' : 'histogram';
    let entry = kinds[kind].get(metric);
    if (!entry) {
      entry = { metric, kind, labels: new Map(), read: new Set() };
      kinds[kind].set(metric, entry);
    }
    if (entry.read.has(labels)) continue;
    entry.read.add(labels);
    for (const [label, text] of Object.entries(labels)) {
      const values = entry.labels.get(label) ?? new Set();
      if (values.size < 50) entry.labels.set(label, values.add(text));
    }
  }
  return [...kinds.gauge.values(), ...kinds.counter.values(), ...kinds.histogram.values()]
    .map(({ metric, kind, labels }) => ({
      metric,
      kind,
      labels: Object.fromEntries([...labels].map(([label, values]) => [label, [...values].sort()])),
    }))
    .sort((a, b) => (a.metric < b.metric ? -1 : 1));
}

import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../package.json', import.meta.url));

export interface TracedService {
  readonly subject: string;
  /** Of each request's 12 ms so many are spent in the database. */
  readonly databaseMs: number;
  readonly otlpUrl: string;
}

/**
 * The source of a server that hands in its traces by OpenTelemetry's own SDK for Node. Times are those that were drawn,
 * not what timers made of them: the load of the machine is not the version's.
 */
export function tracedServer({ subject, databaseMs, otlpUrl }: TracedService): string {
  return `
// ${subject}
const { createServer } = require('node:http');
const { readFileSync } = require('node:fs');
const load = require('node:module').createRequire(${JSON.stringify(root)});
const { context, SpanKind, trace } = load('@opentelemetry/api');
const { OTLPTraceExporter } = load('@opentelemetry/exporter-trace-otlp-proto');
const { resourceFromAttributes } = load('@opentelemetry/resources');
const { BatchSpanProcessor, TracerProvider } = load('@opentelemetry/sdk-trace');

const headers = { authorization: 'Bearer ' + readFileSync(process.env.OTLP_TOKEN, 'utf8').trim() };
const exporter = new OTLPTraceExporter({ url: ${JSON.stringify(otlpUrl)}, headers });
// The agent says in this variable whose they are.
const own = process.env.OTEL_RESOURCE_ATTRIBUTES.split(',').map((pair) => pair.split('='));
const resource = resourceFromAttributes(Object.fromEntries(own));
const processor = new BatchSpanProcessor({ exporter, scheduledDelayMillis: 500 });
const tracer = new TracerProvider({ resource, spanProcessors: [processor] }).getTracer('shop');

const bounds = [0.004, 0.006, 0.008, 0.01, 0.013, 0.016, 0.02, 0.025, 0.032, 0.05, 0.1, 0.25, 1];
const buckets = new Array(bounds.length + 1).fill(0);
let sum = 0, count = 0;
function metrics() {
  const lines = ['# TYPE http_request_duration_seconds histogram'];
  let below = 0;
  bounds.forEach((bound, at) => {
    below += buckets[at];
    lines.push('http_request_duration_seconds_bucket{le="' + bound + '"} ' + below);
  });
  lines.push('http_request_duration_seconds_bucket{le="+Inf"} ' + count);
  lines.push('http_request_duration_seconds_sum ' + sum, 'http_request_duration_seconds_count ' + count);
  return lines.join('\\n') + '\\n';
}
const drawn = (ms) => ms * (0.7 + 0.6 * Math.random() - 0.3 * Math.log(1 - Math.random()));

createServer((request, response) => {
  if (request.url === '/healthz') return response.end('ok');
  if (request.url === '/metrics') return response.end(metrics());
  const [database, payments, self] = [drawn(${databaseMs}), drawn(3), drawn(3)];
  const ms = database + payments + self;
  setTimeout(() => {
    const from = Date.now() - ms;
    const entry = tracer.startSpan('GET /', { kind: SpanKind.SERVER, startTime: from });
    const call = (name, startTime, took, attributes) => {
      const options = { kind: SpanKind.CLIENT, startTime, attributes };
      tracer.startSpan(name, options, trace.setSpan(context.active(), entry)).end(startTime + took);
    };
    call('SELECT items', from, database, { 'db.system.name': 'postgresql', 'db.operation.name': 'SELECT' });
    call('GET', from + database, payments, { 'http.request.method': 'GET', 'server.address': 'payments.example' });
    entry.end(from + ms);
    const at = bounds.findIndex((bound) => ms / 1000 <= bound);
    buckets[at === -1 ? bounds.length : at] += 1;
    sum += ms / 1000;
    count += 1;
    response.end(${JSON.stringify(subject)});
  }, ms);
}).listen(process.env.PORT, process.env.HOST);
`;
}

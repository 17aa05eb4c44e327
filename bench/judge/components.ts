/**
 * Whether the component that became slower is the one that the sentence of a failing latency names (ML-13), on a service
 * of ten tasks with four new ones, 40 requests a second each of which a fifth is traced; and what spans cost the server.
 * `node bench/judge/components.ts [--runs 25]` writes `bench/results/judge-components.json`.
 */
import { parseArgs } from 'node:util';
import { context, SpanKind, trace } from '@opentelemetry/api';
import { ProtobufTraceSerializer } from '@opentelemetry/otlp-transformer';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { InMemorySpanExporter, SimpleSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
import { TaskBook } from '../../src/judge/index.ts';
import { decodeOtlpSpans, meantBy } from '../../src/judge/sources/otlp/index.ts';
import { spanSource } from '../../src/judge/sources/spans/index.ts';
import { type SpanPart, type SpanWorld, spanParts, watchSpans } from '../../src/judge/testing/span-world.ts';
import { binomialInterval } from '../../src/stats/index.ts';
import { describeMachine, writeResult } from '../machine.ts';

const { values } = parseArgs({ options: { runs: { type: 'string', default: '25' } } });
const runs = Number(values.runs);
const parts = Object.keys(spanParts) as SpanPart[];
const wordsOf = (part: SpanPart) => (part === 'self' ? 'the service’s own time' : part);

const harms: readonly (readonly [string, (part: SpanPart) => SpanWorld])[] = [
  ['20 ms more in one component', (part) => ({ slow: { [part]: 1 + 0.02 / spanParts[part] } })],
  ['4 ms more in one component', (part) => ({ slow: { [part]: 1 + 0.004 / spanParts[part] } })],
  [
    '4 ms more in one component, 1 % of the requests traced',
    (part) => ({ slow: { [part]: 1 + 0.004 / spanParts[part] }, sampled: 0.01 }),
  ],
  [
    '4 ms more in one component; the new tasks were 20 % slower in another one before',
    (part) => ({
      slow: { [part]: 1 + 0.004 / spanParts[part] },
      lame: { [parts[(parts.indexOf(part) + 1) % parts.length]!]: 1.2 },
    }),
  ],
];

const lines = harms.map(([name, worldOf]) => {
  const counted = { failed: 0, right: 0, wrong: 0, silent: 0 };
  for (const part of parts) {
    for (let seed = 1; seed <= runs; seed += 1) {
      const { verdict } = watchSpans({ ...worldOf(part), seed });
      if (verdict.verdict !== 'fail') continue;
      counted.failed += 1;
      const named = /\. In ([^:]+): p99/.exec(verdict.sentence)?.[1];
      if (named === undefined) counted.silent += 1;
      else if (named === wordsOf(part)) counted.right += 1;
      else counted.wrong += 1;
    }
  }
  const told = counted.right + counted.wrong;
  const interval = binomialInterval(counted.right, told).map((x) => Math.round(1000 * x) / 10);
  console.log(
    `${name}: ${counted.failed} of ${runs * parts.length} failed; named right ${counted.right}, wrong ${counted.wrong}, nothing ${counted.silent}`,
  );
  return {
    name,
    tried: runs * parts.length,
    ...counted,
    rightOfNamedPercent: Math.round((1000 * counted.right) / told) / 10,
    interval,
  };
});

const intake = measureIntake();
console.log(`intake: ${intake.spansPerS} spans a second on one core`);
writeResult('judge-components', { machine: describeMachine(), runs, lines, intake });

/** Batches as the SDK sends them: 128 requests of four spans. */
function measureIntake() {
  const nowMs = Date.now();
  const batches = Array.from({ length: 200 }, () => batchOf(nowMs));
  const book = new TaskBook();
  book.refresh(
    [
      {
        ...{ job: 'shop@production', index: 0, incarnation: 1, version: 'v_a', state: 'serving', labels: {} },
        ...{ servingSinceMs: nowMs - 3_600_000, addresses: [] },
      },
    ],
    nowMs,
  );
  const source = spanSource({ book, binMs: 1000 });
  const began = process.cpuUsage();
  let spans = 0;
  for (const batch of batches) {
    const given = decodeOtlpSpans(batch, 'protobuf').map((one) => ({
      meant: meantBy(one.attributes),
      spans: one.spans,
    }));
    spans += source.take(given, nowMs, () => true).kept;
  }
  void source.collect(nowMs + 5000, AbortSignal.timeout(1000));
  const { user, system } = process.cpuUsage(began);
  return { spans, cpuMs: Math.round((user + system) / 1000), spansPerS: Math.round(spans / ((user + system) / 1e6)) };
}

function batchOf(nowMs: number): Uint8Array {
  const exporter = new InMemorySpanExporter();
  const resource = resourceFromAttributes({
    'rollway.job': 'shop@production',
    'rollway.index': 0,
    'rollway.incarnation': 1,
  });
  const provider = new TracerProvider({ resource, spanProcessors: [new SimpleSpanProcessor({ exporter })] });
  const tracer = provider.getTracer('bench');
  for (let i = 0; i < 128; i += 1) {
    const startTime = nowMs - 1000;
    const entry = tracer.startSpan('GET /items', { kind: SpanKind.SERVER, startTime });
    const under = trace.setSpan(context.active(), entry);
    const attributes = {
      'db.system.name': 'postgresql',
      'db.operation.name': 'SELECT',
      'db.query.text': 'SELECT * FROM items WHERE id = $1',
    };
    tracer.startSpan('SELECT', { kind: SpanKind.CLIENT, startTime, attributes }, under).end(startTime + 8);
    const http = {
      'http.request.method': 'GET',
      'server.address': 'payments.example',
      'url.full': 'https://payments.example/x',
    };
    tracer
      .startSpan('GET', { kind: SpanKind.CLIENT, startTime: startTime + 8, attributes: http }, under)
      .end(startTime + 12);
    tracer.startSpan('render', { startTime: startTime + 12 }, under).end(startTime + 15);
    entry.end(startTime + 16);
  }
  return ProtobufTraceSerializer.serializeRequest(exporter.getFinishedSpans())!;
}

import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { fetchMetrics } from '../../io/fetch-metrics.ts';
import { type KnownTask, seriesKey, TaskBook } from '../index.ts';
import { metricSourceConformance, type ShownSeries, type SourceRig, startMs } from './conformance.ts';
import { type PrometheusOptions, prometheusSource } from './prometheus.ts';

const binMs = 1000;
const job = 'shop@production' as const;
const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closing.push(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const kinds = {
  requests_total: 'events',
  http_requests_total: 'events',
  queue: 'gauge',
  latency_seconds: 'histogram',
} as const;
const base = {
  ...{ name: 'main', read: fetchMetrics, binMs, judgeBinMsOf: () => binMs, lagMs: 0 },
  queries: Object.entries(kinds).map(([metric, as]) => ({
    metric,
    jobs: [job],
    promql: metric,
    as,
    task: { index: 'index' },
  })),
} satisfies Omit<PrometheusOptions, 'url' | 'book'>;

metricSourceConformance('prometheus', {
  open: openRig,
  cannot: {
    hang: 'the whole server hangs: see below',
    gigabyte: 'the whole server does: see below',
    garbage: 'the whole server does: see below',
    refuse: 'the whole server does: see below',
    'time-jump': 'the time is asked for',
  },
  maxSamples: 200,
  lacks: ['fall', 'type-change'],
});

/** A server that answers as Prometheus does to `increase(…)` and plain selectors. */
async function openRig(): Promise<SourceRig> {
  const book = new TaskBook();
  const shown = new Map<number, readonly ShownSeries[]>();
  const strangers = new Set<number>();
  let before = new Map<string, number[]>();
  let now = new Map<string, number[]>();
  const url = await serve((request, response) => {
    const query = new URL(request.url!, 'http://x').searchParams;
    const metric = query.get('query') as keyof typeof kinds;
    const result: object[] = [];
    for (const [index, series] of shown) {
      for (const one of series.filter(({ name }) => name === metric)) {
        const key = seriesKey(`${index}/${metric}`, one.labels ?? {});
        const cells = one.kind === 'histogram' ? [...one.counts] : [one.value];
        now.set(key, cells);
        const old = before.get(key);
        const increase = cells.map((cell, i) => (old ? (cell >= old[i]! ? cell - old[i]! : cell) : 0));
        const labels = { ...one.labels, index: String(index + (strangers.has(index) ? 50 : 0)) };
        const value = (number: number) => [[Number(query.get('start')), String(number).replace('Infinity', 'Inf')]];
        if (one.kind === 'gauge') result.push({ metric: labels, values: value(one.value) });
        else if (one.kind !== 'histogram')
          result.push({ metric: labels, values: value(Number.isFinite(one.value) ? increase[0]! : one.value) });
        else {
          let below = 0;
          for (const [i, count] of increase.entries()) {
            below += count;
            result.push({ metric: { ...labels, le: String(one.bounds[i] ?? '+Inf') }, values: value(below) });
          }
        }
      }
    }
    response.end(JSON.stringify({ status: 'success', data: { resultType: 'matrix', result } }));
  });
  const source = prometheusSource({ ...base, url, book });
  return {
    source,
    binMs,
    show(index, series) {
      strangers.delete(index);
      shown.set(index, series);
    },
    breakWith: (index) => void strangers.add(index),
    async collect(edgeMs) {
      book.refresh([...shown.keys()].map(taskOf), edgeMs);
      before = now;
      now = new Map();
      return source.collect(edgeMs, AbortSignal.timeout(10_000));
    },
    close: async () => {},
  };
}

function taskOf(index: number): KnownTask {
  return {
    ...{ job, index, incarnation: 1, version: index < 6 ? 'v_old' : 'v_new', state: 'serving', labels: {} },
    ...{ servingSinceMs: startMs - 60_000, addresses: [`10.0.0.${index}:80`] },
  };
}

describe('a Prometheus server that is', () => {
  const collect = async (url: string) => {
    const book = new TaskBook();
    book.refresh([taskOf(0)], startMs);
    const source = prometheusSource({ ...base, url, book, binMs: 100 });
    return source.collect(startMs, AbortSignal.timeout(10_000));
  };
  const pour: RequestListener = (_, response) => {
    const more = () => {
      while (!response.destroyed && response.write(' '.repeat(1_000_000)));
    };
    response.on('drain', more);
    more();
  };
  test.for([
    ['hanging', () => {}, 'slow'],
    ['endless', pour, /too-large|slow/],
    [
      'answering nonsense',
      (_, response) => response.end('{"status":"success","data":{"resultType":"vector","result":[]}}'),
      'unreadable',
    ],
    ['answering no JSON', (_, response) => response.end('<html>'), 'unreadable'],
    ['refusing', (_, response) => response.writeHead(422).end('{"status":"error"}'), 'unreadable'],
    ['cutting lines', (request) => request.socket.destroy(), 'unreachable'],
  ] as [string, RequestListener, string | RegExp][])('%s: a finding, no samples', async ([, listener, trouble]) => {
    const { samples, findings } = await collect(await serve(listener));
    expect(samples).toEqual([]);
    expect(findings.length).toBe(base.queries.length);
    for (const finding of findings) expect(finding.trouble).toMatch(trouble);
  });

  test('down: a finding that names it', async () => {
    const { findings } = await collect('http://127.0.0.1:1');
    expect(findings[0]).toMatchObject({
      trouble: 'unreachable',
      sentence: expect.stringMatching(/server main: .*ECONNREFUSED/),
    });
  });
});

test('what a service asks by a query of its own has a smaller answer, or none', async () => {
  const url = await serve((request, response) => {
    const at = Number(new URL(request.url!, 'http://x').searchParams.get('start'));
    const result = [{ metric: { index: '0', padding: 'x'.repeat(3_000_000) }, values: [[at, '1']] }];
    response.end(JSON.stringify({ status: 'success', data: { resultType: 'matrix', result } }));
  });
  const book = new TaskBook();
  book.refresh([taskOf(0)], startMs);
  const query = { metric: 'level', jobs: [job], promql: 'level', as: 'gauge', task: { index: 'index' } } as const;
  const collect = (lists: Pick<PrometheusOptions, 'queries' | 'listOwnQueries'>) =>
    prometheusSource({ ...base, ...lists, url, book }).collect(startMs, AbortSignal.timeout(10_000));
  expect((await collect({ queries: [query] })).samples).toHaveLength(1);
  const own = await collect({ queries: [], listOwnQueries: () => [query] });
  expect([own.samples.length, own.findings[0]!.trouble]).toEqual([0, 'too-large']);
});

// A real Prometheus server as a source: what it scraped comes back as differences, levels and histograms of tasks.
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { fetchMetrics } from '../../src/io/fetch-metrics.ts';
import { type Collected, type KnownTask, TaskBook } from '../../src/judge/index.ts';
import { prometheusSource } from '../../src/judge/sources/prometheus.ts';
import { askOwnQueries } from '../../src/server/sources/own-queries.ts';
import { needs } from '../skip.ts';

const prometheus = needs('prometheus', 'a real Prometheus server is asked; Debian packages it');
const job = 'shop@production' as const;

describe.skipIf(!prometheus)('a real Prometheus server', () => {
  let folder: string;
  let child: ChildProcess;
  let exited: Promise<unknown>;
  let url: string;
  let address: string;
  let requests = 0;
  const target = createServer((_, response) => {
    // Ten requests each time it is looked at, two of them slow.
    requests += 10;
    const fast = requests * 0.8;
    response.end(
      `# TYPE http_requests_total counter\nhttp_requests_total{code="200"} ${requests}\n# TYPE queue gauge\nqueue 7\n` +
        `# TYPE latency_seconds histogram\nlatency_seconds_bucket{le="0.1"} ${fast}\n` +
        `latency_seconds_bucket{le="+Inf"} ${requests}\nlatency_seconds_sum ${requests}\nlatency_seconds_count ${requests}\n`,
    );
  });

  beforeAll(async () => {
    await new Promise<void>((resolve) => target.listen(0, '127.0.0.1', resolve));
    address = `127.0.0.1:${(target.address() as AddressInfo).port}`;
    folder = mkdtempSync(join(tmpdir(), 'rollway-prometheus-'));
    const jobs = `[{job_name: shop, static_configs: [{targets: ['${address}']}]}]`;
    writeFileSync(join(folder, 'prometheus.yml'), `{global: {scrape_interval: 1s}, scrape_configs: ${jobs}}`);
    const probe = createServer();
    await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', resolve));
    const { port } = probe.address() as AddressInfo;
    await new Promise((resolve) => probe.close(resolve));
    url = `http://127.0.0.1:${port}`;
    const options = [`--config.file=${folder}/prometheus.yml`, `--storage.tsdb.path=${folder}/data`];
    child = spawn(prometheus!, [...options, `--web.listen-address=127.0.0.1:${port}`], { stdio: 'ignore' });
    exited = new Promise((resolve) => child.once('exit', resolve));
    await until(async () => (await fetch(`${url}/-/ready`)).ok, 'it is ready');
    await until(async () => requests >= 80, 'it has scraped eight times');
  });
  afterAll(async () => {
    child?.kill('SIGKILL');
    await exited;
    target.closeAllConnections();
    await new Promise((resolve) => target.close(resolve));
    rmSync(folder, { recursive: true, force: true });
  });

  const task: KnownTask = {
    ...{ job, index: 2, incarnation: 5, version: 'v_a', state: 'serving', labels: { region: 'eu' } },
    ...{ servingSinceMs: 0, addresses: [] },
  };
  const ask = (promql: string, as: 'gauge' | 'events' | 'histogram', metric: string): Promise<Collected> => {
    const book = new TaskBook();
    book.refresh([{ ...task, addresses: [address] }], Date.now());
    const queries = [{ metric, jobs: [job], promql, as, task: { address: 'instance' } }];
    const options = { name: 'main', url, queries, read: fetchMetrics, book, binMs: 5000, judgeBinMsOf: () => 5000 };
    const edgeMs = Math.floor(Date.now() / 5000) * 5000;
    // The newest whole bin, whenever we come.
    return prometheusSource({ ...options, lagMs: 0 }).collect(edgeMs, AbortSignal.timeout(10_000));
  };

  test('counters: what was added in the bin, of the task at that address', async () => {
    const promql = 'sum by (instance, code) (increase(http_requests_total{job="{service}"}[{bin}]))';
    let collected: Collected = { samples: [], findings: [] };
    await until(async () => {
      collected = await ask(promql, 'events', 'http_requests_total');
      return collected.samples.length > 0;
    }, 'a whole bin was scraped');
    const [sample] = collected.samples;
    expect(sample).toMatchObject({ job, index: 2, incarnation: 5, version: 'v_a' });
    expect(sample!.labels).toEqual({ region: 'eu', code: '200' });
    const delta = 'counterDelta' in sample!.value ? sample!.value.counterDelta : Number.NaN;
    expect(delta).toBeGreaterThan(20);
    expect(delta).toBeLessThan(80);
    expect(collected.findings).toEqual([]);
  });

  test('levels, and histograms with their tails', async () => {
    const level = await ask('last_over_time(queue[{bin}])', 'gauge', 'queue');
    expect(level.samples[0]?.value).toEqual({ gauge: 7 });
    const tail = await ask('increase(latency_seconds_bucket[{bin}])', 'histogram', 'latency_seconds');
    const value = tail.samples[0]!.value;
    if (!('histogramDelta' in value)) throw new Error('no histogram');
    const [fast, slow] = value.histogramDelta.counts as [number, number];
    expect(value.histogramDelta.bounds).toEqual([0.1, Number.POSITIVE_INFINITY]);
    expect(slow / (fast + slow)).toBeCloseTo(0.2, 6);
  });

  test('what a service asks by a check of its own, on a server that lets it; garbage is a finding', async () => {
    const server = { name: 'main', url, lagMs: 0, queries: [], ownQueries: { task: { address: 'instance' } } } as const;
    const askOwn = async (promql: string) => {
      const query = { job, check: 'deep-queue', promql, server: null };
      const { byServer } = askOwnQueries([query], [{ ...server, queries: [] }]);
      const book = new TaskBook();
      book.refresh([{ ...task, addresses: [address] }], Date.now());
      const options = {
        name: 'main',
        url,
        queries: [],
        listOwnQueries: () => byServer.get('main')!,
        read: fetchMetrics,
      };
      const source = prometheusSource({ ...options, book, binMs: 5000, judgeBinMsOf: () => 5000, lagMs: 0 });
      return source.collect(Math.floor(Date.now() / 5000) * 5000, AbortSignal.timeout(10_000));
    };
    const found = await askOwn('sum by (instance) (last_over_time(queue{job="{service}"}[{bin}]))');
    expect(found.findings).toEqual([]);
    expect(found.samples).toMatchObject([{ metric: 'rollway_query_deep_queue', index: 2, value: { gauge: 7 } }]);
    expect((await askOwn('queue offset nonsense')).findings).toMatchObject([{ trouble: 'unreadable' }]);
    expect((await askOwn('sum(queue)')).findings).toMatchObject([{ trouble: 'unknown-task' }]);
    expect((await askOwn('queue / 0')).findings).toMatchObject([{ trouble: 'not-finite' }]);
  });

  test('a query that is none, and one without the tasks’ label, are findings', async () => {
    expect((await ask('sum by (', 'gauge', 'x')).findings[0]).toMatchObject({ trouble: 'unreadable' });
    expect((await ask('sum(queue)', 'gauge', 'x')).findings[0]).toMatchObject({ trouble: 'unknown-task' });
  });

  test('a task that was updated within the bin gets nothing: it may be its predecessor’s', async () => {
    const book = new TaskBook();
    book.refresh([{ ...task, addresses: [address], servingSinceMs: Date.now() - 500 }], Date.now());
    const queries = [
      { metric: 'queue', jobs: [job], promql: 'queue', as: 'gauge' as const, task: { address: 'instance' } },
    ];
    const options = { name: 'main', url, queries, read: fetchMetrics, book, binMs: 5000, judgeBinMsOf: () => 5000 };
    const edgeMs = Math.floor(Date.now() / 5000) * 5000;
    const { samples, findings } = await prometheusSource({ ...options, lagMs: 0 }).collect(
      edgeMs,
      AbortSignal.timeout(9000),
    );
    expect([samples, findings]).toEqual([[], []]);
  });

  // The last: it stays dead.
  test('when it dies it is a finding', async () => {
    child.kill('SIGKILL');
    await exited;
    expect(await ask('queue', 'gauge', 'queue')).toMatchObject({ samples: [], findings: [{ trouble: 'unreachable' }] });
  });
});

async function until(isSo: () => Promise<boolean>, what: string): Promise<void> {
  const deadline = Date.now() + 60_000;
  while (!(await isSo().catch(() => false))) {
    if (Date.now() > deadline) throw new Error(`not within a minute: ${what}`);
    await sleep(100);
  }
}

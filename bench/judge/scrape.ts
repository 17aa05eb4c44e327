import { type ChildProcess, spawn } from 'node:child_process';
import { createServer } from 'node:http';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { fetchMetrics } from '../../src/io/fetch-metrics.ts';
import { openSampleStore } from '../../src/judge/index.ts';
import { type ScrapeTarget, scrapeSource } from '../../src/judge/sources/scrape.ts';
import { describeMachine, writeResult } from '../machine.ts';

/**
 * 5,000 targets of 20 series (one of them a histogram) each 10 s, scraped by this one process from another one, and
 * put into the sample store: `node bench/judge/scrape.ts [targets] [bins]` writes `bench/results/judge-scrape.json`.
 */
const [first = '5000', second = '4'] = process.argv.slice(2);
if (first === 'serve') serve();
else await measure(Number(first), Number(second));

function serve(): void {
  let requests = 0;
  const server = createServer((_, response) => {
    requests += 7;
    let text = '# TYPE http_requests_total counter\n';
    for (let i = 0; i < 18; i += 1) text += `http_requests_total{route="/api/${i}",code="200"} ${requests * (i + 1)}\n`;
    text += `# TYPE heap_bytes gauge\nheap_bytes ${requests * 1000}\n# TYPE latency_seconds histogram\n`;
    for (let i = 0; i < 12; i += 1) text += `latency_seconds_bucket{le="${0.001 * 2 ** i}"} ${requests * (i + 1)}\n`;
    response.end(
      `${text}latency_seconds_bucket{le="+Inf"} ${requests * 12}\nlatency_seconds_sum 1\nlatency_seconds_count ${requests * 12}\n`,
    );
  });
  server.listen(0, '127.0.0.1', () => process.send?.((server.address() as { port: number }).port));
}

async function measure(targets: number, bins: number): Promise<void> {
  const child: ChildProcess = spawn(process.execPath, [fileURLToPath(import.meta.url), 'serve'], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  try {
    const port = await new Promise<number>((resolve) => child.once('message', (message) => resolve(message as number)));
    const binMs = 10_000;
    const store = await openSampleStore({ nowMs: Date.now(), settings: { binMs } });
    const list = Array.from(
      { length: targets },
      (_, index): ScrapeTarget => ({
        url: `http://127.0.0.1:${port}/${index}`,
        ...{
          job: 'shop@production',
          index,
          incarnation: 1,
          version: 'v_a',
          state: 'serving',
          labels: { rack: `r${index % 50}` },
        },
      }),
    );
    const sleep = (ms: number, signal: AbortSignal) => wait(ms, undefined, { signal });
    const source = scrapeSource({ listTargets: () => list, read: fetchMetrics, binMs, sleep });
    let samples = 0;
    let findings = 0;
    const cpuMs: number[] = [];
    const tookMs: number[] = [];
    for (let bin = 0; bin < bins; bin += 1) {
      const edgeMs = (Math.floor(Date.now() / binMs) + 1) * binMs;
      await wait(edgeMs - Date.now());
      const before = process.cpuUsage();
      const collected = await source.collect(edgeMs, AbortSignal.timeout(60_000));
      tookMs.push(Date.now() - edgeMs);
      samples += store.append(collected.samples, Date.now()).kept;
      const { user, system } = process.cpuUsage(before);
      cpuMs.push((user + system) / 1000);
      findings += collected.findings.length;
      await store.tend(Date.now());
    }
    const figures = {
      targets,
      bins,
      'samples kept': samples,
      'targets without an answer in time': findings,
      'longest bin, s (of 10)': Math.round(Math.max(...tookMs) / 100) / 10,
      'CPU per bin, s (of 10)': Math.round(Math.max(...cpuMs) / 100) / 10,
      'resident memory, MiB': Math.round(process.memoryUsage().rss / 1024 / 1024),
    };
    for (const [name, value] of Object.entries(figures)) console.log(`${name}: ${value}`);
    console.log(`written to ${writeResult('judge-scrape', { machine: describeMachine(), figures })}`);
  } finally {
    child.kill('SIGKILL');
  }
}

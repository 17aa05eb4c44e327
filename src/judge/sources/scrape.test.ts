import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fetchMetrics } from '../../io/fetch-metrics.ts';
import { type Breakage, metricSourceConformance, type ShownSeries, type SourceRig } from './conformance.ts';
import { type ScrapeTarget, scrapeSource } from './scrape.ts';

metricSourceConformance('scrape', {
  open: openRig,
  cannot: {
    'time-jump': 'the times of the text format are not used: the scrape has one',
    stranger: 'it asks only those it knows',
  },
  maxSamples: 200,
});

async function openRig(): Promise<SourceRig> {
  const shown = new Map<number, { series: readonly ShownSeries[]; life: number }>();
  const broken = new Map<number, Breakage>();
  const server = createServer((request, response) => {
    const index = Number(request.url!.split('/')[2]);
    switch (broken.get(index)) {
      case 'hang':
        return;
      case 'refuse':
        return request.socket.destroy();
      case 'garbage':
        return void response.end('<html>\u0000{"a":1}</html>\n'.repeat(20));
      case 'gigabyte': {
        const pour = () => {
          while (!response.destroyed && response.write('requests_total 1\n'.repeat(5000)));
        };
        response.on('drain', pour);
        return pour();
      }
      default:
        response.end(textOf(shown.get(index)?.series ?? []));
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const source = scrapeSource({
    listTargets: () => [...shown].map(([index, { life }]) => targetOf(index, life, port)),
    read: fetchMetrics,
    binMs: 1000,
    sleep: async () => {},
    maxBytes: 256 * 1024,
  });
  return {
    source,
    binMs: 1000,
    show(index, series, life = 0) {
      broken.delete(index);
      shown.set(index, { series, life });
    },
    breakWith(index, breakage) {
      if (!shown.has(index)) shown.set(index, { series: [], life: 0 });
      broken.set(index, breakage);
    },
    collect: (edgeMs) => source.collect(edgeMs, AbortSignal.timeout(10_000)),
    close: () => closeServer(server),
  };
}

function closeServer(server: Server): Promise<void> {
  server.closeAllConnections();
  return new Promise((resolve) => server.close(() => resolve()));
}

function targetOf(index: number, life: number, port: number): ScrapeTarget {
  return {
    url: `http://127.0.0.1:${port}/task/${index}`,
    process: String(life),
    job: 'shop@production',
    index,
    incarnation: 1,
    version: index < 6 ? 'v_old' : 'v_new',
    state: 'serving',
    labels: {},
  };
}

function textOf(series: readonly ShownSeries[]): string {
  const typed = new Set<string>();
  let text = '';
  for (const one of series) {
    if (!typed.has(one.name)) text += `# TYPE ${one.name} ${one.kind}\n`;
    typed.add(one.name);
    const labels = Object.entries(one.labels ?? {}).map(([name, value]) => `${name}="${value}"`);
    if (one.kind !== 'histogram') {
      text += `${one.name}{${labels.join()}} ${one.value}\n`;
      continue;
    }
    let below = 0;
    for (const [i, count] of one.counts.entries()) {
      below += count;
      text += `${one.name}_bucket{${[...labels, `le="${one.bounds[i] ?? '+Inf'}"`].join()}} ${below}\n`;
    }
    text += `${one.name}_sum{${labels.join()}} ${one.sum}\n${one.name}_count{${labels.join()}} ${below}\n`;
  }
  return text;
}

import { readFile } from 'node:fs/promises';
import { setTimeout as wait } from 'node:timers/promises';
import { fetchMetrics } from '../../io/fetch-metrics.ts';
import { type MetricSource, type SourceFinding, TaskBook } from '../../judge/index.ts';
import { type OwnQuery, readJudgeBin, readKnownTasks, readOwnQueries } from '../../judge/read.ts';
import { prometheusSource } from '../../judge/sources/prometheus.ts';
import { type PushSource, pushSource } from '../../judge/sources/push.ts';
import { type ScrapeTarget, scrapeSource } from '../../judge/sources/scrape.ts';
import { type SpanSource, spanSource } from '../../judge/sources/spans/index.ts';
import type { JobId } from '../../model/index.ts';
import type { ServerContext } from '../context.ts';
import { type Asked, askOwnQueries } from './own-queries.ts';
import { type PrometheusServer, watchSourcesFile } from './sources-file.ts';

/** Sources of metrics besides the agents: those handed in, the endpoints and the Prometheus servers of the file. */
export interface Sources {
  readonly push: PushSource;
  readonly spans: SpanSource;
  /** Whose metrics are whose; read from the store at most once per bin. */
  refreshBook(): Promise<void>;
  /** Collects the bin that ends at `edgeMs`. */
  collect(edgeMs: number, signal: AbortSignal): Promise<void>;
}

const lateBins = 2;
const usualJudgeBinMs = 10_000;
const readBinEveryMs = 30_000;

export function openSources(
  context: Pick<ServerContext, 'store' | 'clock' | 'samples' | 'sourceFindings' | 'settings'>,
): Sources {
  const { store, clock, samples, sourceFindings, settings } = context;
  const { binMs } = settings;
  const book = new TaskBook();
  const judgeBins = new Map<JobId, number>();
  let ownQueries: readonly OwnQuery[] = [];
  let asked: Asked = { byServer: new Map(), findings: [] };
  let bookAtMs = 0;
  let binsAtMs = 0;
  const refreshBook = async () => {
    const nowMs = clock.nowMs();
    if (nowMs - bookAtMs < binMs) return;
    bookAtMs = nowMs;
    const tasks = await store.read(readKnownTasks);
    book.refresh(tasks, nowMs);
    if (nowMs - binsAtMs < readBinEveryMs) return;
    binsAtMs = nowMs;
    const found: OwnQuery[] = [];
    for (const job of new Set(tasks.map((task) => task.job))) {
      found.push(...(await store.read((tx) => readOwnQueries(tx, job))));
      judgeBins.set(job, (await store.read((tx) => readJudgeBin(tx, job))) ?? usualJudgeBinMs);
    }
    ownQueries = found;
  };
  const judgeBinMsOf = (job: JobId) => Math.max(binMs, judgeBins.get(job) ?? usualJudgeBinMs);

  const file = watchSourcesFile(settings.sourcesFile);
  const push = pushSource({ book, binMs, lateBins, judgeBinMsOf });
  const spans = spanSource({ book, binMs });
  let targets: ScrapeTarget[] = [];
  const scrape = scrapeSource({
    name: 'targets',
    listTargets: () => targets,
    read: fetchMetrics,
    binMs,
    sleep: (ms, signal) => wait(ms, undefined, { signal }).catch(() => undefined),
  });
  let servers: readonly PrometheusServer[] = [];
  let prometheus: MetricSource[] = [];
  const openServers = (wanted: readonly PrometheusServer[]) => {
    if (wanted === servers) return;
    servers = wanted;
    prometheus = wanted.map(({ name, url, tokenFile, lagMs, queries }) => {
      const readToken = tokenFile === undefined ? undefined : () => readFile(tokenFile, 'utf8').catch(() => undefined);
      const ofFile = queries.map((query) => ({ ...query, jobs: query.jobs as JobId[] }));
      const listOwnQueries = () => asked.byServer.get(name) ?? [];
      const options = {
        name,
        url,
        readToken,
        queries: ofFile,
        listOwnQueries,
        lagMs,
        read: fetchMetrics,
        book,
        binMs,
        judgeBinMsOf,
      };
      return prometheusSource(options);
    });
  };
  const running = new Set<MetricSource>();

  const collectOne = async (source: MetricSource, edgeMs: number, signal: AbortSignal): Promise<void> => {
    if (running.has(source)) return sourceFindings.add([tooSlow(source)], edgeMs);
    running.add(source);
    try {
      const collected = await source.collect(edgeMs, signal);
      const nowMs = clock.nowMs();
      const { late, refused } = samples.append(collected.samples, nowMs);
      sourceFindings.add(collected.findings, nowMs);
      if (late + refused > 0) sourceFindings.add([notTaken(source, late, refused)], nowMs);
    } finally {
      running.delete(source);
    }
  };

  return {
    push,
    spans,
    refreshBook,
    async collect(edgeMs, signal) {
      const { sources, problem } = await file.read();
      if (problem !== undefined) sourceFindings.add([badFile(file.path!, problem)], edgeMs);
      if (sources.targets.length + sources.prometheus.length > 0) await refreshBook();
      asked = askOwnQueries(ownQueries, sources.prometheus);
      sourceFindings.add(asked.findings, edgeMs);
      openServers(sources.prometheus);
      const found = targetsOf(sources.targets, book, edgeMs - binMs);
      targets = found.targets;
      sourceFindings.add(found.findings, edgeMs);
      const all = [push, spans, ...(targets.length > 0 ? [scrape] : []), ...prometheus];
      await Promise.all(all.map((source) => collectOne(source, edgeMs, signal)));
    },
  };
}

/** Whoever does not say incarnation and version is the task that serves at that index. */
function targetsOf(
  wanted: readonly {
    url: string;
    job: string;
    index: number;
    incarnation?: number | undefined;
    version?: string | undefined;
    labels: Readonly<Record<string, string>>;
  }[],
  book: TaskBook,
  fromMs: number,
): { targets: ScrapeTarget[]; findings: SourceFinding[] } {
  const targets: ScrapeTarget[] = [];
  const findings: SourceFinding[] = [];
  for (const { url, index, incarnation, version, labels, ...rest } of wanted) {
    const job = rest.job as JobId;
    if (incarnation !== undefined && version !== undefined) {
      targets.push({ url, job, index, incarnation, version: version as `v_${string}`, state: 'serving', labels });
      continue;
    }
    const task = book.find({ job, index, incarnation }, fromMs);
    if (task) targets.push({ ...task, url, labels: { ...task.labels, ...labels } });
    else {
      const sentence = `Nobody knows which task ${url} belongs to: ${job}/${index} does not serve here.`;
      findings.push({ source: 'targets', subject: `${job}/${index}`, trouble: 'unknown-task', sentence });
    }
  }
  return { targets, findings };
}

function tooSlow({ name }: MetricSource): SourceFinding {
  const sentence = `The source ${name} has not ended with one bin when the next begins.`;
  return { source: name, subject: name, trouble: 'slow', sentence };
}

function notTaken({ name }: MetricSource, late: number, refused: number): SourceFinding {
  const sentence = `Of ${name}, ${late} samples came after their bin had closed, and ${refused} were refused.`;
  return { source: name, subject: name, trouble: refused > 0 ? 'refused' : 'slow', sentence };
}

function badFile(path: string, problem: string): SourceFinding {
  const sentence = `The sources file ${path} cannot be read; what it said before stays in force: ${problem}`;
  return { source: 'sources-file', subject: path, trouble: 'unreadable', sentence };
}

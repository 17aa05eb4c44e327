import type { SampleOnWire } from '../../api/index.ts';
import { listProcesses, type ProcessFacts } from '../../io/process.ts';
import { deltasBetween, type MetricPoint, parsePrometheusText, type SeriesDelta } from '../../judge/index.ts';
import type { HeldTask } from '../held-task.ts';
import type { TaskMemory } from '../memory.ts';
import { fetchMetrics } from './fetch-metrics.ts';

const maxBytes = 4 * 1024 * 1024;

/** The last scrape of one task. */
interface Earlier {
  /** incarnation and life: another process counts from zero again, and nobody saw it begin. */
  readonly process: string;
  readonly edgeMs: number;
  readonly points: readonly MetricPoint[] | undefined;
  readonly cpuMs: number;
}

/** Scrapes all tasks of a host, once for each edge of the grid, and makes differences of what it finds. */
export class Scraper {
  readonly #labels: Readonly<Record<string, string>>;
  readonly #log: (line: string) => void;
  readonly #earlier = new Map<string, Earlier>();
  readonly #complained = new Set<string>();

  constructor(labels: Readonly<Record<string, string>>, log: (line: string) => void) {
    this.#labels = labels;
    this.#log = log;
  }

  /** Samples of the bin that ends at `edgeMs`. What was not scraped is not there. */
  async scrapeAll(tasks: readonly HeldTask[], edgeMs: number, binMs: number): Promise<SampleOnWire[]> {
    const processes = listProcesses();
    const running = tasks.filter((task) => task.keeperState?.main && task.keeperState.phase !== 'starting');
    const samples = await Promise.all(running.map((task) => this.#scrape(task, processes, edgeMs, binMs)));
    const keys = new Set(running.map(({ memory }) => indexOf(memory)));
    for (const key of this.#earlier.keys()) if (!keys.has(key)) this.#earlier.delete(key);
    return samples.flat();
  }

  async #scrape(
    task: HeldTask,
    processes: readonly ProcessFacts[],
    edgeMs: number,
    binMs: number,
  ): Promise<SampleOnWire[]> {
    const { memory, keeperState } = task;
    const main = keeperState?.main;
    if (!main) return [];
    const key = indexOf(memory);
    const process = `${memory.incarnation}/${keeperState.life}/${main.pid}`;
    // As they are at the moment of the scrape, not when its answer comes.
    const state = memory.reported.state;
    const points = await this.#readPoints(memory, binMs);
    const own = processes.filter(({ sessionId }) => sessionId === main.pid);
    const cpuMs = own.reduce((sum, one) => sum + one.cpuMs, 0);

    const found = this.#earlier.get(key);
    // A gap of more than a bin stays a gap: its total would look like a burst in one bin.
    const before = found?.process === process && found.edgeMs === edgeMs - binMs ? found : undefined;
    this.#earlier.set(key, { process, edgeMs, points, cpuMs });

    const deltas = points ? deltasBetween(before?.points, points) : [];
    const residentBytes = own.reduce((sum, one) => sum + one.residentBytes, 0);
    deltas.push(gauge('rollway_task_resident_bytes', residentBytes), gauge('rollway_task_restarts', keeperState.life));
    if (before) deltas.push(gauge('rollway_task_cpu_cores', Math.max(0, cpuMs - before.cpuMs) / binMs));
    const { job, index, incarnation, order } = memory;
    const version = order.version?.id ?? 'v_none';
    return deltas.map(({ metric, labels, value }) => ({
      ...{ job, index, incarnation, version, state, metric },
      // The service's own labels win: two of its series must not become one.
      labels: { ...this.#labels, ...labels },
      fromMs: edgeMs - binMs,
      toMs: edgeMs,
      value: onWire(value),
    }));
  }

  async #readPoints(memory: TaskMemory, binMs: number): Promise<readonly MetricPoint[] | undefined> {
    const metrics = memory.order.version?.task.metrics;
    const port = metrics && memory.ports[metrics.port];
    if (!metrics || port === undefined) return undefined;
    const host = memory.address.includes(':') ? `[${memory.address}]` : memory.address;
    const scrape = await fetchMetrics(`http://${host}:${port}${metrics.path}`, Math.min(5000, binMs * 0.7), maxBytes);
    const name = `${indexOf(memory)}/${memory.incarnation}`;
    if (scrape.ok) {
      this.#complained.delete(name);
      return parsePrometheusText(scrape.text).points;
    }
    if (!this.#complained.has(name)) this.#log(`the metrics of ${indexOf(memory)} are missing: ${scrape.why}`);
    this.#complained.add(name);
    return undefined;
  }
}

function gauge(metric: string, value: number): SeriesDelta {
  return { metric, labels: {}, value: { gauge: value } };
}

/** JSON has no infinity: the last bound of a histogram is null. */
function onWire(value: SeriesDelta['value']): SampleOnWire['value'] {
  if (!('histogramDelta' in value)) return value;
  const { bounds, counts, sum } = value.histogramDelta;
  const finite = bounds.map((bound) => (Number.isFinite(bound) ? bound : null));
  return { histogramDelta: { bounds: finite, counts: [...counts], sum } };
}

function indexOf({ job, index }: TaskMemory): string {
  return `${job}/${index}`;
}

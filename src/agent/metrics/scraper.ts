import type { SampleFinding, SampleOnWire } from '../../api/index.ts';
import { fetchMetrics } from '../../io/fetch-metrics.ts';
import {
  parsePrometheusText,
  readTarget,
  type Scrape,
  type SeriesDelta,
  type TargetMemory,
} from '../../judge/index.ts';
import type { HeldTask } from '../held-task.ts';
import { indexKey, type TaskMemory } from '../memory.ts';
import { FleetFigures, type MachineFacts, readMachine } from './fleet-figures.ts';

const maxBytes = 4 * 1024 * 1024;

/** Samples of one bin, and what is wrong with the metrics of tasks. */
export interface Scraped {
  readonly samples: SampleOnWire[];
  readonly findings: SampleFinding[];
}

/** Scrapes all tasks of a host, once for each edge of the grid, and makes differences of what it finds. */
export class Scraper {
  readonly #labels: Readonly<Record<string, string>>;
  readonly #log: (line: string) => void;
  readonly #earlier = new Map<string, TargetMemory>();
  readonly #figures = new FleetFigures();
  readonly #complained = new Set<string>();

  constructor(labels: Readonly<Record<string, string>>, log: (line: string) => void) {
    this.#labels = labels;
    this.#log = log;
  }

  /** Samples of the bin that ends at `edgeMs`. What was not scraped is not there. */
  async scrapeAll(tasks: readonly HeldTask[], edgeMs: number, binMs: number): Promise<Scraped> {
    const machine = await readMachine(edgeMs, binMs);
    const running = tasks.filter((task) => task.keeperState?.main && task.keeperState.phase !== 'starting');
    const all = await Promise.all(running.map((task) => this.#scrape(task, machine, edgeMs, binMs)));
    const keys = new Set(running.map(({ memory }) => indexOf(memory)));
    for (const key of this.#earlier.keys()) if (!keys.has(key)) this.#earlier.delete(key);
    this.#figures.keep(new Set(tasks.map(({ memory }) => indexOf(memory))));
    return { samples: all.flatMap(({ samples }) => samples), findings: all.flatMap(({ findings }) => findings) };
  }

  async #scrape(task: HeldTask, machine: MachineFacts, edgeMs: number, binMs: number): Promise<Scraped> {
    const { memory, keeperState } = task;
    const main = keeperState?.main;
    if (!main) return { samples: [], findings: [] };
    const key = indexOf(memory);
    const process = `${memory.incarnation}/${keeperState.life}/${main.pid}`;
    // As they are at the moment of the scrape, not when its answer comes.
    const state = memory.reported.state;
    const [scrape, figures] = await Promise.all([
      this.#read(memory, binMs),
      this.#figures.read(task, machine, edgeMs, binMs),
    ]);
    const parsed = scrape?.ok ? parsePrometheusText(scrape.text) : undefined;
    const read = readTarget(this.#earlier.get(key), { process, edgeMs, binMs, parsed });
    this.#earlier.set(key, read.memory);
    const deltas = [...read.deltas, ...figures];
    const { job, index, incarnation, order } = memory;
    const version = order.version?.id ?? 'v_none';
    const samples = deltas.map(({ metric, labels, value }) => ({
      ...{ job, index, incarnation, version, state, metric },
      // The service's own labels win: two of its series must not become one.
      labels: { ...this.#labels, ...labels },
      fromMs: edgeMs - binMs,
      toMs: edgeMs,
      value: onWire(value),
    }));
    const troubles = scrape?.ok === false ? [{ trouble: scrape.trouble, what: scrape.why }] : read.troubles;
    // A task that is not serving yet, or not any more, need not answer.
    const findings = state === 'serving' ? troubles.map((one) => ({ job, index, ...one })) : [];
    this.#complain(key, incarnation, findings);
    return { samples, findings };
  }

  async #read(memory: TaskMemory, binMs: number): Promise<Scrape | undefined> {
    const metrics = memory.order.version?.task.metrics;
    const port = metrics && memory.ports[metrics.port];
    if (!metrics || port === undefined) return undefined;
    const host = memory.address.includes(':') ? `[${memory.address}]` : memory.address;
    const deadlineMs = Math.min(5000, binMs * 0.7);
    return await fetchMetrics(`http://${host}:${port}${metrics.path}`, { deadlineMs, maxBytes });
  }

  /** In the agent's own log once per incarnation; the server has them as findings. */
  #complain(key: string, incarnation: number, findings: readonly SampleFinding[]): void {
    const name = `${key}/${incarnation}`;
    const [first] = findings;
    if (!first) this.#complained.delete(name);
    else if (!this.#complained.has(name)) {
      this.#log(`metrics of ${key}: ${first.what}`);
      this.#complained.add(name);
    }
  }
}

/** JSON has no infinity: the last bound of a histogram is null. */
function onWire(value: SeriesDelta['value']): SampleOnWire['value'] {
  if (!('histogramDelta' in value)) return value;
  const { bounds, counts, sum } = value.histogramDelta;
  const finite = bounds.map((bound) => (Number.isFinite(bound) ? bound : null));
  return { histogramDelta: { bounds: finite, counts: [...counts], sum } };
}

const indexOf = ({ job, index }: TaskMemory): string => indexKey(job, index);

import type { Sample, TaskIndex, VersionId } from '../../model/index.ts';
import type { SeenMetric } from '../discover.ts';

/** Regions are told apart by the minute: so coarse are samples once they are old. */
const minuteMs = 60_000;

interface MetricFacts {
  /** Newest begin of a sample with each label. */
  readonly labels: Map<string, number>;
  newestMs: number;
  /** The labels of the samples that are being added: mostly many of one series in a row. */
  current: Readonly<Record<string, string>> | undefined;
  currentMs: number;
}

interface TaskFacts {
  newestMs: number;
  /** Where it was last said to be. */
  region: string;
  regionMinute: number;
}

/**
 * What samples say beside their numbers: which metrics, labels, tasks, regions and versions there are. Each fact with
 * the time at which it was seen last, so that it goes when its samples do. The order of samples does not matter.
 */
export class SeenFacts {
  readonly #kinds = {
    gauge: new Map<string, MetricFacts>(),
    counter: new Map<string, MetricFacts>(),
    histogram: new Map<string, MetricFacts>(),
  };
  readonly #tasks = new Map<TaskIndex, TaskFacts>();
  readonly #versions = new Map<VersionId, number>();
  #newestMs = Number.NEGATIVE_INFINITY;

  add({ index, version, metric, labels, fromMs, toMs, value }: Sample): void {
    const kind = 'gauge' in value ? 'gauge' : 'counterDelta' in value ? 'counter' : 'histogram';
    let facts = this.#kinds[kind].get(metric);
    if (!facts) {
      facts = { labels: new Map(), newestMs: fromMs, current: undefined, currentMs: fromMs };
      this.#kinds[kind].set(metric, facts);
    }
    facts.newestMs = Math.max(facts.newestMs, fromMs);
    if (facts.current !== labels) {
      settle(facts);
      facts.current = labels;
      facts.currentMs = fromMs;
    } else facts.currentMs = Math.max(facts.currentMs, fromMs);
    this.#newestMs = Math.max(this.#newestMs, fromMs);
    this.#addTask(index, labels.region, fromMs);
    if (!((this.#versions.get(version) ?? Number.NEGATIVE_INFINITY) >= toMs)) this.#versions.set(version, toMs);
  }

  #addTask(index: TaskIndex, region: string | undefined, fromMs: number): void {
    let task = this.#tasks.get(index);
    if (!task) {
      task = { newestMs: fromMs, region: '', regionMinute: Number.NEGATIVE_INFINITY };
      this.#tasks.set(index, task);
    }
    task.newestMs = Math.max(task.newestMs, fromMs);
    if (region === undefined || region === '') return;
    const minute = Math.floor(fromMs / minuteMs);
    if (minute < task.regionMinute || (minute === task.regionMinute && region >= task.region)) return;
    task.region = region;
    task.regionMinute = minute;
  }

  /** Whether anything begins at `sinceMs` or later. */
  isAny(sinceMs: number): boolean {
    return this.#newestMs >= sinceMs;
  }

  /** Whether anything was read of this version after that time. */
  isHeard(version: VersionId, afterMs: number): boolean {
    return (this.#versions.get(version) ?? Number.NEGATIVE_INFINITY) > afterMs;
  }

  /** Metrics of samples that begin at `sinceMs` or later; of labels only which there are. */
  metrics(sinceMs: number): SeenMetric[] {
    const found: SeenMetric[] = [];
    for (const kind of ['gauge', 'counter', 'histogram'] as const) {
      for (const [metric, facts] of this.#kinds[kind]) {
        if (facts.newestMs < sinceMs) continue;
        settle(facts);
        const labels: Record<string, readonly string[]> = {};
        for (const [label, newestMs] of facts.labels) if (newestMs >= sinceMs) labels[label] = [];
        found.push({ metric, kind, labels });
      }
    }
    return found.sort((a, b) => (a.metric < b.metric ? -1 : a.metric > b.metric ? 1 : 0));
  }

  /** Tasks of which anything begins at `sinceMs` or later, in order, with the regions they were last said to be in. */
  tasks(sinceMs: number): { readonly index: TaskIndex; readonly region: string }[] {
    const found: { index: TaskIndex; region: string }[] = [];
    for (const [index, { newestMs, region, regionMinute }] of this.#tasks) {
      if (newestMs >= sinceMs) found.push({ index, region: regionMinute * minuteMs >= sinceMs ? region : '' });
    }
    return found.sort((a, b) => a.index - b.index);
  }

  /** Gives up what is older. */
  forgetBefore(sinceMs: number): void {
    for (const metrics of Object.values(this.#kinds)) {
      for (const [metric, facts] of metrics) {
        settle(facts);
        if (facts.newestMs < sinceMs) metrics.delete(metric);
        for (const [label, newestMs] of facts.labels) if (newestMs < sinceMs) facts.labels.delete(label);
      }
    }
    for (const [index, { newestMs }] of this.#tasks) if (newestMs < sinceMs) this.#tasks.delete(index);
    for (const [version, newestMs] of this.#versions) if (newestMs < sinceMs) this.#versions.delete(version);
  }
}

function settle(facts: MetricFacts): void {
  if (facts.current === undefined) return;
  for (const label of Object.keys(facts.current)) {
    if (!((facts.labels.get(label) ?? Number.NEGATIVE_INFINITY) >= facts.currentMs))
      facts.labels.set(label, facts.currentMs);
  }
  facts.current = undefined;
}

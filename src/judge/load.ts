import type { Sample, TaskIndex } from '../model/index.ts';

/** How far back the load of a task is looked at. */
export const loadWindowMs = 60_000;

interface Seen {
  fromMs: number;
  toMs: number;
  events: number;
  /** Per interval: gauges of all series of the task together. */
  readonly gauges: Map<number, number>;
}

/**
 * The load of each task that told anything lately, in index order; 1 is `full`. A counter or histogram counts by its
 * events per second, a gauge by its mean, each over all of its series. A task of which nothing is known is left out.
 */
export function loadsOf(samples: readonly Sample[], { metric, full }: LoadMetric): number[] {
  const seen = new Map<TaskIndex, Seen>();
  for (const { index, metric: name, fromMs, toMs, value } of samples) {
    if (name !== metric || toMs <= fromMs) continue;
    const task = seen.get(index) ?? { fromMs, toMs, events: 0, gauges: new Map() };
    task.fromMs = Math.min(task.fromMs, fromMs);
    task.toMs = Math.max(task.toMs, toMs);
    if ('gauge' in value) task.gauges.set(fromMs, (task.gauges.get(fromMs) ?? 0) + value.gauge);
    else if ('counterDelta' in value) task.events += value.counterDelta;
    else task.events += value.histogramDelta.counts.reduce((sum, one) => sum + one, 0);
    seen.set(index, task);
  }
  return [...seen].sort(([a], [b]) => a - b).map(([, task]) => levelOf(task) / full);
}

export interface LoadMetric {
  readonly metric: string;
  /** What a task can bear: of a gauge its value, of a counter or histogram its events per second. */
  readonly full: number;
}

function levelOf({ fromMs, toMs, events, gauges }: Seen): number {
  if (gauges.size === 0) return events / ((toMs - fromMs) / 1000);
  return [...gauges.values()].reduce((sum, one) => sum + one, 0) / gauges.size;
}

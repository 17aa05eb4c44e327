import type { TaskIndex } from '../model/index.ts';
import type { MetricSeen } from './samples.ts';
import type { TaskSamples } from './task-samples.ts';

/** Values of a label that are told at most. */
const mostValues = 50;

interface Seen {
  readonly metric: string;
  readonly kind: MetricSeen['kind'];
  readonly labels: Map<string, Set<string>>;
  readonly tasks: Set<TaskIndex>;
  lastSeenAtMs: number;
}

/** The metrics of a job's tasks that were read since then, each with its labels, over all tasks and series. */
export function metricsSeen(tasks: ReadonlyMap<TaskIndex, TaskSamples>, sinceMs: number, binMs: number): MetricSeen[] {
  const seen = new Map<string, Seen>();
  for (const [index, task] of tasks) {
    for (const { metric, kind, labels, fine } of task.series.values()) {
      const lastSeenAtMs = (fine.newestBin + 1) * binMs;
      if (lastSeenAtMs < sinceMs) continue;
      const known = seen.get(`${kind}${metric}`);
      const entry = known ?? { metric, kind, labels: new Map(), tasks: new Set(), lastSeenAtMs: 0 };
      seen.set(`${kind}${metric}`, entry);
      entry.tasks.add(index);
      entry.lastSeenAtMs = Math.max(entry.lastSeenAtMs, lastSeenAtMs);
      for (const [label, value] of Object.entries(labels)) {
        const values = entry.labels.get(label) ?? new Set();
        if (values.size < mostValues) entry.labels.set(label, values.add(value));
      }
    }
  }
  return [...seen.values()]
    .map(({ labels, tasks: of, ...rest }) => ({
      ...rest,
      labels: Object.fromEntries([...labels].map(([label, values]) => [label, [...values].sort()])),
      tasks: of.size,
    }))
    .sort((a, b) => (a.metric < b.metric ? -1 : 1));
}

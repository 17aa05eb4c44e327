import type { ServerContext } from './context.ts';

/** What the server says of itself, as Prometheus text. */
export interface ServerMetrics {
  recordAnswer(method: string, status: number, tookMs: number): void;
  text(): Promise<string>;
}

const buckets = [5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000];

export function createMetrics(
  { engine, clock }: Pick<ServerContext, 'engine' | 'clock'>,
  gauges: () => Readonly<Record<string, number>>,
): ServerMetrics {
  const startedAtMs = clock.nowMs();
  const counts = new Map<string, number>();
  const durations = buckets.map(() => 0);
  let durationSumMs = 0;
  let answers = 0;
  return {
    recordAnswer(method, status, tookMs) {
      const labels = `method="${knownMethod(method)}",status="${status}"`;
      counts.set(labels, (counts.get(labels) ?? 0) + 1);
      buckets.forEach((bound, i) => {
        if (tookMs <= bound) durations[i] = (durations[i] ?? 0) + 1;
      });
      durationSumMs += tookMs;
      answers += 1;
    },
    async text() {
      const parked = await engine.listParked();
      const lines = [
        ...family('rollway_http_answers_total', 'counter', 'Answers by method and status.'),
        ...[...counts].map(([labels, count]) => `rollway_http_answers_total{${labels}} ${count}`),
        ...family('rollway_http_answer_seconds', 'histogram', 'Time to an answer (of streams: to its beginning).'),
        ...buckets.map((bound, i) => `rollway_http_answer_seconds_bucket{le="${bound / 1000}"} ${durations[i]}`),
        `rollway_http_answer_seconds_bucket{le="+Inf"} ${answers}`,
        `rollway_http_answer_seconds_sum ${durationSumMs / 1000}`,
        `rollway_http_answer_seconds_count ${answers}`,
        ...family('rollway_events_position', 'gauge', 'Position of the newest sealed event.'),
        `rollway_events_position ${await engine.lastPosition()}`,
        ...family('rollway_parked', 'gauge', 'Work and effects set aside after repeated failures.'),
        `rollway_parked{what="work"} ${parked.work.length}`,
        `rollway_parked{what="effect"} ${parked.effects.length}`,
        ...family('rollway_uptime_seconds', 'gauge', 'Time since the start.'),
        `rollway_uptime_seconds ${(clock.nowMs() - startedAtMs) / 1000}`,
        ...family('process_resident_memory_bytes', 'gauge', 'Memory of the process.'),
        `process_resident_memory_bytes ${process.memoryUsage.rss()}`,
        ...Object.entries(gauges()).flatMap(([name, value]) => [
          ...family(`rollway_${name}`, 'gauge', name.replaceAll('_', ' ')),
          `rollway_${name} ${value}`,
        ]),
      ];
      return `${lines.join('\n')}\n`;
    },
  };
}

/** Anybody can invent methods; they must not invent time series. */
function knownMethod(method: string): string {
  return ['GET', 'HEAD', 'POST', 'PUT', 'DELETE'].includes(method) ? method : 'other';
}

function family(name: string, type: string, help: string): string[] {
  return [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`];
}

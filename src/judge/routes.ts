import type { CheckSpec, Sample } from '../model/index.ts';

/** Labels by which services name what was called, the more telling ones first. */
const routeLabels = [
  'http_route',
  'route',
  'handler',
  'endpoint',
  'uri',
  'path',
  'grpc_method',
  'rpc_method',
  'operation',
  'method',
];
/** Routes that have a view of their own at most; the others are judged together with all. */
const maxRoutes = 12;
/** Values beyond which a label names no routes any more (ids in paths): it is not looked at. */
const maxValues = 500;
/** Of calls, and of time, that the chosen routes carry together (ML-14). */
const wanted = { calls: 0.9, time: 0.8 };

/** What was called, under the label that says so. */
export interface Route {
  readonly label: string;
  readonly value: string;
}

interface Part {
  calls: number;
  time: number;
}

/**
 * The routes that deserve a view of their own: the fewest that carry 90 % of the calls, and the fewest that take 80 % of
 * the time. Chosen by what tasks of other versions did, so that what is judged does not choose by what it is judged.
 */
export function selectRoutes(check: CheckSpec, newVersion: string, samples: readonly Sample[]): Route[] {
  const metric = countedBy(check);
  if (metric === undefined) return [];
  const own = samples.filter((one) => one.version !== newVersion && one.metric === metric);
  const label = routeLabels.find((name) => own.some(({ labels }) => labels[name] !== undefined));
  if (label === undefined) return [];
  const parts = new Map<string, Part>();
  for (const { labels, value } of own) {
    const name = labels[label];
    if (name === undefined) continue;
    const part = parts.get(name) ?? { calls: 0, time: 0 };
    if ('counterDelta' in value) part.calls += value.counterDelta;
    else if ('histogramDelta' in value) {
      for (const count of value.histogramDelta.counts) part.calls += count;
      part.time += value.histogramDelta.sum;
    }
    parts.set(name, part);
    if (parts.size > maxValues) return [];
  }
  if (parts.size < 2) return [];
  const chosen = new Set([...heaviest(parts, 'calls', wanted.calls), ...heaviest(parts, 'time', wanted.time)]);
  return [...chosen].slice(0, maxRoutes).map((value) => ({ label, value }));
}

/** The largest, until together they have that share of all. */
function heaviest(parts: ReadonlyMap<string, Part>, key: keyof Part, share: number): string[] {
  const all = [...parts].sort(([a, x], [b, y]) => y[key] - x[key] || (a < b ? -1 : 1));
  const total = all.reduce((sum, [, part]) => sum + part[key], 0);
  const found: string[] = [];
  let sum = 0;
  for (const [name, part] of all) {
    if (!(sum < share * total)) break;
    found.push(name);
    sum += part[key];
  }
  return found;
}

/** Whether any route could be told by these labels. */
export function tellRoutes(labels: Readonly<Record<string, unknown>>): boolean {
  return routeLabels.some((name) => labels[name] !== undefined);
}

/** Samples of one route alone. */
export function samplesOfRoute(check: CheckSpec, { label, value }: Route, samples: readonly Sample[]): Sample[] {
  const metric = countedBy(check);
  return samples.filter((one) => one.metric === metric && one.labels[label] === value);
}

/** The metric whose samples tell the routes of a check. */
export function countedBy({ metric }: CheckSpec): string | undefined {
  if ('errorRatio' in metric) return metric.errorRatio.counter;
  return 'latency' in metric ? metric.latency.histogram : undefined;
}

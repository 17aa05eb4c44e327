import { type CheckSpec, fleetMetrics, notServed, queryMetric } from '../model/index.ts';

/** What the parts of a check are that hardly anybody sets: for those that are made here and not written by a person. */
export const plainCheck = {
  against: 'old',
  limit: null,
  missing: 'undecided',
  minSamples: 0,
  windowMs: null,
  weight: 1,
} as const satisfies Partial<CheckSpec>;

/** Whether a check needs no old task: it judges a first deployment too. */
export function isAlone({ against }: CheckSpec): boolean {
  return against === 'limit' || against === 'trend';
}

/** The limit in the unit of the metric: latencies are written as seconds, some histograms count milliseconds. */
export function limitOf({ limit, metric }: CheckSpec): number {
  const isMs = 'latency' in metric && countsMilliseconds(metric.latency.histogram);
  return (limit ?? 0) * (isMs ? 1000 : 1);
}

export function countsMilliseconds(histogram: string): boolean {
  return /milliseconds|_ms$/.test(histogram);
}

const wordsOfFleet: Readonly<Record<string, string>> = {
  [fleetMetrics.cpu]: 'CPU use',
  [fleetMetrics.memory]: 'memory',
  [fleetMetrics.connections]: 'open connections',
  [fleetMetrics.restarts]: 'restarts',
};

/** What a check of numbers measures, for people. */
export function nameOfMetric({ metric, name }: CheckSpec): string {
  const inWords = (metricName: string) =>
    metricName === queryMetric(name) ? name : (wordsOfFleet[metricName] ?? metricName);
  if ('gauge' in metric) return inWords(metric.gauge);
  if ('rate' in metric) return inWords(metric.rate);
  if ('incidents' in metric) return inWords(metric.incidents);
  if ('perLoad' in metric)
    return `${metric.perLoad.gauge === null ? 'tasks' : inWords(metric.perLoad.gauge)} per request`;
  return name;
}

/** What became of the requests that count. */
export function outcomeOf({ metric }: CheckSpec): string {
  const values: readonly string[] = Object.values(notServed);
  return 'errorRatio' in metric && values.includes(metric.errorRatio.errorValues)
    ? 'were cancelled or not found'
    : 'failed';
}

/** What the events of a check of counts are made of. */
export function occasionsOf({ metric }: CheckSpec): string {
  return 'errorRatio' in metric && metric.errorRatio.counter === fleetMetrics.probes ? 'readiness probes' : 'requests';
}

/** `0.42 cores`, `123 MiB`, `7` */
export function levelInWords({ metric }: CheckSpec, value: number): string {
  if ('gauge' in metric && metric.gauge === fleetMetrics.memory) return `${grouped((value / 1048576).toFixed(0))} MiB`;
  const number = grouped(String(Number(value.toPrecision(3))));
  return 'gauge' in metric && metric.gauge === fleetMetrics.cpu ? `${number} cores` : number;
}

/** `41000.5` → `41,000.5` */
export function grouped(number: string): string {
  return number.replace(/\B(?=(\d{3})+(?!\d))(?<!\.\d*)/g, ',');
}

import { type CheckSpec, type JudgeSpec, notServed, queryMetric, type Sample } from '../model/index.ts';
import { discoverChecks, metricsIn, type SeenMetric } from './discover.ts';

/** A check that is not honest for the service is trusted to hold at most. */
export function cap(check: CheckSpec, bad: ReadonlySet<string>): CheckSpec {
  return bad.has(check.name) && check.trust === 'revert' ? { ...check, trust: 'hold' } : check;
}

/** The checks of the specification; where a standard metric does not occur, what was discovered stands in for it. */
export function checksInForce(spec: JudgeSpec, samples: readonly Sample[]): readonly CheckSpec[] {
  return checksSeen(spec, metricsIn(samples));
}

/** The same from which metrics there are. */
export function checksSeen(spec: JudgeSpec, seen: readonly SeenMetric[]): readonly CheckSpec[] {
  const found = discoverChecks(seen);
  if (spec.checks.length === 0) {
    const bad = new Set(spec.holdAtMost ?? []);
    return found.map((check) => cap(check, bad));
  }
  return spec.checks.map((check) => {
    const { metric } = check;
    const same = (kind: 'errorRatio' | 'latency') => found.find((other) => kind in other.metric)?.metric;
    if ('errorRatio' in metric) {
      const { counter, label } = metric.errorRatio;
      const isThere = seen.some((one) => one.metric === counter && one.labels[label] !== undefined);
      return isThere ? check : { ...check, metric: same('errorRatio') ?? metric };
    }
    if ('latency' in metric) {
      const isThere = seen.some((one) => one.metric === metric.latency.histogram && one.kind === 'histogram');
      const other = same('latency');
      if (isThere || !other || !('latency' in other)) return check;
      return { ...check, metric: { latency: { ...metric.latency, histogram: other.latency.histogram } } };
    }
    if ('query' in metric) return { ...check, metric: { gauge: queryMetric(check.name) } };
    if ('perLoad' in metric && metric.perLoad.counter === null) {
      const errors = same('errorRatio') ?? spec.checks.find((one) => 'errorRatio' in one.metric)?.metric;
      const counter = errors && 'errorRatio' in errors ? errors.errorRatio.counter : null;
      return { ...check, metric: { perLoad: { ...metric.perLoad, counter } } };
    }
    return check;
  });
}

/** Guards whose metrics occur in the samples. */
export function guardsInForce(spec: JudgeSpec, checks: readonly CheckSpec[], samples: readonly Sample[]): CheckSpec[] {
  if ((spec.guards ?? []).length === 0) return [];
  const seen = new Set<string>();
  for (const { metric } of samples) seen.add(metric);
  return guardsOf(spec, checks, seen);
}

/** The same from what was seen lately, before there is a rollout. */
export function guardsSeen(spec: JudgeSpec | undefined, checks: readonly CheckSpec[], seen: readonly SeenMetric[]) {
  return spec ? guardsOf(spec, checks, new Set(seen.map(({ metric }) => metric))) : [];
}

/** What they take as load is what the checks take for requests. */
function guardsOf({ guards = [] }: JudgeSpec, checks: readonly CheckSpec[], seen: ReadonlySet<string>): CheckSpec[] {
  const load = checks.flatMap(({ metric }) =>
    'errorRatio' in metric ? [metric.errorRatio.counter] : 'latency' in metric ? [metric.latency.histogram] : [],
  );
  const counter = load.find((name) => seen.has(name)) ?? null;
  return guards.flatMap((guard): CheckSpec[] => {
    const { metric } = guard;
    if ('errorRatio' in metric && metric.errorRatio.counter === '') return notServedOf(guard, checks, seen);
    if ('errorRatio' in metric) return seen.has(metric.errorRatio.counter) ? [guard] : [];
    if ('latency' in metric) return seen.has(metric.latency.histogram) ? [guard] : [];
    if ('perLoad' in metric) {
      const perLoad = { ...metric.perLoad, counter: metric.perLoad.counter ?? counter };
      const isThere = perLoad.counter !== null && seen.has(perLoad.counter);
      return isThere && (perLoad.gauge === null || seen.has(perLoad.gauge)) ? [{ ...guard, metric: { perLoad } }] : [];
    }
    const [name] = Object.values(metric) as [string];
    return seen.has(name) ? [guard] : [];
  });
}

/** Counted where errors are counted, by the label that tells them. */
function notServedOf(guard: CheckSpec, checks: readonly CheckSpec[], seen: ReadonlySet<string>): CheckSpec[] {
  const errors = checks.flatMap(({ metric }) => ('errorRatio' in metric ? [metric.errorRatio] : []));
  const found = errors.find(({ counter }) => seen.has(counter));
  if (!found) return [];
  const { counter, label } = found;
  const errorValues = /grpc/.test(label) ? notServed.grpc : notServed.http;
  return [{ ...guard, metric: { errorRatio: { counter, label, errorValues } } }];
}

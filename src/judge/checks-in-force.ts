import type { CheckSpec, JudgeSpec, Sample } from '../model/index.ts';
import { discoverChecks, metricsIn } from './discover.ts';

/** The checks of the specification; where a standard metric does not occur, what was discovered stands in for it. */
export function checksInForce(spec: JudgeSpec, samples: readonly Sample[]): readonly CheckSpec[] {
  const seen = metricsIn(samples);
  const found = discoverChecks(seen);
  if (spec.checks.length === 0) return found;
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
    return check;
  });
}

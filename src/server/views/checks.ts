import type { CheckView, ComponentView } from '../../api/index.ts';
import { toleratedRatio, type VerdictRow } from '../../judge/read.ts';
import { type CheckSpec, type ComponentSeen, fleetMetrics } from '../../model/index.ts';

/** Points of a chart at most: older ones are thinned out. */
const maxPoints = 240;

/** The newest look at each check, with what was seen at the looks before it as its chart. */
export function checkViews(
  verdicts: readonly VerdictRow[],
  checks: readonly CheckSpec[],
  guards: readonly CheckSpec[] = [],
): CheckView[] {
  const specs = [...checks, ...guards];
  const newest = verdicts.at(-1);
  if (newest === undefined) return checks.map(unseen);
  return newest.verdict.perCheck.map((result) => ({
    check: result.check,
    unit: unitOf(specs.find((spec) => spec.name === result.check)),
    verdict: result.verdict,
    estimate: result.estimate ?? null,
    interval: result.interval ? [result.interval[0], result.interval[1]] : null,
    shareInterval: result.shareInterval ? [result.shareInterval[0], result.shareInterval[1]] : null,
    levelsNote: result.levelsNote ?? null,
    view: result.view ?? null,
    against: result.against ?? 'old',
    delta: result.delta,
    margin: result.margin,
    tolerated: toleratedOf(specs.find((spec) => spec.name === result.check)),
    oldLevel: result.oldLevel ?? null,
    newLevel: result.newLevel ?? null,
    oldTasks: result.oldTasks,
    newTasks: result.newTasks,
    newEvents: result.newEvents,
    power: result.power ?? null,
    sentence: result.sentence,
    drivers: [...result.drivers],
    components: (result.components ?? []).map(componentView),
    series: seriesOf(result.check, verdicts),
  }));
}

function componentView({
  estimate,
  interval,
  oldLevel,
  newLevel,
  shareOfAdded,
  ...rest
}: ComponentSeen): ComponentView {
  return {
    ...rest,
    estimate: estimate ?? null,
    interval: interval ? [interval[0], interval[1]] : null,
    oldLevel: oldLevel ?? null,
    newLevel: newLevel ?? null,
    shareOfAdded: shareOfAdded ?? null,
  };
}

function unseen(spec: CheckSpec): CheckView {
  return {
    check: spec.name,
    unit: unitOf(spec),
    verdict: null,
    estimate: null,
    interval: null,
    shareInterval: null,
    levelsNote: null,
    view: null,
    against: spec.against,
    delta: spec.delta,
    margin: spec.margin,
    tolerated: toleratedOf(spec),
    oldLevel: null,
    newLevel: null,
    oldTasks: 0,
    newTasks: 0,
    newEvents: 0,
    power: null,
    sentence: 'Not looked at yet.',
    drivers: [],
    components: [],
    series: [],
  };
}

function seriesOf(check: string, verdicts: readonly VerdictRow[]): CheckView['series'] {
  const points = verdicts.flatMap(({ verdict }) => {
    const result = verdict.perCheck.find((one) => one.check === check);
    return result ? [{ atMs: verdict.atMs, old: result.oldLevel ?? null, new: result.newLevel ?? null }] : [];
  });
  const step = Math.ceil(points.length / maxPoints);
  return step <= 1 ? points : points.filter((_, at) => at % step === 0 || at === points.length - 1);
}

function unitOf(spec: CheckSpec | undefined): string {
  if (spec === undefined || 'perLoad' in spec.metric || 'query' in spec.metric) return '';
  if ('incidents' in spec.metric) return 'a minute';
  if ('gauge' in spec.metric) {
    if (spec.metric.gauge === fleetMetrics.memory) return 'bytes';
    return spec.metric.gauge === fleetMetrics.cpu ? 'cores' : '';
  }
  if ('kayenta' in spec.metric) return 'score';
  if ('errorRatio' in spec.metric) return 'ratio';
  return 'latency' in spec.metric ? 'seconds' : 'per second';
}

/** Of shares of failed requests: a rise that an owner can live with where nothing failed before. */
function toleratedOf(spec: CheckSpec | undefined): number | null {
  return spec !== undefined && 'errorRatio' in spec.metric && spec.against !== 'limit' ? toleratedRatio : null;
}

import type { AlarmView, CalibrationTurnView, CalibrationView, JudgeDiscovery } from '../../api/index.ts';
import {
  type Calibration,
  explainCalibrationTurn,
  guardsSeen,
  type JudgedRollout,
  type KeptFinding,
  type MetricSeen,
} from '../../judge/index.ts';
import type { CalibrationTurn, VerdictRow } from '../../judge/read.ts';
import {
  type CheckSpec,
  type JobId,
  type JudgeSpec,
  type Rollout,
  spanMetric,
  spanParts,
  type Verdict,
} from '../../model/index.ts';

/** What was found of a job, and the checks that would run: those of the configuration, else those discovered. */
export function discoveryOf(
  job: JobId,
  spec: JudgeSpec | undefined,
  seen: readonly MetricSeen[],
  discovered: readonly CheckSpec[],
  findings: readonly KeptFinding[],
): JudgeDiscovery {
  const isConfigured = spec !== undefined && spec.checks.length > 0;
  const checks = isConfigured ? spec.checks : discovered;
  const guards = guardsSeen(spec, checks, seen);
  const why: string[] = [];
  if (seen.length === 0) why.push(`Nothing was measured of ${job} in the last ten minutes (docs/sources.md).`);
  else if (checks.length === 0) {
    const seenByFleet = guards.length === 0 ? '' : ', and what the fleet sees by itself';
    const nothing = 'No metric has a name by which it is known, and the configuration names no checks';
    why.push(`${nothing}: basic checks only${seenByFleet}.`);
  }
  return {
    job,
    metrics: seen.map(({ metric, kind, labels, tasks, lastSeenAtMs }) => {
      const values = Object.fromEntries(Object.entries(labels).map(([label, list]) => [label, list.length]));
      return { metric, kind, labels: values, tasks, lastSeenAtMs };
    }),
    checks: [...checks, ...guards].map(({ name, metric, delta, margin, critical, required, trust, guard }) => {
      const from = guard ? ('guard' as const) : isConfigured ? ('configured' as const) : ('discovered' as const);
      return { name, of: inWords(metric), from, delta, margin, critical, required, trust };
    }),
    components: componentsOf(seen),
    findings: [...why, ...findings.map(({ sentence }) => sentence)],
  };
}

/** What the request itself is, is no part of it. */
function componentsOf(seen: readonly MetricSeen[]): string[] {
  const all = seen.find(({ metric }) => metric === spanMetric)?.labels.component ?? [];
  return all.filter((name) => name !== spanParts.request);
}

function inWords(metric: CheckSpec['metric']): string {
  if ('errorRatio' in metric) {
    const { counter, label, errorValues } = metric.errorRatio;
    if (counter === '') return `share of requests that were cancelled or not found`;
    return `share of ${counter} with ${label} = ${errorValues}`;
  }
  if ('latency' in metric)
    return `p${Number((metric.latency.quantile * 100).toPrecision(6))} of ${metric.latency.histogram}`;
  if ('query' in metric) return `query ${metric.query.promql}`;
  if ('perLoad' in metric) return `${metric.perLoad.gauge ?? 'tasks'} ÷ ${metric.perLoad.counter ?? 'requests'}`;
  if ('kayenta' in metric) {
    const { metrics, pass, marginal } = metric.kayenta;
    const names = metrics.map(({ name }) => name).join(', ');
    return `Kayenta score of ${names} (pass ${pass}, marginal ${marginal})`;
  }
  const [kind, name] = Object.entries(metric)[0] as [string, unknown];
  return typeof name === 'string' ? `${kind} ${name}` : kind;
}

/** What the record of checks sees of one rollout. */
export function judgedRollout(
  { id, failure, promoted, approved, phases }: Rollout,
  looks: readonly VerdictRow[],
  label: boolean | undefined,
): JudgedRollout {
  const verdicts: Record<string, Verdict> = {};
  for (const { verdict } of looks) {
    for (const { check, verdict: word } of verdict.perCheck) if (verdicts[check] !== 'fail') verdicts[check] = word;
  }
  const through =
    promoted !== undefined || approved !== undefined || phases.some(({ passedBy }) => passedBy?.by === 'person');
  const person = failure?.by === 'person' ? 'back' : through ? 'through' : undefined;
  return { rollout: id, verdicts, person, label };
}

/** What a person is asked to call right or wrong; undefined: no check alarmed. */
export function alarmOf(job: JobId, one: JudgedRollout, looks: readonly VerdictRow[]): AlarmView | undefined {
  const checks = Object.keys(one.verdicts).filter((check) => one.verdicts[check] === 'fail');
  if (checks.length === 0) return undefined;
  const row = looks.findLast(({ verdict }) => verdict.perCheck.some(({ verdict: word }) => word === 'fail'));
  const sentence = row?.verdict.perCheck.find(({ verdict }) => verdict === 'fail')?.sentence ?? '';
  const rollout = one.rollout as AlarmView['rollout'];
  const atMs = row?.verdict.atMs ?? 0;
  return { job, rollout, checks, atMs, sentence, label: one.label ?? null, person: one.person ?? null };
}

export function calibrationView(job: JobId, { runs, tasks, bins, checks }: Calibration): CalibrationView {
  const views = checks.map(({ check, alarms, interval, nominal, isHonest, sentence }) => ({
    ...{ check, alarms, nominal, isHonest, sentence },
    interval: [interval[0], interval[1]] as [number, number],
  }));
  return { job, runs, tasks, bins, refused: null, checks: views };
}

export function calibrationTurnView(
  job: JobId,
  turn: CalibrationTurn | undefined,
  spec: Pick<JudgeSpec, 'calibrate'> | undefined,
): CalibrationTurnView {
  const setting = spec?.calibrate ?? 'auto';
  const known = setting === 'off' ? undefined : turn;
  const sentence = explainCalibrationTurn(known, setting);
  return { job, atMs: known?.atMs ?? null, nextAtMs: known?.nextAtMs ?? null, sentence };
}

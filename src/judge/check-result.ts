import type { CheckResult, CheckSpec, Verdict } from '../model/index.ts';
import type { BinTable } from './bin-table.ts';
import { explainCheck, explainLevels } from './explain.ts';
import { countsMilliseconds } from './plain-check.ts';
import type { Evidence } from './weigh/evidence.ts';

/** A check as a verdict tells it: numbers, and a sentence for people. */
export function resultOf(
  check: CheckSpec,
  evidence: Evidence | undefined,
  verdict: Verdict,
  level: number,
  table: BinTable,
  isGone: boolean,
): CheckResult {
  const held = check.against === 'limit' ? 0 : check.against === 'trend' ? (check.limit ?? 0) : undefined;
  const { against } = check;
  const base = { check: check.name, verdict, against, delta: held ?? check.delta, margin: held ?? check.margin };
  if (!evidence || isGone) {
    const sentence = isGone
      ? `The metric of ${check.name} is there on old tasks and missing on new ones.`
      : `${check.name} has no data to compare yet.`;
    return {
      ...base,
      estimate: undefined,
      interval: undefined,
      oldLevel: undefined,
      newLevel: undefined,
      oldTasks: 0,
      newTasks: 0,
      newEvents: 0,
      power: undefined,
      sentence,
      drivers: [],
    };
  }
  const { source } = evidence;
  const power = evidence.powerAt(level);
  const inSeconds = 'latency' in check.metric && !countsMilliseconds(check.metric.latency.histogram);
  return {
    ...base,
    estimate: finite(evidence.estimate),
    interval: [bounded(evidence.interval[0]), bounded(evidence.interval[1])],
    shareInterval: evidence.shareInterval && [bounded(evidence.shareInterval[0]), bounded(evidence.shareInterval[1])],
    levelsNote: explainLevels(check, evidence),
    oldLevel: finite(evidence.oldLevel),
    newLevel: finite(evidence.newLevel),
    oldTasks: source.oldTasks,
    newTasks: source.newTasks,
    newEvents: evidence.newEvents,
    power: finite(power),
    sentence: explainCheck(check, evidence, verdict, power, inSeconds),
    drivers: source.drivers.map((row) => table.tasks[row]!),
  };
}

function finite(value: number): number | undefined {
  return Number.isFinite(value) ? value : undefined;
}

/** An interval that is open on one side, as a number that JSON and a chart can carry. */
function bounded(value: number): number {
  return Math.max(-1, Math.min(1e6, value));
}

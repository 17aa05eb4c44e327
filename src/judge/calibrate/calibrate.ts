import { type Chance, pickBelow, shuffled, stableJson } from '../../kit/index.ts';
import type { CheckSpec, JudgeSpec, Sample, TaskIndex } from '../../model/index.ts';
import { binomialInterval } from '../../stats/index.ts';
import { cap } from '../checks-in-force.ts';
import { percent } from '../explain.ts';
import { judge } from '../judge.ts';
import { alphaOf } from '../levels.ts';
import { planLooks } from '../looks.ts';
import type { JudgeMemory, JudgePlan, RolloutCurve } from '../port.ts';
import { watchedChecks } from '../watch/history-step.ts';

export interface CalibrationRequest {
  readonly spec: JudgeSpec;
  /** Of one job, from a time in which nothing was deployed. */
  readonly samples: readonly Sample[];
  readonly pastCurves: readonly Readonly<Record<string, RolloutCurve>>[];
  readonly runs: number;
}

/** How often one check alarmed although nothing had changed. */
export interface CalibratedCheck {
  readonly check: string;
  readonly alarms: number;
  readonly runs: number;
  /** Exact 95 % interval of the share of false alarms. */
  readonly interval: readonly [number, number];
  /** The share it may have. */
  readonly nominal: number;
  readonly isHonest: boolean;
  readonly sentence: string;
}

export interface Calibration {
  readonly runs: number;
  readonly tasks: number;
  readonly bins: number;
  readonly checks: readonly CalibratedCheck[];
}

/** What a pseudo-rollout needs: a past for the levels, and a bake that has a handful of looks. */
const pastBins = 30;
const bakeBins = 20;
export const fewestBins = pastBins + bakeBins;
/** Of a large job, so many tasks of each run. */
const mostTasks = 30;
const pseudo = 'v_pseudo';

/**
 * Rollouts that never were: in each run some tasks, drawn by chance, count as new from a time drawn by chance, and the
 * judge is run as it is. Nothing had changed, so every alarm is false. One step per look, told how many runs are over, so
 * that whoever asks can let others have a turn. Undefined: there are too few tasks or bins.
 */
export function* calibrate(
  { spec, samples, pastCurves, runs }: CalibrationRequest,
  chance: Chance,
): Generator<number, Calibration | undefined> {
  const { binMs } = spec;
  const whole = samples.filter(({ fromMs, toMs }) => toMs - fromMs <= 1.5 * binMs);
  const checks = watchedChecks(spec, whole);
  const fine = onlyMetricsOf(checks, whole);
  const tasks = [...new Set(fine.map(({ index }) => index))].sort((a, b) => a - b);
  const firstBin = Math.ceil(
    fine.reduce((least, { fromMs }) => Math.min(least, fromMs), Number.POSITIVE_INFINITY) / binMs,
  );
  const endBin = Math.floor(fine.reduce((most, { toMs }) => Math.max(most, toMs), 0) / binMs);
  const warmupBins = Math.max(1, Math.ceil(spec.warmupMs / binMs));
  const room = endBin - firstBin - pastBins - bakeBins - warmupBins;
  if (tasks.length < 2 || !(room >= 0)) return undefined;
  const curves = pastCurves.map(withoutMean);
  const alarms = new Map<string, number>();
  for (let run = 0; run < runs; run += 1) {
    const chosen = shuffled(chance, tasks).slice(0, mostTasks);
    const fresh = new Set(chosen.slice(0, 1 + pickBelow(chance, Math.max(1, Math.floor(chosen.length / 2)))));
    const begin = firstBin + pastBins + pickBelow(chance, room + 1);
    const seen = new Set(chosen);
    const some = fine.filter(({ index }) => seen.has(index));
    const looks = alarmsOf(spec, pretend(some, fresh, begin * binMs), curves, fresh, begin);
    let look = looks.next();
    for (; look.done !== true; look = looks.next()) yield run;
    for (const check of look.value) alarms.set(check, (alarms.get(check) ?? 0) + 1);
    yield run + 1;
  }
  return {
    runs,
    tasks: tasks.length,
    bins: endBin - firstBin,
    checks: checks.map((check) => checkOf(check, checks, spec, alarms.get(check.name) ?? 0, runs)),
  };
}

/** Whatever no check reads would only be carried along. */
function onlyMetricsOf(checks: readonly CheckSpec[], samples: readonly Sample[]): readonly Sample[] {
  const words = stableJson(checks.map(({ metric }) => metric));
  const isRead = new Map<string, boolean>();
  return samples.filter(({ metric }) => {
    const known = isRead.get(metric) ?? words.includes(JSON.stringify(metric));
    isRead.set(metric, known);
    return known;
  });
}

/** A pseudo-rollout restarts nobody: how restarts differ is not taken away, how much rollouts vary stays. */
function withoutMean(curves: Readonly<Record<string, RolloutCurve>>): Readonly<Record<string, RolloutCurve>> {
  return Object.fromEntries(
    Object.entries(curves).map(([check, curve]) => [
      check,
      { ...curve, mean: curve.mean.map((value) => (value === null ? null : 0)) },
    ]),
  );
}

function pretend(samples: readonly Sample[], fresh: ReadonlySet<TaskIndex>, fromMs: number): Sample[] {
  return samples.map((sample) => {
    const isNew = fresh.has(sample.index) && sample.fromMs >= fromMs;
    return isNew ? { ...sample, version: pseudo, incarnation: sample.incarnation + 1 } : sample;
  });
}

/** The checks that alarm at any look. */
function* alarmsOf(
  spec: JudgeSpec,
  samples: readonly Sample[],
  pastCurves: readonly Readonly<Record<string, RolloutCurve>>[],
  fresh: ReadonlySet<TaskIndex>,
  begin: number,
): Generator<undefined, ReadonlySet<string>> {
  const { binMs, warmupMs } = spec;
  const beginMs = begin * binMs;
  const warmupBins = Math.max(1, Math.ceil(warmupMs / binMs));
  const plan: JudgePlan = {
    rollout: 'ro_pseudo',
    phase: 0,
    phaseName: 'pseudo',
    spec,
    newVersion: pseudo,
    updates: [...fresh].map((index) => ({ index, admittedAtMs: beginMs, servingAtMs: beginMs })),
    phaseStartedAtMs: beginMs,
    updatedAtMs: beginMs,
    deadlineAtMs: beginMs + (bakeBins + warmupBins) * binMs,
    phases: 1,
    pastCurves,
  };
  const found = new Set<string>();
  let memory: JudgeMemory | undefined;
  for (const age of planLooks(bakeBins).ages) {
    if (age > bakeBins) break;
    const endMs = (begin + warmupBins + age) * binMs;
    const until = samples.filter(({ toMs }) => toMs <= endMs);
    // A bin closes two bins late, and one more for the way here.
    const judgement = judge(plan, until, memory, endMs + 3 * binMs);
    memory = judgement.memory;
    for (const { check, verdict } of judgement.verdict.perCheck) if (verdict === 'fail') found.add(check);
    yield;
  }
  return found;
}

function checkOf(
  check: CheckSpec,
  checks: readonly CheckSpec[],
  spec: JudgeSpec,
  alarms: number,
  runs: number,
): CalibratedCheck {
  const nominal = alphaOf(check, { checks, alpha: spec.alpha, phases: 1 });
  const interval = binomialInterval(alarms, runs);
  const isHonest = interval[0] <= nominal;
  const rate = `${alarms} of ${runs} rollouts that never were (95 % interval ${percent(interval[0])} to ${percent(interval[1])})`;
  const sentence = calibratedSentence(check.name, rate, nominal, isHonest);
  return { check: check.name, alarms, runs, interval, nominal, isHonest, sentence };
}

export function calibratedSentence(check: string, rate: string, nominal: number, isHonest: boolean): string {
  const fact = `${check} alarmed in ${rate}; it may in ${chance(nominal)}.`;
  return isHonest ? fact : `${fact} It is not honest for this service, and may only hold until it is.`;
}

/** Of a guard, a few in 100,000: `0 %` would say that it may never alarm. */
function chance(value: number): string {
  return value > 0 ? `${Number((value * 100).toPrecision(2))} %` : percent(value);
}

/** The specification with what is not honest trusted to hold at most. */
export function capTrust(spec: JudgeSpec, checks: readonly Pick<CalibratedCheck, 'check' | 'isHonest'>[]): JudgeSpec {
  const bad = new Set(checks.flatMap(({ check, isHonest }) => (isHonest ? [] : [check])));
  if (bad.size === 0) return spec;
  const { checks: own, guards } = spec;
  const capped = {
    checks: own.map((one) => cap(one, bad)),
    ...(guards && { guards: guards.map((one) => cap(one, bad)) }),
  };
  return { ...spec, ...capped, holdAtMost: [...bad].sort() };
}

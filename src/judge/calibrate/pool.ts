import { sha256, stableJson } from '../../kit/index.ts';
import type { JudgeSpec } from '../../model/index.ts';
import { binomialInterval } from '../../stats/index.ts';
import { percent } from '../explain.ts';
import { type CalibratedCheck, type Calibration, calibratedSentence } from './calibrate.ts';

/** What one quiet time showed. */
export interface CalibrationRun {
  readonly atMs: number;
  /** Between these times: the next quiet time begins later. */
  readonly fromMs: number;
  readonly untilMs: number;
  /** Of the settings that decide when a check alarms. */
  readonly settings: string;
  readonly calibration: Calibration;
}

/** So many quiet times tell how far they differ from each other. */
const fewestToCompare = 3;
const hourMs = 3_600_000;

/** What makes two calibrations comparable: everything but how far checks are trusted. */
export function calibrationSettings({ checks, guards = [], alpha, binMs, warmupMs }: JudgeSpec): string {
  const bare = [...checks, ...guards].map(({ trust, weight, ...rest }) => rest);
  return sha256(stableJson({ bare, alpha, binMs, warmupMs })).slice(0, 16);
}

/**
 * All quiet times of the newest settings as one answer. Made-up rollouts of one quiet time share its minutes and are
 * alike: where quiet times differ more than chance allows, the interval is made wider by as much.
 *
 * Ten quiet times of 20 runs, all 8 alarms in one of them: 8 of 200 as if they were independent (1.7 to 7.7 %); they
 * differ 8.3 times as much as chance, so it counts like 1 of 24 (0.1 to 21 %).
 */
export function poolCalibrations(runs: readonly CalibrationRun[]): Calibration | undefined {
  const newest = runs.reduce<CalibrationRun | undefined>(
    (last, run) => (last && last.atMs >= run.atMs ? last : run),
    undefined,
  );
  if (newest === undefined) return undefined;
  const alike = runs.filter(({ settings }) => settings === newest.settings);
  if (alike.length === 1) return newest.calibration;
  const hours = new Set(alike.map(({ untilMs }) => Math.floor(untilMs / hourMs) % 24)).size;
  return {
    runs: alike.reduce((sum, { calibration }) => sum + calibration.runs, 0),
    tasks: newest.calibration.tasks,
    bins: alike.reduce((sum, { calibration }) => sum + calibration.bins, 0),
    checks: newest.calibration.checks.map((check) => poolCheck(check, alike, hours)),
  };
}

function poolCheck(newest: CalibratedCheck, runs: readonly CalibrationRun[], hours: number): CalibratedCheck {
  const { check, nominal } = newest;
  // One that was only discovered later was not tried before.
  const found = runs.flatMap(({ calibration }) => calibration.checks.filter((one) => one.check === check));
  const alarms = found.reduce((sum, one) => sum + one.alarms, 0);
  const all = found.reduce((sum, one) => sum + one.runs, 0);
  const factor = excess(found, alarms, all);
  const interval = binomialInterval(alarms / factor, all / factor);
  const isHonest = interval[0] <= nominal;
  const when = `${found.length} quiet times, ${hours === 1 ? 'all at one hour' : `at ${hours} different hours`}`;
  const rate = `${alarms} of ${all} rollouts that never were (${when}; 95 % interval ${percent(interval[0])} to ${percent(interval[1])})`;
  const sentence = calibratedSentence(check, rate, nominal, isHonest);
  return { check, alarms, runs: all, interval, nominal, isHonest, sentence };
}

/** How many times more quiet times differ than independent runs would; never below 1. */
function excess(
  found: readonly { readonly alarms: number; readonly runs: number }[],
  alarms: number,
  all: number,
): number {
  const share = alarms / all;
  if (found.length < fewestToCompare || share === 0 || share === 1) return 1;
  let squares = 0;
  for (const one of found) {
    const off = one.alarms - one.runs * share;
    squares += (off * off) / (one.runs * share * (1 - share));
  }
  return Math.max(1, squares / (found.length - 1));
}

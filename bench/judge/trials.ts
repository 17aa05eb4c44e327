import { createHash } from 'node:crypto';
import { appendFileSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { AgeCurves } from '../../src/judge/index.ts';
import type { JudgeOptions } from '../../src/judge/judge-options.ts';
import type { Fault } from './synthetic-fleet.ts';
import { curvesOf, type Judged, pastCurves, runTrial, type TrialResult } from './trial.ts';
import type { TroubledOptions } from './troubles.ts';

/** Of one trial, what a table is made of. */
export type TrialLine = Pick<TrialResult, 'failed' | 'minutes' | 'blast' | 'check' | 'passed' | 'undecided'> & {
  readonly fault: string;
  readonly seed: number;
  /** By which method it was judged: lines of another one do not add up. */
  readonly method: string;
};

export interface TrialSeries {
  readonly fleet: Omit<TroubledOptions, 'fault'>;
  readonly options: JudgeOptions;
  /** Absent: the five checks of the bench alone. */
  readonly judge?: Judged | undefined;
  /** What is taken to be known of restarts, from what is. */
  readonly known?: ((curves: AgeCurves) => AgeCurves | undefined) | undefined;
  /** Of the file beside the results in which trials are written down one by one. */
  readonly name: string;
}

/**
 * Trials of one fleet by one method. Each is written down as it ends: whoever stops a long run goes on later where it
 * was, and trials that were judged otherwise are left out.
 */
export function openTrials({ fleet, options, name, judge, known = (curves) => curves }: TrialSeries) {
  const folder = join(import.meta.dirname, '..', 'results', 'parts');
  const file = join(folder, `${name}.jsonl`);
  const history = pastCurves(fleet, 60, 900_000);
  const judged = (fault: Fault | undefined, seed: number) =>
    runTrial({ ...fleet, fault }, known(curvesOf(history, seed)), seed, options, [], judge);
  // Two deployments, judged to the last bit, stand for the method and the fleet.
  const [harmless, harmful] = [judged(undefined, 1), judged({ name: 'method', errors: 1.5, p99: 1.05 }, 2)];
  const method = createHash('sha256')
    .update(JSON.stringify([harmless, harmful]))
    .digest('hex')
    .slice(0, 16);
  mkdirSync(folder, { recursive: true });
  const done = new Map<string, TrialLine>();
  for (const text of existsSync(file) ? readFileSync(file, 'utf8').split('\n') : []) {
    // The last line may have been cut off by whatever stopped the run.
    if (!text.endsWith('}')) continue;
    const line = JSON.parse(text) as TrialLine;
    if (line.method === method) done.set(`${line.fault} ${line.seed}`, line);
  }
  return {
    method,
    run(fault: Fault | undefined, seed: number): TrialLine {
      const called = fault?.name ?? 'none (harmless)';
      const before = done.get(`${called} ${seed}`);
      if (before) return before;
      const { failed, minutes, blast, check, passed, undecided } = judged(fault, seed);
      const line = { fault: called, seed, method, failed, minutes, blast, check, passed, undecided };
      appendFileSync(file, `${JSON.stringify(line)}\n`);
      return line;
    },
  };
}

import type { JobId, Rollout } from '../../model/index.ts';
import { findJob } from '../../rollout/rows.ts';
import type { Tx } from '../../store/index.ts';
import type { JudgePlan, SeasonalChange } from '../port.ts';
import * as rows from '../rows.ts';
import type { SampleStore } from '../samples.ts';
import { seasonalChange } from '../season.ts';
import { watchedChecks } from '../watch/history-step.ts';
import { keptSteps, stepOf } from './watch.ts';

/** From so many tasks on that are still old, they say themselves what time does to everybody. */
const enoughOld = 3;
const dayMs = 24 * 3_600_000;
/** Of what is read now, to know which checks there are. */
const recentBins = 10;

/**
 * What the job's past says of this time of day, per check, for a look at which hardly an old task is left. `beforeMs`:
 * from when on tasks are compared with themselves. Undefined: it is not needed, or nothing is known.
 */
export async function loadSeasons(
  tx: Tx,
  { job, plan: { watchMs } }: Rollout,
  { spec, updates, unserved, updatedAtMs }: Pick<JudgePlan, 'spec' | 'updates' | 'unserved' | 'updatedAtMs'>,
  samples: SampleStore,
  beforeMs: number,
): Promise<Readonly<Record<string, SeasonalChange>> | undefined> {
  const admitted = updates.map(({ admittedAtMs }) => admittedAtMs);
  const served = updates.flatMap(({ servingAtMs }) => servingAtMs ?? []);
  const toMs = samples.closedUntilMs();
  // A second set has traffic only from the switch on.
  const fromMs = (unserved ? (updatedAtMs ?? toMs) : Math.min(...served)) + spec.warmupMs;
  if (watchMs === undefined || watchMs === 0 || fromMs >= toMs) return undefined;
  if (((await findJob(tx, job))?.size ?? 0) - updates.length >= enoughOld) return undefined;
  const stepMs = stepOf(spec, watchMs);
  // Of steps so short no two days are kept: there is no other day to ask.
  if (keptSteps * stepMs < 2 * dayMs) return undefined;
  const steps = await rows.listHistory(tx, job, stepMs);
  const windows = { before: { fromMs: beforeMs, toMs: Math.min(...admitted) }, now: { fromMs, toMs }, stepMs };
  const found: Record<string, SeasonalChange> = {};
  for (const check of watchedChecks(spec, recentSamples(samples, job, spec.binMs))) {
    const change = seasonalChange(steps, check, windows);
    if (change !== undefined) found[check.name] = change;
  }
  return Object.keys(found).length > 0 ? found : undefined;
}

function recentSamples(samples: SampleStore, job: JobId, binMs: number) {
  const toMs = samples.closedUntilMs();
  return samples.query({ job, fromMs: toMs - recentBins * binMs, toMs });
}

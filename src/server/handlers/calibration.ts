import { type CalibrationRequest, fewestCalibratedBins, type SampleStore } from '../../judge/index.ts';
import { readCurves } from '../../judge/read.ts';
import type { JobId, JudgeSpec } from '../../model/index.ts';
import { readRolloutsOfJob } from '../../rollout/read.ts';
import type { Tx } from '../../store/index.ts';

export const usualRuns = 100;
export const tooLittle = `There are too few tasks, or fewer than ${fewestCalibratedBins} bins since the last rollout in which they were warm.`;

/** Bins that are looked at: more shows little more, and takes longer. */
const mostBins = 180;
/** After a rollout tasks settle for so many warm-ups. */
const settling = 3;

/** The newest time in which nothing was deployed; undefined: something is being deployed now. */
export async function calibrationRequest(
  tx: Tx,
  job: JobId,
  spec: JudgeSpec,
  samples: SampleStore,
  nowMs: number,
): Promise<Omit<CalibrationRequest, 'runs'> | undefined> {
  const { binMs, warmupMs } = spec;
  let fromMs = nowMs - mostBins * binMs;
  for (const { startedAtMs, endedAtMs } of await readRolloutsOfJob(tx, job, 20)) {
    if (startedAtMs === undefined) continue;
    if (endedAtMs === undefined) return undefined;
    fromMs = Math.max(fromMs, endedAtMs + settling * warmupMs);
  }
  const seen = samples.query({ job, fromMs, toMs: samples.closedUntilMs() });
  return { spec, samples: seen, pastCurves: await readCurves(tx, job, binMs, 20) };
}

/** Lets others have their turn between two steps. */
export async function inTurns<T>(steps: Generator<unknown, T>): Promise<T> {
  for (;;) {
    const next = steps.next();
    if (next.done === true) return next.value;
    await new Promise<void>((resolve) => setImmediate(resolve));
  }
}

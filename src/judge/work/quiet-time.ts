import type { JobId, JudgeSpec } from '../../model/index.ts';
import { listRollouts } from '../../rollout/rows.ts';
import type { Tx } from '../../store/index.ts';
import type { CalibrationRequest } from '../calibrate/calibrate.ts';
import { listCurves } from '../rows.ts';
import type { SampleStore } from '../samples.ts';

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
  for (const { startedAtMs, endedAtMs } of await listRollouts(tx, job, 20)) {
    if (startedAtMs === undefined) continue;
    if (endedAtMs === undefined) return undefined;
    fromMs = Math.max(fromMs, endedAtMs + settling * warmupMs);
  }
  const seen = samples.query({ job, fromMs, toMs: samples.closedUntilMs() });
  return { spec, samples: seen, pastCurves: await listCurves(tx, job, binMs, 20) };
}

import type { Enqueue, Proposal, Turn, WorkKind } from '../../engine/index.ts';
import { type JobId, type JudgeSpec, partsOfJob, rollway } from '../../model/index.ts';
import { findService, listRevisions } from '../../pipeline/rows.ts';
import type { Tx } from '../../store/index.ts';
import { type Calibration, calibrate, fewestBins } from '../calibrate/calibrate.ts';
import { nextTry } from '../calibrate/next-try.ts';
import { type CalibrationRun, calibrationSettings, poolCalibrations } from '../calibrate/pool.ts';
import * as rows from '../rows.ts';
import type { SampleStore } from '../samples.ts';
import { calibrationRequest } from './quiet-time.ts';

/** Of one quiet time: many of its runs would be alike, other hours tell more. */
const runsAtOnce = 20;
/** Quiet times that count: older ones are of another service. */
const keptMs = 15 * 86_400_000;
/** Between two looks, so that everything else has its turn: it takes a tenth of a core at most. */
const pauseMs = 250;
/** While another job is being calibrated. */
const queueMs = 60_000;
/** One that was begun here and went on elsewhere. */
const staleMs = 600_000;

export const tooLittleToCalibrate = `There are too few tasks, or fewer than ${fewestBins} bins since the last rollout, or the last calibration, in which they were warm.`;
const busy = 'Something is being deployed.';

interface UnderWay {
  readonly job: JobId;
  readonly spec: JudgeSpec;
  readonly steps: Generator<number, Calibration | undefined>;
  readonly untilMs: number;
  lastMs: number;
}

/** Whoever judges a job for the first time enqueues this; a job that has its timer keeps it. */
export function calibrateFrom(job: JobId, nowMs: number): Enqueue {
  return { kind: 'judge/calibrate', key: job, dueAtMs: nextTry(job, nowMs, 'began') };
}

/**
 * Finds out by itself how often each check alarms when nothing has changed. Key: job. One look of a made-up rollout a
 * turn: turns hold each other up. What is under way is kept in memory; a process that dies begins the quiet time anew.
 */
export function calibrateWork({ samples }: { readonly samples: SampleStore }): WorkKind {
  let underWay: UnderWay | undefined;
  return {
    kind: 'judge/calibrate',
    async run(turn) {
      const job = turn.key as JobId;
      const { nowMs } = turn;
      if (underWay !== undefined && nowMs - underWay.lastMs > staleMs) underWay = undefined;
      if (underWay !== undefined && underWay.job !== job) return again(turn, nowMs + queueMs);
      if (underWay === undefined) {
        underWay = await begin(turn, job, samples);
        if (underWay === undefined) return;
      }
      underWay.lastMs = nowMs;
      const next = underWay.steps.next();
      if (next.done !== true) return again(turn, nowMs + pauseMs);
      const { spec, untilMs } = underWay;
      underWay = undefined;
      const found = next.value;
      await turn.commit(({ tx }) =>
        found === undefined
          ? refusal(job, nowMs, tooLittleToCalibrate)
          : conclude(tx, job, runOf(found, spec, untilMs, nowMs)),
      );
    },
  };
}

async function again(turn: Turn, dueAtMs: number): Promise<void> {
  const work = [{ kind: 'judge/calibrate', key: turn.key, dueAtMs }];
  await turn.commit(async () => ({ work, result: undefined }));
}

/** Undefined: not now; the next try is written down. */
async function begin(turn: Turn, job: JobId, samples: SampleStore): Promise<UnderWay | undefined> {
  const { nowMs, chance } = turn;
  await samples.tend(nowMs);
  return turn.commit<UnderWay | undefined>(async ({ tx }) => {
    const spec = await specNow(tx, job);
    // The next rollout that is judged asks again.
    if (spec === undefined || spec.calibrate === 'off') {
      return { write: (writer) => rows.deleteCalibrationTurn(writer, job), result: undefined };
    }
    const request = await calibrationRequest(tx, job, spec, samples, nowMs);
    if (request === undefined) return refusal(job, nowMs, busy);
    const last = (await rows.listCalibrationRuns(tx, job)).at(-1);
    // What was looked at once tells nothing new.
    const fresh = request.samples.filter(({ fromMs }) => fromMs >= (last?.untilMs ?? 0));
    const steps = calibrate({ ...request, samples: fresh, runs: runsAtOnce }, chance);
    return { result: { job, spec, steps, untilMs: samples.closedUntilMs(), lastMs: nowMs } };
  });
}

async function refusal(job: JobId, nowMs: number, refused: string): Promise<Proposal<undefined>> {
  const nextAtMs = nextTry(job, nowMs, 'refused');
  return {
    write: (writer) => rows.saveCalibrationTurn(writer, { job, atMs: nowMs, nextAtMs, refused }),
    work: [{ kind: 'judge/calibrate', key: job, dueAtMs: nextAtMs }],
    result: undefined,
  };
}

async function conclude(tx: Tx, job: JobId, run: CalibrationRun): Promise<Proposal> {
  const nextAtMs = nextTry(job, run.atMs, 'tried');
  const pooled = await poolWith(tx, job, run);
  const dishonest = pooled.checks.flatMap(({ check, isHonest }) => (isHonest ? [] : [check]));
  return {
    write: async (writer) => {
      await saveRun(writer, job, run, pooled);
      await rows.saveCalibrationTurn(writer, { job, atMs: run.atMs, nextAtMs, refused: undefined });
    },
    events: [
      {
        stream: `job/${job}`,
        type: 'judge.calibrated',
        actor: rollway('judge'),
        data: { runs: pooled.runs, dishonest, added: run.calibration.runs },
      },
    ],
    work: [{ kind: 'judge/calibrate', key: job, dueAtMs: nextAtMs }],
    result: undefined,
  };
}

/** With a quiet time more: what all of them say. */
export async function poolWith(tx: Tx, job: JobId, run: CalibrationRun): Promise<Calibration> {
  const known = await rows.listCalibrationRuns(tx, job);
  const others = known.filter(({ atMs, untilMs }) => atMs >= run.atMs - keptMs && untilMs <= run.fromMs);
  return poolCalibrations([...others, run]) ?? run.calibration;
}

/** A calibration as it is kept. */
export function runOf(calibration: Calibration, spec: JudgeSpec, untilMs: number, atMs: number): CalibrationRun {
  const fromMs = untilMs - calibration.bins * spec.binMs;
  return { atMs, fromMs, untilMs, settings: calibrationSettings(spec), calibration };
}

/** A quiet time and the answer of all of them, which is what counts. */
export async function saveRun(tx: Tx, job: JobId, run: CalibrationRun, pooled: Calibration): Promise<void> {
  await rows.insertCalibrationRun(tx, job, run);
  await rows.deleteCalibrationRunsBefore(tx, job, run.atMs - keptMs);
  await rows.saveCalibration(tx, job, pooled, run.atMs);
}

async function specNow(tx: Tx, job: JobId): Promise<JudgeSpec | undefined> {
  const { service } = partsOfJob(job);
  const revision = (await findService(tx, service))?.revision;
  if (revision === undefined) return undefined;
  return (await listRevisions(tx, service, [revision])).get(revision)?.judge;
}

import type { Enqueue, Proposal, Turn, View, WorkKind } from '../../engine/index.ts';
import type { CheckSpec, JobId, JudgeSpec, Rollout, Sample } from '../../model/index.ts';
import { listRollouts, listWatchedRollouts } from '../../rollout/rows.ts';
import * as rows from '../rows.ts';
import type { SampleStore } from '../samples.ts';
import { foldStep, type HistoryStep, watchedChecks } from '../watch/history-step.ts';
import { judgeWatch, type WatchPlan } from '../watch/judge-watch.ts';
import { lookEvent } from './look-event.ts';
import { loadJudgeSpec, partsOf } from './spec.ts';

/** A watch has so many steps; none is longer than ten minutes. */
const stepsOfWatch = 12;
const longestStepMs = 600_000;
/** 15 days of ten minutes. */
export const keptSteps = 2160;
/** Rollouts that may have had the job in the steps of one turn. */
const recentRollouts = 10;
/** Older bins may have become minutes. */
const fineMs = 14 * 60_000;
const minuteMs = 60_000;
/** Steps caught up with in one turn. */
const mostAtOnce = 24;

/**
 * Writes down the levels of a job step by step, and looks at the watch of its newest rollout after each. Key: job.
 * Goes on for as long as the job's rollouts are watched: the past is what the next one is held against.
 */
export function watchWork({ samples }: { readonly samples: SampleStore }): WorkKind {
  return {
    kind: 'judge/watch',
    async run(turn) {
      await samples.tend(turn.nowMs);
      await turn.commit((view) => step(view, turn, samples));
    },
  };
}

async function step({ tx }: View, turn: Turn, samples: SampleStore): Promise<Proposal | undefined> {
  const job = turn.key as JobId;
  const recent = await listRollouts(tx, job, recentRollouts);
  const newest = recent.find(({ kind }) => kind === 'deploy' || kind === 'rollback');
  const watchMs = newest?.plan.watchMs ?? 0;
  const spec = newest && (await loadJudgeSpec(tx, newest));
  if (newest === undefined || spec === undefined || watchMs === 0) return undefined;
  const stepMs = stepOf(spec, watchMs);
  const known = await rows.listHistory(tx, job, stepMs);
  const closedMs = Math.floor(samples.closedUntilMs() / stepMs) * stepMs;
  const fresh = foldSteps(job, spec, samples, recent, { stepMs, closedMs, knownMs: known.at(-1)?.toMs });
  const next: Enqueue = { kind: 'judge/watch', key: job, dueAtMs: nextDue(turn.nowMs, stepMs, spec) };
  const steps = [...known, ...fresh];
  const rollout = (await listWatchedRollouts(tx, job)).find(({ watch }) => watch?.state === 'watching');
  const isBusy = recent.some(({ state }) => state === 'running' || state === 'reverting' || state === 'held');
  const look = rollout === undefined || isBusy || fresh.length === 0 ? undefined : rollout;
  const watched =
    look && (await lookAtWatch(tx, look, spec, steps, stepMs, recentSamples(samples, job, spec, closedMs), turn.nowMs));
  return {
    write: async (writer) => {
      for (const one of fresh) await rows.insertHistory(writer, job, one);
      await rows.deleteHistoryBefore(writer, job, stepMs, closedMs - keptSteps * stepMs);
      await watched?.write?.(writer);
    },
    ...(watched?.events && { events: watched.events }),
    work: [next, ...(watched?.work ?? [])],
    result: undefined,
  };
}

/** A whole number of bins. */
export function stepOf({ binMs }: Pick<JudgeSpec, 'binMs'>, watchMs: number): number {
  const wanted = Math.min(longestStepMs, watchMs / stepsOfWatch);
  return Math.max(2, Math.round(wanted / binMs)) * binMs;
}

function nextDue(nowMs: number, stepMs: number, { binMs }: JudgeSpec): number {
  return (Math.floor((nowMs - 3 * binMs) / stepMs) + 1) * stepMs + 3 * binMs;
}

function foldSteps(
  job: JobId,
  spec: JudgeSpec,
  samples: SampleStore,
  recent: readonly Rollout[],
  { stepMs, closedMs, knownMs }: { stepMs: number; closedMs: number; knownMs: number | undefined },
): HistoryStep[] {
  const fresh: HistoryStep[] = [];
  const first = Math.max(knownMs ?? 0, closedMs - mostAtOnce * stepMs);
  for (let fromMs = first; fromMs + stepMs <= closedMs; fromMs += stepMs) {
    const toMs = fromMs + stepMs;
    const isOld = closedMs - fromMs > fineMs && spec.binMs < minuteMs;
    const inBins = isOld ? { ...spec, binMs: minuteMs } : spec;
    if (isOld && stepMs < 2 * minuteMs) continue;
    const seen = samples.query({ job, fromMs: fromMs - spec.warmupMs - 2 * inBins.binMs, toMs });
    if (seen.length === 0) continue;
    const busy = recent.some((one) => hadTheJob(one, fromMs, toMs));
    const folded = foldStep(inBins, seen, { fromMs, toMs, busy });
    if (Object.keys(folded.levels).length > 0) fresh.push(folded);
  }
  return fresh;
}

function hadTheJob({ startedAtMs, endedAtMs }: Rollout, fromMs: number, toMs: number): boolean {
  return startedAtMs !== undefined && startedAtMs < toMs && (endedAtMs ?? Number.POSITIVE_INFINITY) > fromMs;
}

function recentSamples(samples: SampleStore, job: JobId, { binMs }: JudgeSpec, closedMs: number): readonly Sample[] {
  return samples.query({ job, fromMs: closedMs - 10 * binMs, toMs: samples.closedUntilMs() });
}

async function lookAtWatch(
  tx: View['tx'],
  rollout: Rollout,
  spec: JudgeSpec,
  steps: readonly HistoryStep[],
  stepMs: number,
  seen: readonly Sample[],
  nowMs: number,
): Promise<Pick<Proposal, 'write' | 'events' | 'work'>> {
  const watch = rollout.watch!;
  const checks: readonly CheckSpec[] = watchedChecks(spec, seen);
  const own = { rollout: rollout.id, startedAtMs: rollout.startedAtMs ?? rollout.createdAtMs };
  const plan: WatchPlan = {
    rollout: rollout.id,
    spec,
    checks,
    suspects: [...watch.earlier, own].map((one) => ({ rollout: one.rollout, startedAtMs: one.startedAtMs })),
    fromMs: watch.fromMs,
    untilMs: watch.untilMs,
    stepMs,
    parts: partsOf(rollout),
  };
  const memory = await rows.findMemory(tx, rollout.id);
  const judgement = judgeWatch(plan, steps, memory, nowMs);
  const isLook = judgement.memory.looks > (memory?.looks ?? 0);
  const { memory: nextMemory, ...row } = judgement;
  return {
    write: async (writer) => {
      await rows.saveMemory(writer, rollout.id, rollout.job, nextMemory, nowMs);
      await rows.insertVerdict(writer, { ...row, rollout: rollout.id, phase: rollout.phases.length });
    },
    events: isLook ? [lookEvent(rollout, 'watch', row.verdict, { measured: row.measured, named: row.named })] : [],
    work: isLook || nowMs >= watch.untilMs ? [{ kind: 'job/decide', key: rollout.job }] : [],
  };
}

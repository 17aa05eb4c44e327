import { listOperationsOfRollout, listTasks } from '../disruption/rows.ts';
import type { Enqueue, Proposal, Turn, View, WorkKind } from '../engine/index.ts';
import { loadHosts } from '../fleet/rows.ts';
import { formatDuration } from '../kit/index.ts';
import {
  type Incarnation,
  type JobId,
  type NewEvent,
  type Phase,
  type Rollout,
  type RolloutId,
  rollway,
  type TaskIndex,
} from '../model/index.ts';
import { planOf, secondSetOf, type TaskPlace } from '../rollout/index.ts';
import { findJob, findRollout } from '../rollout/rows.ts';
import type { Tx } from '../store/index.ts';
import { ClosedBinsCache } from './closed-bins/cache.ts';
import { ClosedBins } from './closed-bins/closed-bins.ts';
import { believedMs } from './confounders.ts';
import { explainPromise } from './explain-promise.ts';
import type { FindingBook } from './finding-book.ts';
import { judgeBins, learnCurves } from './judge.ts';
import { alphaBeside } from './levels.ts';
import { momentInBin } from './moment-in-bin.ts';
import { learnPlacebo, type Restarted } from './placebo.ts';
import type { JudgeMemory, JudgePlan, PhasePromise } from './port.ts';
import { promisePhases, promiseWindowMs } from './promise.ts';
import * as rows from './rows.ts';
import type { SampleStore } from './samples.ts';
import type { SourceFinding } from './source.ts';
import { readInput, type VerdictInput, type VerdictInputs, writeInput } from './verdict-input.ts';
import { calibrateFrom } from './work/calibrate.ts';
import { lookEvent } from './work/look-event.ts';
import { loadSeasons } from './work/seasons.ts';
import { loadJudgeSpec, partsOf, watchFrom } from './work/spec.ts';
import { loadSurroundings } from './work/surroundings.ts';
import { unservedOf } from './work/switched.ts';

export { calibrateWork, poolWith, runOf, saveRun, tooLittleToCalibrate } from './work/calibrate.ts';
export { forgetOldLooks } from './work/forget.ts';
export { calibrationRequest } from './work/quiet-time.ts';
export { watchWork } from './work/watch.ts';

/** Whoever starts or resumes a phase enqueues this; it keeps itself going while the phase is updated and judged. */
export function lookAt(rollout: RolloutId): Enqueue {
  return { kind: 'judge/look', key: rollout };
}

/** How far back old tasks and each task's own past are looked at, in bins. */
const pastBins = 120;

interface JudgeParts {
  readonly samples: SampleStore;
  /** Where what verdicts were made from is kept, to be replayed; without, it is not. */
  readonly inputs?: VerdictInputs | undefined;
  /** Where it is said what puts verdicts off for too long. */
  readonly findings?: Pick<FindingBook, 'add'> | undefined;
}

/** Looks once per bin at each rollout that is being judged: plan, samples, memory → verdict row, memory, event. */
export function judgeWork(parts: JudgeParts): WorkKind {
  const closedBins = new ClosedBinsCache();
  return {
    kind: 'judge/look',
    async run(turn) {
      await parts.samples.tend(turn.nowMs);
      await turn.commit((view) => look(view, turn, { ...parts, closedBins }));
    },
  };
}

interface LookParts extends JudgeParts {
  readonly closedBins: ClosedBinsCache;
}

async function look({ tx }: View, turn: Turn, parts: LookParts): Promise<Proposal | undefined> {
  const { samples, inputs, findings, closedBins } = parts;
  const rollout = await findRollout(tx, turn.key as RolloutId);
  if (rollout?.state !== 'running') {
    const isHeeded = rollout !== undefined && (rollout.judged || rollout.guarded || rollout.placeboFor !== undefined);
    const proposal = isHeeded ? await learnWhenOver(tx, rollout, turn.nowMs, parts) : undefined;
    closedBins.forget(turn.key);
    return proposal;
  }
  if (!(rollout.judged || rollout.guarded)) return undefined;
  const phase = rollout.phases[rollout.currentPhase];
  if (phase === undefined || !isLookedAt(rollout, phase)) return undefined;
  const plan = await loadPlan(tx, rollout, phase, turn.nowMs);
  if (!plan) return undefined;
  const { binMs } = plan.spec;
  const next: Enqueue = {
    ...lookAt(rollout.id),
    dueAtMs: (Math.floor(turn.nowMs / binMs) + 1) * binMs + momentInBin(rollout.id, binMs),
  };
  const memory = await rows.findMemory(tx, rollout.id);
  const promises = promisesIn(memory) ?? (await promise(tx, rollout, plan, samples));
  const around = await loadSurroundings(tx, rollout, plan, samples, memory, turn.nowMs);
  findings?.add(
    around.lasting.map((what) => lastingFinding(rollout, what)),
    turn.nowMs,
  );
  const { confounders, neighbours } = around;
  const alpha = alphaBeside(plan.spec).own;
  const wanted = binsWanted(rollout, plan);
  const seasons = await loadSeasons(tx, rollout, plan, samples, wanted.fromMs);
  const facts: Omit<VerdictInput, 'samples'> = {
    plan: {
      ...{ ...plan, spec: { ...plan.spec, alpha }, promise: promises[plan.phase], confounders, neighbours },
      ...(seasons && { seasons }),
    },
    memory,
    nowMs: turn.nowMs,
  };
  // From here to the samples of the input nothing is waited for: the store tells the same all the time.
  const read = closedBins.read(samples, rollout.id, wanted);
  const judgement = judgeBins(facts.plan, read.bins, memory, turn.nowMs);
  // What fails elsewhere is found at looks of its own.
  const isNeighbourNews = neighbours.some(({ trust, results }) => {
    return trust !== 'observe' && results.some(({ verdict }) => verdict === 'fail');
  });
  const isLook = judgement.memory.looks > (memory?.looks ?? 0) || isNeighbourNews;
  // Before the verdict is committed: a look without its input could not be replayed, the other way round does no harm.
  if (isLook && inputs) {
    const text = writeInput({ ...facts, samples: read.samples() });
    await inputs.save(rollout.id, judgement.verdict.lookId, text);
  }
  closedBins.shrink();
  // Nobody waits for the end of a bake at a barrier.
  const isLast = turn.nowMs >= plan.deadlineAtMs && phase.state !== 'passed';
  const { memory: nextMemory, ...row } = judgement;
  return {
    write: async (writer) => {
      const kept = { ...nextMemory, state: { ...nextMemory.state, promises, surroundings: around.memory } };
      await rows.saveMemory(writer, rollout.id, rollout.job, kept, turn.nowMs);
      await rows.insertVerdict(writer, { ...row, rollout: rollout.id, phase: plan.phase });
    },
    events: [
      ...(memory === undefined && promises.length > 0 ? [promiseEvent(rollout, promises)] : []),
      ...(isLook
        ? [lookEvent(rollout, plan.phaseName, judgement.verdict, { measured: row.measured, missing: row.missing })]
        : []),
    ],
    work: [
      next,
      ...(isLook || isLast ? [{ kind: 'job/decide', key: rollout.job }] : []),
      ...(memory === undefined ? [...watchFrom(rollout), ...(await calibrateOnce(tx, rollout, turn.nowMs))] : []),
    ],
    result: undefined,
  };
}

/** While its tasks are updated or bake; and after, for as long as other jobs that it goes together with keep it waiting. */
function isLookedAt({ group }: Rollout, { state }: Phase): boolean {
  return state === 'updating' || state === 'judging' || (state === 'passed' && group !== undefined);
}

function lastingFinding({ job }: Rollout, what: string): SourceFinding {
  const sentence = `${what} has been in trouble for more than ${formatDuration(believedMs)} of a phase of ${job}: verdicts are not put off by it any more.`;
  return { source: 'judge', subject: `${job}/${what}`, trouble: 'confounds', sentence };
}

/** A job that has its timer keeps it: whoever deploys all day is calibrated at night. */
async function calibrateOnce(tx: Tx, { job }: Rollout, nowMs: number): Promise<Enqueue[]> {
  return (await rows.findCalibrationTurn(tx, job)) === undefined ? [calibrateFrom(job, nowMs)] : [];
}

function promisesIn(memory: JudgeMemory | undefined): readonly PhasePromise[] | undefined {
  return memory?.state.promises as readonly PhasePromise[] | undefined;
}

/** Once per rollout, from the traffic before it began: what each of its phases will be able to show. */
async function promise(tx: Tx, rollout: Rollout, { spec, pastCurves = [] }: JudgePlan, samples: SampleStore) {
  const places = await loadPlaces(tx, rollout.job);
  const planned = planOf({ plan: rollout.plan, places, budget: { count: 1 }, isFirst: rollout.firstDeployment });
  const phases = rollout.phases.map(({ name, maxBakeMs, members }) => ({
    name,
    maxBakeMs,
    members: planned.phases.find((one) => one.spec.name === name)?.members ?? members,
  }));
  const request = { spec, phases, pastCurves, parts: partsOf(rollout) };
  const toMs = Math.min(rollout.startedAtMs ?? rollout.createdAtMs, samples.closedUntilMs());
  const before = samples.query({ job: rollout.job, fromMs: toMs - promiseWindowMs(request), toMs });
  return promisePhases(request, before);
}

async function loadPlaces(tx: Tx, job: JobId): Promise<TaskPlace[]> {
  const labels = new Map((await loadHosts(tx)).hosts.map((host) => [host.id, host.labels]));
  const hosts = new Map((await listTasks(tx, job)).map(({ index, current }) => [index, current?.host]));
  const size = (await findJob(tx, job))?.size ?? 0;
  return Array.from({ length: size }, (_, index) => {
    const host = hosts.get(index);
    return { index, host, labels: (host === undefined ? undefined : labels.get(host)) ?? {} };
  });
}

function promiseEvent(rollout: Rollout, promises: readonly PhasePromise[]): NewEvent {
  return {
    stream: `rollout/${rollout.id}`,
    type: 'judge.promised',
    actor: rollway('judge'),
    data: {
      job: rollout.job,
      phases: promises.map((one) => ({ phase: one.phase, newTasks: one.newTasks, shows: explainPromise(one) })),
    },
  };
}

/** The bins that a look is made from: since the first update, and what was before. */
function binsWanted({ job }: Rollout, { phaseStartedAtMs, updates, spec: { binMs } }: JudgePlan) {
  const firstMs = Math.min(phaseStartedAtMs, ...updates.map((update) => update.admittedAtMs));
  return { job, binMs, fromMs: firstMs - pastBins * binMs };
}

/** After a rollout that ended well: what it taught about restarts, once. */
async function learn(tx: Tx, rollout: Rollout, nowMs: number, parts: LookParts): Promise<Proposal | undefined> {
  const phase = rollout.phases.at(-1);
  if (!phase || (await rows.hasCurves(tx, rollout.id))) return undefined;
  const plan = await loadPlan(tx, rollout, phase, nowMs);
  if (!plan) return undefined;
  const seen = parts.closedBins.read(parts.samples, rollout.id, binsWanted(rollout, plan));
  const curves =
    rollout.placeboFor === undefined
      ? learnCurves(plan, seen.bins)
      : learnPlacebo(plan, seen.samples(), await restartedBy(tx, rollout));
  const { binMs } = plan.spec;
  return {
    write: (writer) =>
      rows.insertCurves(writer, rollout.id, rollout.job, rollout.endedAtMs ?? nowMs, { binMs, curves }),
    result: undefined,
  };
}

/** The first life of each task that a placebo gave it. */
async function restartedBy(tx: Tx, { id }: Rollout): Promise<Restarted> {
  const restarted = new Map<TaskIndex, Incarnation>();
  for (const { index, admittedAtMs, state, nextIncarnation } of await listOperationsOfRollout(tx, id)) {
    if (admittedAtMs === undefined || state === 'cancelled') continue;
    restarted.set(index, Math.min(nextIncarnation, restarted.get(index) ?? nextIncarnation));
  }
  return restarted;
}

/**
 * A rollout that was stopped, and of which a person then said that nothing was wrong with it, teaches too: else a
 * service whose starts look like harm would be stopped for ever. What its last look was made from is asked.
 */
/** What a rollout teaches about restarts when it is over: when it succeeded, or was stopped by mistake. */
async function learnWhenOver(tx: Tx, rollout: Rollout, nowMs: number, parts: LookParts) {
  if (rollout.state === 'succeeded') return learn(tx, rollout, nowMs, parts);
  return rollout.endedAtMs === undefined ? undefined : learnFromFalseAlarm(tx, rollout, parts.inputs);
}

async function learnFromFalseAlarm(tx: Tx, rollout: Rollout, inputs: VerdictInputs | undefined) {
  const label = (await rows.listLabels(tx, rollout.job)).find((one) => one.rollout === rollout.id);
  if (label?.isTrue !== false || (await rows.hasCurves(tx, rollout.id))) return undefined;
  const looks = (await rows.listVerdicts(tx, rollout.id)).sort((a, b) => b.verdict.atMs - a.verdict.atMs);
  for (const { verdict } of looks) {
    const text = await inputs?.load(rollout.id, verdict.lookId);
    if (text === undefined) continue;
    const { plan, samples } = readInput(text);
    const { binMs } = plan.spec;
    const curves = learnCurves(plan, ClosedBins.ofSamples(binMs, samples));
    const endedAtMs = rollout.endedAtMs ?? verdict.atMs;
    return {
      write: (writer: Tx) => rows.insertCurves(writer, rollout.id, rollout.job, endedAtMs, { binMs, curves }),
      result: undefined,
    };
  }
  return undefined;
}

/** Everything fixed about a phase that is updated or judged; undefined: nobody said how to judge this service. */
async function loadPlan(tx: Tx, rollout: Rollout, phase: Phase, nowMs: number): Promise<JudgePlan | undefined> {
  const spec = await loadJudgeSpec(tx, rollout);
  if (!spec) return undefined;
  const tasks = await listTasks(tx, rollout.job);
  const serving = new Map(
    tasks.flatMap(({ index, current }) =>
      current?.version === rollout.to ? [[index, current.servingSinceMs] as const] : [],
    ),
  );
  const operations = await listOperationsOfRollout(tx, rollout.id);
  const updates = operations.flatMap(({ index, to, admittedAtMs, state }) =>
    to === rollout.to && admittedAtMs !== undefined && state !== 'cancelled'
      ? [{ index, admittedAtMs, servingAtMs: serving.get(index) }]
      : [],
  );
  // Beside a second set the old tasks stand out of traffic: there is nobody to compare with but the past.
  const unserved = unservedOf(rollout.plan, phase, tasks, spec.warmupMs);
  const isAlone = secondSetOf(rollout.plan) !== undefined && unserved === undefined;
  return {
    rollout: rollout.id,
    phase: rollout.phases.indexOf(phase),
    phaseName: phase.name,
    spec,
    newVersion: rollout.to,
    oldVersions: isAlone ? [] : rollout.from,
    ...(unserved && { unserved }),
    updates,
    phaseStartedAtMs: phase.startedAtMs ?? nowMs,
    updatedAtMs: phase.updatedAtMs,
    deadlineAtMs: (phase.updatedAtMs ?? nowMs) + Math.max(phase.minBakeMs, phase.maxBakeMs),
    // The watch after the last phase has a part of the same α.
    phases: partsOf(rollout),
    // Caches that fill under the first traffic do so at another age than after a restart.
    pastCurves: unserved ? [] : await rows.listCurves(tx, rollout.job, spec.binMs, 20),
  };
}

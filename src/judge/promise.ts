import type { CheckSpec, JudgeSpec, Sample, TaskIndex } from '../model/index.ts';
import { combineCurves } from './age-curve.ts';
import { type BinTable, newGroup, nobody } from './bin-table.ts';
import { checksInForce, guardsInForce } from './checks-in-force.ts';
import { buildBinTable } from './closed-bins/closed-bins.ts';
import { alphaBeside, alphaOf, mainShare, regionsToJudge } from './levels.ts';
import { finalShareOf, planLooks } from './looks.ts';
import { type CheckData, readCheck, readRoutes } from './measured-check.ts';
import { isAlone } from './plain-check.ts';
import type { AgeCurve, CheckPromise, PhasePromise, RolloutCurve } from './port.ts';
import { isTolerated, toleratedRatio } from './weigh/counts.ts';
import { type Evidence, priorSpreadOf } from './weigh/evidence.ts';
import { weigh } from './weigh.ts';

/** Chance with which a promised worsening is found. */
export const promisedPower = 0.8;
/**
 * What it is reckoned with: the traffic of the bake is never quite that of before, and counts of few tasks vary more
 * than an hour of them shows. Measured, `bench/judge/promises.ts`: with 0.85 worsenings of counts were found in 68–72 %.
 */
const reckonedPower = { counts: 0.93, values: 0.85 };

export interface PromisedPhase {
  readonly name: string;
  /** Members on the new version while it is judged: its own, and those of the phases before it. */
  readonly members: readonly TaskIndex[];
  /** Longest time after its last update in which the judge looks. */
  readonly maxBakeMs: number;
}

export interface PromiseRequest {
  readonly spec: JudgeSpec;
  readonly phases: readonly PromisedPhase[];
  /** Parts that α is shared over, where there are more than phases: a watch comes after them. */
  readonly parts?: number | undefined;
  readonly pastCurves: readonly Readonly<Record<string, RolloutCurve>>[];
}

/** Of recent bins so many are played as the bake at most: the rest is the past that tasks are compared with. */
const playedShare = 0.6;
/** A longer bake is played in minutes: samples of before are only that fine. */
const longBakeMs = 6 * 60_000;
const coarseBinMs = 60_000;

/**
 * What a service's recent traffic lets each phase show, before it begins: a pseudo-rollout over the last bins, with
 * the members of the phase as if they had been updated at its beginning, weighed exactly as the judge will weigh them.
 * Only the precision of that comparison is used, never its outcome. Pure.
 */
export function promisePhases(request: PromiseRequest, samples: readonly Sample[]): PhasePromise[] {
  const spec = { ...request.spec, alpha: alphaBeside(request.spec).own };
  const own = checksInForce(spec, samples);
  const sharing = [...own, ...guardsInForce(spec, own, samples)];
  // What is held against a limit of its own needs no comparison to be promised; a score promises nothing.
  const checks = own.filter((check) => !isAlone(check) && !('kayenta' in check.metric));
  if (checks.length === 0 || samples.length === 0) return [];
  const tables = new Map<number, ReturnType<typeof readRecent>>();
  return request.phases.map((phase) => {
    const binMs = playedBinMs(phase, spec);
    const recent = tables.get(binMs) ?? readRecent({ ...spec, binMs }, samples, checks);
    tables.set(binMs, recent);
    const curves = binMs === spec.binMs ? request.pastCurves : [];
    return promisePhase({
      spec,
      checks,
      sharing,
      phase,
      phases: request.parts ?? request.phases.length,
      curves,
      binMs,
      ...recent,
    });
  });
}

function binsOf(maxBakeMs: number, { binMs, warmupMs }: JudgeSpec): number {
  return Math.floor(maxBakeMs / binMs) - Math.max(1, Math.ceil(warmupMs / binMs));
}

/** How much of the past a promise needs. */
export function promiseWindowMs({ spec, phases }: Pick<PromiseRequest, 'spec' | 'phases'>): number {
  return Math.max(0, ...phases.map((phase) => windowBinsOf(playedBinMs(phase, spec)) * playedBinMs(phase, spec)));
}

/** Two hours of minutes; of finer bins as many as a long bake and as much again. */
function windowBinsOf(binMs: number): number {
  return Math.max(120, Math.ceil((2 * longBakeMs) / binMs));
}

function playedBinMs({ maxBakeMs }: PromisedPhase, spec: JudgeSpec): number {
  return maxBakeMs > longBakeMs ? Math.max(spec.binMs, coarseBinMs) : spec.binMs;
}

function readRecent(spec: JudgeSpec, samples: readonly Sample[], checks: readonly CheckSpec[]) {
  let fromMs = Number.POSITIVE_INFINITY;
  let toMs = 0;
  for (const sample of samples) {
    fromMs = Math.min(fromMs, sample.fromMs);
    toMs = Math.max(toMs, sample.toMs);
  }
  fromMs = Math.max(fromMs, toMs - windowBinsOf(spec.binMs) * spec.binMs);
  // Whatever version a task runs now, it is what the next one will be compared with.
  const table = buildBinTable({ spec, newVersion: 'v_none', updates: [] }, samples, fromMs, toMs);
  const readOne = (check: CheckSpec): CheckData | undefined => {
    const one = readCheck(table, samples, check);
    const routes = one ? readRoutes(table, samples, check, 'v_none') : [];
    return one && { ...one, routes: () => routes };
  };
  const data = new Map(checks.map((check) => [check.name, readOne(check)]));
  return { table, data };
}

export interface TablePromise {
  readonly spec: JudgeSpec;
  readonly checks: readonly CheckSpec[];
  /** All that α is shared over, guards too; left out: the checks. */
  readonly sharing?: readonly CheckSpec[] | undefined;
  readonly phase: PromisedPhase;
  readonly phases: number;
  readonly curves: readonly Readonly<Record<string, RolloutCurve>>[];
  readonly ageCurves?: Readonly<Record<string, AgeCurve>> | undefined;
  readonly binMs: number;
  readonly table: BinTable;
  readonly data: ReadonlyMap<string, CheckData | undefined>;
}

/** The same from a table of recent bins in which nobody is new yet. */
export function promisePhase(request: TablePromise): PhasePromise {
  const { spec, checks, sharing = checks, phase, phases, table, binMs } = request;
  const looks = planLooks(Math.max(2, binsOf(phase.maxBakeMs, spec)));
  const played = playRollout(table, phase, { ...spec, binMs });
  return {
    phase: phase.name,
    newTasks: phase.members.length,
    checks: checks.map((check) => {
      const data = request.data.get(check.name);
      const past = request.curves.flatMap((curves) => curves[check.name] ?? []);
      const ageCurve =
        request.ageCurves?.[check.name] ?? (data && combineCurves(past, priorSpreadOf(check, data.latency)));
      const evidence = data && played && weigh(played, data, { ageCurve });
      if (!data || !played || !evidence) return promisesNothing(check, whyNothing(data, played, phase, table));
      const share = mainShare(regionsToJudge(table, data.measure).length, data.routes?.().length ?? 0);
      const level = alphaOf(check, { checks: sharing, alpha: spec.alpha, phases }) * share * finalShareOf(looks);
      return promiseOf(check, data, evidence, level);
    }),
  };
}

/** The table as it would be if the members had been updated so long before its end as the phase is judged. */
function playRollout(table: BinTable, phase: PromisedPhase, spec: JudgeSpec): BinTable | undefined {
  const warmup = Math.max(1, Math.ceil(spec.warmupMs / spec.binMs));
  const bake = Math.min(binsOf(phase.maxBakeMs, spec), Math.floor((table.bins - warmup) * playedShare));
  if (bake < 2) return undefined;
  const updated = table.bins - bake - warmup;
  const members = new Set(phase.members);
  const group = Int8Array.from(table.group);
  const age = Int16Array.from(table.age);
  const newSince = new Int32Array(table.tasks.length).fill(table.bins);
  const frozenAt = new Int32Array(table.tasks.length).fill(table.bins);
  for (const [row, index] of table.tasks.entries()) {
    if (!members.has(index)) continue;
    frozenAt[row] = updated;
    newSince[row] = updated + warmup;
    for (let bin = updated; bin < table.bins; bin += 1) {
      const at = row * table.bins + bin;
      age[at] = bin - updated;
      group[at] = bin < updated + warmup || group[at] === nobody ? nobody : newGroup;
    }
  }
  return { ...table, group, age, newSince, frozenAt };
}

function promiseOf(check: CheckSpec, data: CheckData, evidence: Evidence, level: number): CheckPromise {
  const isRatio = 'errorRatio' in check.metric;
  const power = (harm: number) => evidence.powerFor(harm, level);
  const smallest = smallestFound(power, isRatio ? 1 : 20, reckonedPower[evidence.source.kind]);
  const { oldLevel, source } = evidence;
  const livable =
    isRatio && source.kind === 'counts' && isTolerated(check, source)
      ? toleratedRatio
      : isRatio
        ? oldLevel * check.margin
        : check.margin;
  return {
    check: check.name,
    smallest,
    isShare: isRatio,
    worse: check.worse,
    oldLevel: Number.isFinite(oldLevel) ? oldLevel : undefined,
    canShowMargin: smallest !== undefined && smallest <= livable,
    level,
    quantile: data.latency && 'latency' in check.metric ? check.metric.latency.quantile : undefined,
    why: smallest === undefined ? 'there is too little traffic for any worsening to show' : undefined,
  };
}

function promisesNothing(check: CheckSpec, why: string): CheckPromise {
  return {
    check: check.name,
    smallest: undefined,
    isShare: 'errorRatio' in check.metric,
    worse: check.worse,
    oldLevel: undefined,
    canShowMargin: false,
    level: 0,
    quantile: undefined,
    why,
  };
}

function whyNothing(
  data: CheckData | undefined,
  played: BinTable | undefined,
  { members }: PromisedPhase,
  table: BinTable,
): string {
  if (!data) return 'its metric was not seen lately';
  if (!played) return 'too little was seen lately, or the bake is too short';
  const old = table.tasks.filter((index) => !members.includes(index)).length;
  if (old === 0) return 'no task of the old version is left to compare with';
  if (data.measure.kind === 'values' && old < 3)
    return `${old === 1 ? '1 old task is' : `${old} old tasks are`} too few`;
  return 'there is too little traffic';
}

/** The smallest harm that is found with the promised chance; undefined: not even the largest. */
function smallestFound(power: (harm: number) => number, largest: number, reckoned: number): number | undefined {
  if (!(power(largest) >= reckoned)) return undefined;
  let low = 1e-6;
  let high = largest;
  for (let i = 0; i < 50; i += 1) {
    const middle = Math.sqrt(low * high);
    if (power(middle) >= reckoned) high = middle;
    else low = middle;
  }
  return high;
}

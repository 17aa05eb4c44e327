import { combineCurves, curveOf } from '../../src/judge/age-curve.ts';
import type { AgeCurves, JudgeMemory, JudgePlan, PhasePromise, RolloutCurve } from '../../src/judge/index.ts';
import { judgeTable } from '../../src/judge/judge.ts';
import type { JudgeOptions } from '../../src/judge/judge-options.ts';
import { planLooks } from '../../src/judge/looks.ts';
import type { CheckData } from '../../src/judge/measured-check.ts';
import type { Measure } from '../../src/judge/measures.ts';
import { plainCheck } from '../../src/judge/plain-check.ts';
import { promisePhase } from '../../src/judge/promise.ts';
import { pickBelow, seededChance } from '../../src/kit/index.ts';
import type { CheckSpec } from '../../src/model/index.ts';
import { bins, cellsUntil, type FleetRun, tableAt, updateBins } from './synthetic-fleet.ts';
import { runTroubledFleet, type TroubledOptions } from './troubles.ts';

/** One deployment on the synthetic fleet, judged as the product judges it. */
export const warmupBins = 2;
const gauge = (name: string, delta: number, margin: number): CheckSpec => ({
  ...plainCheck,
  name,
  class: 'system',
  metric: { gauge: name },
  worse: 'higher',
  delta,
  margin,
  critical: true,
  required: false,
  trust: 'revert',
});
export const benchChecks: readonly CheckSpec[] = [
  {
    ...gauge('errors', 0.03, 0.2),
    metric: { errorRatio: { counter: 'errors', label: 'code', errorValues: '5..' } },
  },
  gauge('p99', 0.01, 0.1),
  gauge('p50', 0.01, 0.1),
  gauge('cpu', 0.01, 0.1),
  gauge('memory', 0.01, 0.1),
];

const rooms = Array.from({ length: 6 }, () => ({ cells: new Float64Array(0) }));

export function dataAt(run: FleetRun, end: number): Map<string, CheckData> {
  let n = 0;
  const cut = (cells: Float64Array) => cellsUntil(cells, run.tasks, end, rooms[n++]!);
  const measures: Record<string, Measure> = {
    errors: { kind: 'counts', events: cut(run.errors), exposure: cut(run.requests) },
    p99: { kind: 'values', values: cut(run.p99) },
    p50: { kind: 'values', values: cut(run.p50) },
    cpu: { kind: 'values', values: cut(run.cpu) },
    memory: { kind: 'values', values: cut(run.memory) },
  };
  return new Map(
    benchChecks.map((check) => [check.name, { check, measure: measures[check.name]!, latency: undefined }]),
  );
}

/** Curves of past harmless rollouts of the same kind of fleet; each trial takes 20 of them. */
export function pastCurves(
  options: Omit<TroubledOptions, 'fault'>,
  count: number,
  seed: number,
): Record<string, RolloutCurve>[] {
  return Array.from({ length: count }, (_, i) => {
    const run = runTroubledFleet(options, seed + i);
    const table = tableAt(run, bins, warmupBins);
    const curves: Record<string, RolloutCurve> = {};
    for (const [name, { measure }] of dataAt(run, bins)) {
      const curve = curveOf(table, measure);
      if (curve) curves[name] = curve;
    }
    return curves;
  });
}

export function curvesOf(pool: readonly Record<string, RolloutCurve>[], seed: number): AgeCurves {
  const chance = seededChance(seed, 'history');
  const chosen = Array.from({ length: 20 }, () => pool[pickBelow(chance, pool.length)]!);
  const curves: Record<string, NonNullable<ReturnType<typeof combineCurves>>> = {};
  for (const { name } of benchChecks) {
    const curve = combineCurves(
      chosen.flatMap((one) => one[name] ?? []),
      name === 'errors' ? 0.2 : 0.05,
    );
    if (curve) curves[name] = curve;
  }
  return curves;
}

export interface TrialResult {
  readonly failed: boolean;
  /** Minutes from the first update to the verdict. */
  readonly minutes: number;
  /** Share of tasks on the new version then. */
  readonly blast: number;
  readonly check: string | undefined;
  /** Phases that the judge passed (of those begun). */
  readonly passed: number;
  readonly undecided: number;
  readonly power: Readonly<Record<string, number>>;
  /** Phases at whose end the promised power was reached. */
  readonly reached: number;
}

const warmupMs = warmupBins * 60_000;
export const benchSpec = { checks: [...benchChecks], failShare: 0.5, alpha: 0.01, binMs: 60_000, warmupMs };

/** What the hour before the first update promises for each phase. */
export function promisesOf(run: FleetRun, ageCurves: AgeCurves | undefined): PhasePromise[] {
  const table = tableAt(run, updateBins[0], warmupBins);
  const data = dataAt(run, updateBins[0]);
  return updateBins.map((start, phase) => {
    const members = [...run.updatedAt.keys()].filter((task) => run.updatedAt[task]! <= start);
    const maxBakeMs = ((updateBins[phase + 1] ?? bins) - start) * 60_000;
    const one = { name: String(phase), members, maxBakeMs };
    const { length: phases } = updateBins;
    const facts = { spec: benchSpec, checks: benchChecks, curves: [], ageCurves, binMs: 60_000, table, data };
    return promisePhase({ ...facts, phase: one, phases });
  });
}

/** What is judged of a run, and with how much of the chance of error. */
export interface Judged {
  readonly checks: readonly CheckSpec[];
  readonly alpha: number;
  /** Parts of it: phases, and the watch after them where there is one. */
  readonly parts: number;
  readonly dataAt: (run: FleetRun, end: number, seed: number) => ReadonlyMap<string, CheckData>;
}
export const benchJudged: Judged = { checks: benchChecks, alpha: 0.01, parts: updateBins.length, dataAt };

export function runTrial(
  options: TroubledOptions,
  ageCurves: AgeCurves | undefined,
  seed: number,
  judgeOptions?: JudgeOptions,
  promises: readonly PhasePromise[] = [],
  judged: Judged = benchJudged,
): TrialResult {
  const { checks, alpha, parts } = judged;
  const spec = { ...benchSpec, checks: [...checks], alpha };
  const run = runTroubledFleet(options, seed);
  let memory: JudgeMemory | undefined;
  let passed = 0;
  let undecided = 0;
  let reached = 0;
  let power: Record<string, number> = {};
  for (const [phase, start] of updateBins.entries()) {
    const until = updateBins[phase + 1] ?? bins;
    let last = 'undecided';
    let isReached = false;
    const { ages } = (judgeOptions?.planLooks ?? planLooks)(until - start - warmupBins);
    for (let end = start + warmupBins + 1; end <= until; end += 1) {
      // Between looks nothing is decided.
      if (!ages.includes(end - start - warmupBins)) continue;
      const table = tableAt(run, end, warmupBins);
      const plan: JudgePlan = {
        rollout: 'ro_bench',
        phase,
        phaseName: String(phase),
        spec,
        promise: promises[phase],
        newVersion: 'v_new',
        updates: [],
        phaseStartedAtMs: start * 60_000,
        updatedAtMs: start * 60_000,
        deadlineAtMs: until * 60_000,
        phases: parts,
        ageCurves,
      };
      const judgement = judgeTable(
        plan,
        checks,
        table,
        judged.dataAt(run, end, seed),
        memory,
        end * 60_000,
        judgeOptions,
      );
      memory = judgement.memory;
      last = judgement.verdict.verdict;
      isReached = judgement.powerReached;
      power = Object.fromEntries(judgement.verdict.perCheck.map(({ check, power: p }) => [check, p ?? 0]));
      if (last === 'fail') {
        const touched = run.updatedAt.reduce((n, at) => n + (at < end ? 1 : 0), 0);
        const check = judgement.verdict.perCheck.find(({ verdict }) => verdict === 'fail')?.check;
        return {
          failed: true,
          minutes: end - updateBins[0],
          blast: touched / run.tasks,
          check,
          passed,
          undecided,
          power,
          reached,
        };
      }
    }
    if (isReached) reached += 1;
    if (last === 'pass') passed += 1;
    else undecided += 1;
  }
  return {
    failed: false,
    minutes: bins - updateBins[0],
    blast: 0,
    check: undefined,
    passed,
    undecided,
    power,
    reached,
  };
}

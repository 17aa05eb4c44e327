import type { CheckSpec, JudgeVerdict, Sample, Verdict } from '../model/index.ts';
import { type CurveOptions, curveOf } from './age-curve.ts';
import type { BinTable } from './bin-table.ts';
import { ClosedBins } from './closed-bins/closed-bins.ts';
import { combine, rank } from './combine.ts';
import { explainConfounders } from './confounders.ts';
import { explainVerdict } from './explain.ts';
import { explainPromise } from './explain-promise.ts';
import { findLook, type Look } from './find-look.ts';
import { type CheckJudgement, judgeCheck } from './judge-check.ts';
import { type JudgeOptions, standard } from './judge-options.ts';
import type { CheckData } from './measured-check.ts';
import { type PhaseMemory, recallPhase, withPhase } from './phase-memory.ts';
import type { JudgeMemory, Judgement, JudgePlan, RolloutCurve } from './port.ts';
import { isHeard } from './presence.ts';
import { closedUntil, readChecks } from './read-checks.ts';
import { withNeighbours } from './with-neighbours.ts';

export { combine } from './combine.ts';

/**
 * Is the new version worse than the old by more than its owner cares about? Pure: the same plan, samples, memory and
 * time give the same judgement; asked again about the same bins it gives the same answer and spends nothing.
 */
export function judge(
  plan: JudgePlan,
  samples: readonly Sample[],
  memory: JudgeMemory | undefined,
  nowMs: number,
): Judgement {
  return judgeBins(plan, ClosedBins.ofSamples(plan.spec.binMs, samples), memory, nowMs);
}

/** The same of bins that were read before. */
export function judgeBins(
  plan: JudgePlan,
  closed: ClosedBins,
  memory: JudgeMemory | undefined,
  nowMs: number,
): Judgement {
  const { checks, table, data } = readChecks(plan, closed, closedUntil(plan, nowMs));
  const judged = judgeTable(plan, checks, table, data, memory, nowMs, standard, isHeard(plan, closed, table));
  const left = explainConfounders(plan.confounders ?? [], plan.phaseStartedAtMs, nowMs);
  return withNeighbours(left === '' ? judged : withSentence(judged, `${judged.verdict.sentence}${left}`), plan);
}

function withSentence(judgement: Judgement, sentence: string): Judgement {
  return { ...judgement, verdict: { ...judgement.verdict, sentence } };
}

/** What a rollout that ended well teaches about restarts: one curve per check, to be kept with the service. */
export function learnCurves(
  plan: JudgePlan,
  closed: ClosedBins,
  options: CurveOptions = {},
): Record<string, RolloutCurve> {
  const { table, data } = readChecks(plan, closed);
  const curves: Record<string, RolloutCurve> = {};
  for (const [name, one] of data) {
    const curve = one && !one.kayenta && curveOf(table, one.measure, options);
    if (curve) curves[name] = curve;
  }
  return curves;
}

/** The same on tables made elsewhere (the bench, or a cache over closed bins). */
export function judgeTable(
  plan: JudgePlan,
  checks: readonly CheckSpec[],
  table: BinTable,
  data: ReadonlyMap<string, CheckData | undefined>,
  memory: JudgeMemory | undefined,
  nowMs: number,
  options: JudgeOptions = standard,
  isNewHeard = true,
): Judgement {
  const before = recallPhase(memory, plan);
  const look = findLook(plan, table, before, nowMs, options);
  const context = { plan, checks, table, before, look, options, isNewHeard, nowMs };
  const judged = checks.map((check) => judgeCheck(context, check, data.get(check.name)));
  const perCheck = judged.map(({ result }) => result);
  const measured = judged.some(({ isMeasured }) => isMeasured);
  const verdict = combine(checks, perCheck, measured, plan.spec.failShare);
  const guards = new Set(checks.flatMap(({ guard, name }) => (guard ? [name] : [])));
  const ordered = [...perCheck].sort(
    (a, b) => rank(a.verdict) - rank(b.verdict) || Number(guards.has(a.check)) - Number(guards.has(b.check)),
  );
  const judgeVerdict: JudgeVerdict = {
    verdict,
    lookId: lookIdOf(plan, table, look),
    atMs: nowMs,
    perCheck: ordered,
    sentence: explainVerdict(verdict, ordered, guards),
  };
  const phase = phaseAfter(before, look, judged);
  return {
    verdict: judgeVerdict,
    memory: {
      looks: (memory?.looks ?? 0) + (look ? 1 : 0),
      alphaSpent: (memory?.alphaSpent ?? 0) + judged.reduce((sum, { spent }) => sum + spent, 0),
      lastLookAtMs: look ? nowMs : (memory?.lastLookAtMs ?? 0),
      state: withPhase(memory, plan, phase),
    },
    measured,
    missing: judged.flatMap(({ isMissing, result }) => (isMissing ? [result.check] : [])),
    lostData: judged.some(
      ({ isMissing, result }, i) =>
        isMissing && (phase.hadData.includes(result.check) || (checks[i]!.required && measured)),
    ),
    holds: perCheck.flatMap(({ check, verdict: word, sentence }) =>
      word === 'fail' && checks.find(({ name }) => name === check)?.trust === 'hold' ? [sentence] : [],
    ),
    powerReached: measured && judged.every(({ isPromiseKept }) => isPromiseKept),
    promised: plan.promise && explainPromise(plan.promise),
    guards: perCheck.flatMap((one) =>
      guards.has(one.check) && one.verdict !== 'fail' && one.newTasks > 0 ? one.check : [],
    ),
    cannotShow: plan.promise?.checks.flatMap((one) => (one.canShowMargin ? [] : [one.check])),
  };
}

function lookIdOf({ rollout, phase }: JudgePlan, { firstBin, bins }: BinTable, look: Look | undefined): string {
  return `${rollout}/${phase}/${look ? `${look.stage}-${look.age}` : `bin-${firstBin + bins}`}`;
}

/** What is kept of the phase: looks used and α spent, and of each check its verdict and whether it had data. */
function phaseAfter(before: PhaseMemory, look: Look | undefined, judged: readonly CheckJudgement[]): PhaseMemory {
  const verdicts: Record<string, Verdict> = { ...before.verdicts };
  const failedIn: Record<string, string> = { ...before.failedIn };
  const hadData = new Set(before.hadData);
  for (const { result, verdict, failedIn: where, hasData } of judged) {
    if (verdict !== undefined) verdicts[result.check] = verdict;
    if (where !== undefined) failedIn[result.check] = where;
    if (hasData) hadData.add(result.check);
  }
  return {
    used: look ? { ...before.used, [look.stage]: look.age } : before.used,
    spentUpdating: before.spentUpdating + (look?.stage === 'updating' ? look.share : 0),
    verdicts,
    ...(Object.keys(failedIn).length > 0 && { failedIn }),
    hadData: [...hadData].sort(),
  };
}

import type { CheckResult, CheckSpec, KayentaSpec, Verdict } from '../model/index.ts';
import type { BinTable } from './bin-table.ts';
import { resultOf } from './check-result.ts';
import { withComponents } from './components.ts';
import { curveFor } from './curve-for.ts';
import { decideCheck } from './decide-check.ts';
import type { Look } from './find-look.ts';
import type { JudgeOptions } from './judge-options.ts';
import { judgeKayenta, resultOfKayenta, verdictOfKayenta } from './kayenta/index.ts';
import { alphaOf } from './levels.ts';
import type { CheckData } from './measured-check.ts';
import { partsOf } from './parts.ts';
import type { PhaseMemory } from './phase-memory.ts';
import type { JudgePlan } from './port.ts';
import { noPresence, presenceOf } from './presence.ts';
import { isPromiseKept } from './promise-kept.ts';
import { weigh } from './weigh.ts';

/** Of a phase's α at one look: what the power in a verdict is reckoned with. */
const typicalShare = 0.1;

/** A judgement of which single checks are parts. */
export interface CheckContext {
  readonly plan: JudgePlan;
  readonly checks: readonly CheckSpec[];
  readonly table: BinTable;
  readonly before: PhaseMemory;
  /** Undefined: nothing is decided now. */
  readonly look: Look | undefined;
  readonly options: JudgeOptions;
  /** Whether anything at all is heard of new tasks. */
  readonly isNewHeard: boolean;
  readonly nowMs: number;
}

/** What one check adds to a judgement. */
export interface CheckJudgement {
  readonly result: CheckResult;
  /** Undefined: there was no look at it yet. */
  readonly verdict: Verdict | undefined;
  /** Of a failure that was found in a part of all: in which. */
  readonly failedIn: string | undefined;
  /** It has data on new tasks. */
  readonly hasData: boolean;
  readonly isMissing: boolean;
  /** It says something of the new version, and was asked to. */
  readonly isMeasured: boolean;
  readonly isPromiseKept: boolean;
  /** Of the chance of error. */
  readonly spent: number;
}

/** One check: whether its metric is there, what it says, and what is decided where a look is due. */
export function judgeCheck(context: CheckContext, check: CheckSpec, one: CheckData | undefined): CheckJudgement {
  if ('kayenta' in check.metric) return judgeByKayenta(context, check, check.metric.kayenta, one);
  const { plan, checks, table, before, look, options } = context;
  const alpha = alphaOf(check, { checks, alpha: plan.spec.alpha, phases: plan.phases });
  const canWait = look?.isEnd !== true;
  const presence = one ? presenceOf(plan, table, one) : noPresence;
  const isGone = presence.isDue && !presence.onNew && (presence.onOld || before.hadData.includes(check.name));
  const weighed = one
    ? weigh(table, one, {
        ...{ ageCurve: curveFor(plan, one), leaveOneOut: options.leaveOneOut, canWait },
        season: plan.seasons?.[check.name],
      })
    : undefined;
  const evidence = weighed && weighed.newEvents >= check.minSamples ? weighed : undefined;

  const latched = before.verdicts[check.name];
  let verdict = latched;
  let failedIn = before.failedIn?.[check.name];
  let spent = 0;
  if (look && evidence && !isGone) {
    spent = alpha * look.share;
    const decided = latched === 'fail' ? undefined : decideCheck(plan, table, one!, evidence, spent, look, options);
    verdict = decided?.verdict ?? 'fail';
    failedIn = decided?.failedIn ?? failedIn;
  } else if (look && latched !== 'fail') verdict = 'undecided';
  // A required metric that only the new version lost fails it; when nothing at all is heard of its tasks, or of the
  // old ones either, nobody can tell: undecided, and the phase holds.
  const isItsFault = check.required && context.isNewHeard && presence.onOldNow;
  if (isGone) verdict = isItsFault || latched === 'fail' ? 'fail' : 'undecided';

  // What failed in a part is told of that part, for as long as the failure stays.
  const where = verdict === 'fail' && !isGone ? failedIn : undefined;
  const view =
    one && where !== undefined
      ? partsOf(plan, table, one, options, canWait).find(({ name }) => name === where)
      : undefined;
  const shown = view?.evidence() ?? evidence;
  const level = alpha * typicalShare;
  const result = withComponents(resultOf(check, shown, verdict ?? 'undecided', level, table, isGone), check, one);
  return {
    result:
      view && shown !== evidence
        ? { ...result, view: view.name, sentence: `${capital(view.name)}: ${result.sentence}` }
        : result,
    verdict,
    failedIn,
    hasData: presence.onNew,
    isMissing: (!one || isGone) && !check.guard,
    isMeasured: evidence !== undefined && !check.guard,
    isPromiseKept: check.guard === true || isPromiseKept(plan, check, evidence, presence.traffic),
    spent,
  };
}

/** By Kayenta's method, which knows no chance of error and has none to keep: it may decide without a planned look. */
function judgeByKayenta(
  { plan, before, look, nowMs }: CheckContext,
  check: CheckSpec,
  spec: KayentaSpec,
  one: CheckData | undefined,
): CheckJudgement {
  const judged = one?.kayenta && judgeKayenta(spec, one.kayenta, check);
  const hasScore = judged?.score.score !== undefined;
  // Bins close some seconds late: when the bake is over, the look planned for its end may never come.
  const isOver = plan.updatedAtMs !== undefined && nowMs >= plan.deadlineAtMs;
  let verdict = before.verdicts[check.name];
  if ((look || isOver) && verdict !== 'fail')
    verdict = judged ? verdictOfKayenta(judged, spec, isOver || look?.isEnd === true) : 'undecided';
  return {
    result: resultOfKayenta(check, judged, verdict ?? 'undecided'),
    verdict,
    failedIn: before.failedIn?.[check.name],
    hasData: hasScore,
    isMissing: !hasScore,
    isMeasured: hasScore,
    isPromiseKept: true,
    spent: 0,
  };
}

function capital(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}`;
}

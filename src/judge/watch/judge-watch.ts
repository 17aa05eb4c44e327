import type { CheckResult, CheckSpec, JudgeSpec, RolloutId, Verdict } from '../../model/index.ts';
import { studentAbove, studentUpper } from '../../stats/index.ts';
import { explainVerdict } from '../explain.ts';
import { combine } from '../judge.ts';
import { alphaOf } from '../levels.ts';
import { dueLook, planLooks, shareOfLook } from '../looks.ts';
import { limitOf } from '../plain-check.ts';
import type { JudgeMemory, Judgement } from '../port.ts';
import { nameSuspects } from './change-point.ts';
import { baseSteps, boundOf, chanceAbove, compareWatch, type WatchEvidence } from './compare-watch.ts';
import { explainWatch } from './explain-watch.ts';
import { type HistoryStep, historyKey } from './history-step.ts';

/** Everything fixed about one watch. */
export interface WatchPlan {
  readonly rollout: RolloutId;
  readonly spec: JudgeSpec;
  /** In force now. */
  readonly checks: readonly CheckSpec[];
  /** Those that may be to blame, oldest first; the last one is the rollout itself. */
  readonly suspects: readonly { readonly rollout: RolloutId; readonly startedAtMs: number }[];
  readonly fromMs: number;
  readonly untilMs: number;
  readonly stepMs: number;
  /** Parts that the deployment's α is shared over: its phases, and the watch. */
  readonly parts: number;
}

/** What is kept from look to look; plain JSON. */
interface WatchMemory {
  readonly used: number;
  readonly verdicts: Readonly<Record<string, Verdict>>;
}

/** Chance of passing a version that is worse by the margin, over the whole watch. */
const passAlpha = 0.05;
/** Of its α at one look: what the power in a verdict is reckoned with. */
const typicalShare = 0.1;
/** A difference with another time is believed beyond this much only, as long as the job's own past is short. */
const shortPast = { windows: 6, least: 0.2 };
/** Of failed requests; below it no version is harmful. */
const harmlessRatio = 0.001;
const mostNow = 12;

/**
 * Is the job worse since the release than it was before, by more than it changes by itself? Pure, and made of steps of
 * the past alone: the same steps, memory and time give the same judgement. Looks stand at fixed ages, each with its
 * share of the watch's part of α; between looks nothing is decided.
 */
export function judgeWatch(
  plan: WatchPlan,
  steps: readonly HistoryStep[],
  memory: JudgeMemory | undefined,
  nowMs: number,
): Judgement {
  const { spec, stepMs, checks } = plan;
  const before = (memory?.state.watch ?? { used: 0, verdicts: {} }) as WatchMemory;
  const warmMs = plan.fromMs + spec.warmupMs;
  const age = steps.filter((step) => step.fromMs >= warmMs).length;
  const planned = Math.max(2, Math.floor((plan.untilMs - warmMs) / stepMs));
  const looks = planLooks(planned);
  const due = dueLook(looks, Math.min(age, planned), before.used);
  const share = due === undefined ? 0 : shareOfLook(looks, due);
  const window = {
    startMs: plan.suspects[0]!.startedAtMs,
    fromMs: warmMs,
    stepMs,
    nowSteps: Math.max(1, Math.min(mostNow, Math.ceil((due ?? age) / 2))),
  };
  const verdicts: Record<string, Verdict> = { ...before.verdicts };
  const named = new Set<RolloutId>();
  const perCheck: CheckResult[] = [];
  let measured = false;
  let spent = 0;
  for (const check of checks) {
    const evidence = compareWatch(steps, historyKey(check), check, window);
    const scale = scaleOf(check, evidence, plan, nowMs);
    if (evidence !== undefined) measured = true;
    const alpha = alphaOf(check, { checks, alpha: spec.alpha, phases: plan.parts });
    if (due !== undefined && before.verdicts[check.name] !== 'fail') {
      spent += evidence === undefined ? 0 : alpha * share;
      verdicts[check.name] = evidence ? decide(check, evidence, scale, alpha * share, passAlpha * share) : 'undecided';
    }
    const verdict = verdicts[check.name] ?? 'undecided';
    if (verdict === 'fail') for (const id of blameOf(plan, steps, check)) named.add(id);
    perCheck.push(resultOf(check, evidence, scale, verdict, alpha * typicalShare));
  }
  const order: readonly Verdict[] = ['fail', 'undecided', 'pass'];
  const sorted = [...perCheck].sort((a, b) => order.indexOf(a.verdict) - order.indexOf(b.verdict));
  const guards = new Set(checks.flatMap(({ guard, name }) => (guard ? [name] : [])));
  const verdict = combine(checks, perCheck, measured, spec.failShare);
  const inOrder = plan.suspects.flatMap(({ rollout }) => (named.has(rollout) ? [rollout] : []));
  const lookId = due === undefined ? `${plan.rollout}/watch/step-${age}` : `${plan.rollout}/watch/${due}`;
  return {
    verdict: { verdict, lookId, atMs: nowMs, perCheck: sorted, sentence: explainVerdict(verdict, sorted, guards) },
    memory: {
      looks: (memory?.looks ?? 0) + (due === undefined ? 0 : 1),
      alphaSpent: (memory?.alphaSpent ?? 0) + spent,
      lastLookAtMs: due === undefined ? (memory?.lastLookAtMs ?? 0) : nowMs,
      state: { ...memory?.state, watch: { used: due ?? before.used, verdicts } satisfies WatchMemory },
    },
    measured,
    missing: perCheck.flatMap(({ check, newTasks }) => (newTasks === 0 ? [check] : [])),
    lostData: false,
    holds: perCheck.flatMap(({ check, verdict: word, sentence }) =>
      word === 'fail' && checks.find(({ name }) => name === check)?.trust === 'hold' ? [sentence] : [],
    ),
    named: inOrder,
    powerReached: false,
  };
}

interface Scale {
  /** Harm up to here is none; from `margin` on it is too much. */
  readonly delta: number;
  readonly margin: number;
  readonly toHarm: (difference: number) => number;
  /** The evidence, held against the limit where the check has one. */
  readonly evidence: WatchEvidence | undefined;
}

function scaleOf(check: CheckSpec, found: WatchEvidence | undefined, plan: WatchPlan, nowMs: number): Scale {
  const sign = check.worse === 'higher' ? 1 : -1;
  const isLog = found?.isLog ?? true;
  const toScale = (harm: number) =>
    isLog ? (sign === 1 ? Math.log(1 + harm) : -Math.log(Math.max(1e-9, 1 - harm))) : harm;
  const toHarm = (difference: number) => (isLog ? sign * (Math.exp(sign * difference) - 1) : difference);
  if (found !== undefined && check.against === 'limit') {
    const limit = 'latency' in check.metric ? limitOf(check) : (check.limit ?? 0);
    const level = Math.max(found.nowLevel, 1e-300);
    const away =
      isLog && limit > 0 ? Math.log(level / limit) : (found.nowLevel - limit) / Math.max(Math.abs(limit), 1e-9);
    const evidence = { ...found, difference: sign * away, season: undefined, baseLevel: limit };
    return { delta: 0, margin: 0, toHarm, evidence };
  }
  // What a trend allows an hour adds up until now.
  const hours = (nowMs - plan.suspects[0]!.startedAtMs) / 3_600_000;
  const allowed = check.against === 'trend' ? (check.limit ?? 0) * Math.max(1, hours) : check.delta;
  const least = (found?.windows ?? 0) < shortPast.windows ? shortPast.least : 0;
  const delta = toScale(Math.max(allowed, least));
  return {
    delta,
    margin: Math.max(delta, toScale(check.against === 'trend' ? allowed : check.margin)),
    toHarm,
    evidence: found,
  };
}

function decide(
  check: CheckSpec,
  _: WatchEvidence,
  { evidence, delta, margin }: Scale,
  level: number,
  passLevel: number,
) {
  if (evidence === undefined) return 'undecided';
  const isFew = 'errorRatio' in check.metric && evidence.nowLevel < harmlessRatio;
  const isSmall = isFew || Math.abs(evidence.nowLevel - evidence.baseLevel) < (check.floor ?? 0);
  if (!isSmall && evidence.difference > delta && chanceAbove(evidence, delta) <= level) return 'fail';
  return 1 - chanceAbove(evidence, margin) <= passLevel ? 'pass' : 'undecided';
}

/** Which of the releases it is tied to: by when the change began. */
function blameOf(
  { suspects, stepMs }: WatchPlan,
  steps: readonly HistoryStep[],
  check: CheckSpec,
): readonly RolloutId[] {
  const key = historyKey(check);
  const from = suspects[0]!.startedAtMs - baseSteps * stepMs;
  const points = steps.flatMap(({ fromMs, toMs, busy, levels }) => {
    const level = levels[key];
    if (busy || level === undefined || fromMs < from) return [];
    const value = level.value ?? Math.log(((level.events ?? 0) + 0.5) / ((level.exposure ?? 0) + 1));
    return [{ atMs: (fromMs + toMs) / 2, level: value }];
  });
  return nameSuspects(
    suspects.map(({ rollout, startedAtMs }) => ({ id: rollout, fromMs: startedAtMs })),
    points,
  );
}

function resultOf(
  check: CheckSpec,
  found: WatchEvidence | undefined,
  scale: Scale,
  verdict: Verdict,
  level: number,
): CheckResult {
  const base = {
    check: check.name,
    verdict,
    against: check.against === 'limit' ? ('limit' as const) : ('before' as const),
  };
  const held = { delta: Math.max(0, scale.toHarm(scale.delta)), margin: Math.max(0, scale.toHarm(scale.margin)) };
  const { evidence } = scale;
  if (found === undefined || evidence === undefined) {
    const nothing = {
      estimate: undefined,
      interval: undefined,
      oldLevel: undefined,
      newLevel: undefined,
      power: undefined,
    };
    const counts = { oldTasks: 0, newTasks: 0, newEvents: 0, drivers: [] };
    return {
      ...base,
      ...held,
      ...nothing,
      ...counts,
      sentence: `${check.name} has nothing to compare after the last phase yet.`,
    };
  }
  const [low, high] = boundOf(evidence, 0.025)
    .map(scale.toHarm)
    .sort((a, b) => a - b) as [number, number];
  const { deviation, freedom } = evidence;
  const needed = studentUpper(Math.max(level, 1e-12), freedom) * deviation + scale.delta;
  // Of a past that never changed there is none to say: what is above δ is found, what is at δ is not.
  const chance = studentAbove((needed - scale.margin) / deviation, freedom);
  const power = Number.isNaN(chance) ? undefined : chance;
  const estimate = scale.toHarm(evidence.difference);
  return {
    ...base,
    ...held,
    estimate,
    interval: [Math.max(-1, low), Math.min(1e6, high)],
    oldLevel: evidence.baseLevel,
    newLevel: evidence.nowLevel,
    oldTasks: 0,
    newTasks: evidence.tasks,
    newEvents: evidence.events,
    power,
    sentence: explainWatch(check, evidence, { estimate, low, high, power, verdict, ...held }),
    drivers: [...evidence.drivers],
  };
}

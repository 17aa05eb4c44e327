import {
  type CheckResult,
  type CheckSpec,
  type JudgeVerdict,
  type Sample,
  spanMetric,
  type Verdict,
} from '../model/index.ts';
import { type CurveOptions, combineCurves, curveOf } from './age-curve.ts';
import { type BinTable, nobody, oldGroup } from './bin-table.ts';
import { checksSeen, guardsSeen } from './checks-in-force.ts';
import { ClosedBins } from './closed-bins/closed-bins.ts';
import { readComponents, withComponents } from './components.ts';
import { explainConfounders, touches, withoutConfounded } from './confounders.ts';
import { explainCheck, explainLevels, explainVerdict } from './explain.ts';
import { explainPromise } from './explain-promise.ts';
import { judgeKayenta, resultOfKayenta, verdictOfKayenta } from './kayenta/index.ts';
import { alphaOf, mainShare, regionShare, regionsToJudge, routeShare } from './levels.ts';
import { dueLook, type LookPlan, passShareOfLook, planLooks, shareOfLook, updatingShare } from './looks.ts';
import { type CheckData, type Evidence, priorSpreadOf, readCheck, readRoutes, weigh } from './measured-check.ts';
import { countsMilliseconds, isAlone } from './plain-check.ts';
import type { AgeCurve, JudgeMemory, Judgement, JudgePlan, RolloutCurve } from './port.ts';
import { promisedPower } from './promise.ts';
import { countedBy, tellRoutes } from './routes.ts';

/** What the judge keeps of one phase; plain JSON. */
interface PhaseMemory {
  /** Ages at which looks were used, while tasks were being updated and after. */
  readonly used: { readonly updating: number; readonly baking: number };
  /** Share of the phase's α that looks while updating have spent; what is left is for those after. */
  readonly spentUpdating: number;
  /** Verdict per check at the last look; a failure stays. */
  readonly verdicts: Readonly<Record<string, Verdict>>;
  /** Of a failure that was found in a part of all: in which. */
  readonly failedIn?: Readonly<Record<string, string>>;
  /** Checks that had data on new tasks. */
  readonly hadData: readonly string[];
}

const emptyPhase: PhaseMemory = { used: { updating: 0, baking: 0 }, spentUpdating: 0, verdicts: {}, hadData: [] };
/** Bins over which looks while updating are planned. */
const plannedUpdating = 40;
/** Of a phase's α at one look: what the power in a verdict is reckoned with. */
const typicalShare = 0.1;
/** Chance of passing a version that is worse by the margin, per phase. */
const passAlpha = 0.05;
/** Bins without a reading after which a metric of a warm task counts as gone. */
const goneAfterBins = 6;

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
  const { checks, table, data } = readAll(plan, closed, closedUntil(plan, nowMs));
  const judged = judgeTable(plan, checks, table, data, memory, nowMs, standard, isHeard(plan, closed, table));
  const left = explainConfounders(plan.confounders ?? [], plan.phaseStartedAtMs, nowMs);
  return withNeighbours(left === '' ? judged : withSentence(judged, `${judged.verdict.sentence}${left}`), plan);
}

function withSentence(judgement: Judgement, sentence: string): Judgement {
  return { ...judgement, verdict: { ...judgement.verdict, sentence } };
}

/** Damage elsewhere stops a rollout too, as far as its check is trusted to (H9). None of it is needed to pass. */
function withNeighbours(judgement: Judgement, { neighbours = [] }: JudgePlan): Judgement {
  if (neighbours.length === 0) return judgement;
  const { verdict, holds = [] } = judgement;
  const failing = (trust: CheckSpec['trust']) =>
    neighbours.flatMap((one) => (one.trust === trust ? one.results.filter((result) => result.verdict === 'fail') : []));
  const [first] = failing('revert');
  const isNew = verdict.verdict !== 'fail' && first !== undefined;
  const all = [...verdict.perCheck, ...neighbours.flatMap(({ results }) => results)];
  return {
    ...judgement,
    holds: [...holds, ...failing('hold').map(({ sentence }) => sentence)],
    verdict: {
      ...verdict,
      ...(isNew && { verdict: 'fail' as const, sentence: first.sentence }),
      perCheck: all.sort((a, b) => rank(a.verdict) - rank(b.verdict)),
    },
  };
}

/** A bin closes two bins late; one more for the way here. What is not there by then is missing. */
function closedUntil({ spec: { binMs } }: JudgePlan, nowMs: number): number {
  return (Math.floor(nowMs / binMs) - 3) * binMs;
}

/**
 * Whether anything at all was read of new tasks lately. If not, their agent or its line is silent, and a metric that
 * is missing says nothing of the version.
 */
function isHeard(plan: JudgePlan, closed: ClosedBins, table: BinTable): boolean {
  return closed.isHeard(plan.newVersion, (table.firstBin + table.bins - goneAfterBins) * plan.spec.binMs);
}

function readAll(plan: JudgePlan, closed: ClosedBins, untilMs = 0) {
  const span = closed.span();
  const toMs = Math.max(closed.isEmpty ? 0 : untilMs, span?.toMs ?? 0);
  // Where nothing is left but what has become coarse, there is no bin to look at.
  const whole = closed.table(plan, Math.min(span?.fromMs ?? toMs, toMs), toMs);
  const table = withoutConfounded(whole, plan.confounders ?? []);
  const seen = closed.metrics();
  const own = checksSeen(plan.spec, seen);
  const all = [...own, ...guardsSeen(plan.spec, own, seen)];
  // In a first deployment there is nobody to compare with: only what is held against a limit of its own.
  const checks = plan.oldVersions?.length === 0 ? all.filter(isAlone) : all;
  const hasSpans = seen.some(({ metric }) => metric === spanMetric);
  const readOne = (check: CheckSpec): CheckData | undefined => {
    const one = readCheck(table, closed, check);
    if (!one) return undefined;
    // Samples are gone through only where there may be routes or spans, and only when they are looked at.
    const counted = countedBy(check);
    const hasRoutes = seen.some(({ metric, labels }) => metric === counted && tellRoutes(labels));
    const routes = () => readRoutes(table, closed.samplesOf(counted!), check, plan.newVersion);
    const components = () => readComponents(table, closed.samplesOf(spanMetric), check);
    return { ...one, ...(hasRoutes && { routes }), ...(hasSpans && { components }) };
  };
  const data = new Map(checks.map((check) => [check.name, readOne(check)]));
  return { checks, table, data };
}

/** What a rollout that ended well teaches about restarts: one curve per check, to be kept with the service. */
export function learnCurves(
  plan: JudgePlan,
  closed: ClosedBins,
  options: CurveOptions = {},
): Record<string, RolloutCurve> {
  const { table, data } = readAll(plan, closed);
  const curves: Record<string, RolloutCurve> = {};
  for (const [name, one] of data) {
    const curve = one && !one.kayenta && curveOf(table, one.measure, options);
    if (curve) curves[name] = curve;
  }
  return curves;
}

/** Parts of the method that the bench switches off, to show what each is good for. */
export interface JudgeOptions {
  readonly planLooks: (plannedAge: number) => LookPlan;
  readonly leaveOneOut: boolean;
  readonly regions: boolean;
}
export const standard: JudgeOptions = { planLooks, leaveOneOut: true, regions: true };

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
  // A phase that is tried again, after a person resumed it, is judged anew.
  const phaseKey = `${plan.phase}@${plan.phaseStartedAtMs}`;
  const phases = (memory?.state.phases ?? {}) as Readonly<Record<string, PhaseMemory>>;
  const before = phases[phaseKey] ?? emptyPhase;
  const look = findLook(plan, table, before, nowMs, options);
  const canWait = look?.isEnd !== true;
  const perCheck: CheckResult[] = [];
  const verdicts: Record<string, Verdict> = { ...before.verdicts };
  const hadData = new Set(before.hadData);
  const missing: string[] = [];
  const failedIn: Record<string, string> = { ...before.failedIn };
  let measured = false;
  let powerReached = true;
  let spent = 0;

  for (const check of checks) {
    const one = data.get(check.name);
    if ('kayenta' in check.metric) {
      const spec = check.metric.kayenta;
      const judged = one?.kayenta && judgeKayenta(spec, one.kayenta, check);
      const hasScore = judged?.score.score !== undefined;
      if (hasScore) {
        hadData.add(check.name);
        measured = true;
      } else missing.push(check.name);
      // Bins close some seconds late: when the bake is over, the look planned for its end may never come. This method
      // has no α to keep, so it may decide without one.
      const isOver = plan.updatedAtMs !== undefined && nowMs >= plan.deadlineAtMs;
      if ((look || isOver) && before.verdicts[check.name] !== 'fail')
        verdicts[check.name] = judged ? verdictOfKayenta(judged, spec, isOver || look?.isEnd === true) : 'undecided';
      perCheck.push(resultOfKayenta(check, judged, verdicts[check.name] ?? 'undecided'));
      continue;
    }
    const alpha = alphaOf(check, { checks, alpha: plan.spec.alpha, phases: plan.phases });
    const presence = one ? presenceOf(plan, table, one) : noPresence;
    if (presence.onNew) hadData.add(check.name);
    const isGone = presence.isDue && !presence.onNew && (presence.onOld || hadData.has(check.name));
    if ((!one || isGone) && !check.guard) missing.push(check.name);
    const weighed = one
      ? weigh(table, one, {
          ...{ ageCurve: curveFor(plan, one), leaveOneOut: options.leaveOneOut, canWait },
          season: plan.seasons?.[check.name],
        })
      : undefined;
    const evidence = weighed && weighed.newEvents >= check.minSamples ? weighed : undefined;
    if (evidence && !check.guard) measured = true;
    if (!check.guard && !isPromiseKept(plan, check, evidence, presence.traffic)) powerReached = false;
    if (look && evidence && !isGone) {
      const level = alpha * look.share;
      spent += level;
      const latched = before.verdicts[check.name] === 'fail';
      const decided = latched ? undefined : decide(plan, table, one!, evidence, level, look, options);
      verdicts[check.name] = decided?.verdict ?? 'fail';
      if (decided?.failedIn !== undefined) failedIn[check.name] = decided.failedIn;
    } else if (look && before.verdicts[check.name] !== 'fail') verdicts[check.name] = 'undecided';
    // A required metric that only the new version lost fails it; when nothing at all is heard of its tasks, or of the
    // old ones either, nobody can tell: undecided, and the phase holds.
    const isItsFault = check.required && isNewHeard && presence.onOldNow;
    if (isGone) verdicts[check.name] = isItsFault || before.verdicts[check.name] === 'fail' ? 'fail' : 'undecided';
    // What failed in a part is told of that part, for as long as the failure stays.
    const where = verdicts[check.name] === 'fail' && !isGone ? failedIn[check.name] : undefined;
    const view =
      one && where !== undefined
        ? partsOf(plan, table, one, options, canWait).find(({ name }) => name === where)
        : undefined;
    const shown = view?.evidence() ?? evidence;
    const word = verdicts[check.name] ?? 'undecided';
    const result = withComponents(resultOf(check, shown, word, alpha * typicalShare, table, isGone), check, one);
    perCheck.push(
      view && shown !== evidence
        ? { ...result, view: view.name, sentence: `${capital(view.name)}: ${result.sentence}` }
        : result,
    );
  }

  const verdict = combine(checks, perCheck, measured, plan.spec.failShare);
  const guards = new Set(checks.flatMap(({ guard, name }) => (guard ? [name] : [])));
  const ordered = [...perCheck].sort(
    (a, b) => rank(a.verdict) - rank(b.verdict) || Number(guards.has(a.check)) - Number(guards.has(b.check)),
  );
  const lostData =
    missing.some((name) => hadData.has(name)) ||
    perCheck.some((r, i) => missing.includes(r.check) && checks[i]!.required && measured);
  const lookBin = table.firstBin + table.bins;
  const lookId = look
    ? `${plan.rollout}/${plan.phase}/${look.stage}-${look.age}`
    : `${plan.rollout}/${plan.phase}/bin-${lookBin}`;
  const phase: PhaseMemory = {
    used: look ? { ...before.used, [look.stage]: look.age } : before.used,
    spentUpdating: before.spentUpdating + (look?.stage === 'updating' ? look.share : 0),
    verdicts,
    ...(Object.keys(failedIn).length > 0 && { failedIn }),
    hadData: [...hadData].sort(),
  };
  const judgeVerdict: JudgeVerdict = {
    verdict,
    lookId,
    atMs: nowMs,
    perCheck: ordered,
    sentence: explainVerdict(verdict, ordered, guards),
  };
  return {
    verdict: judgeVerdict,
    memory: {
      looks: (memory?.looks ?? 0) + (look ? 1 : 0),
      alphaSpent: (memory?.alphaSpent ?? 0) + spent,
      lastLookAtMs: look ? nowMs : (memory?.lastLookAtMs ?? 0),
      state: { ...memory?.state, phases: { ...phases, [phaseKey]: phase } },
    },
    measured,
    missing,
    lostData,
    holds: perCheck.flatMap(({ check, verdict: word, sentence }) =>
      word === 'fail' && checks.find(({ name }) => name === check)?.trust === 'hold' ? [sentence] : [],
    ),
    powerReached: powerReached && measured,
    promised: plan.promise && explainPromise(plan.promise),
    guards: perCheck.flatMap((one) =>
      guards.has(one.check) && one.verdict !== 'fail' && one.newTasks > 0 ? one.check : [],
    ),
    cannotShow: plan.promise?.checks.flatMap((one) => (one.canShowMargin ? [] : [one.check])),
  };
}

/**
 * Whether a check has seen what was promised: the promised worsening, or little more, would be found with the promised
 * chance. Where nothing is known of before, at least half of the usual traffic must be there.
 */
function isPromiseKept(plan: JudgePlan, check: CheckSpec, evidence: Evidence | undefined, traffic: number): boolean {
  const promise = plan.promise?.checks.find((one) => one.check === check.name);
  if (!promise) return traffic >= 0.5;
  if (promise.smallest === undefined) return true;
  return evidence !== undefined && evidence.powerFor(promise.smallest * promiseSlack, promise.level) >= promisedPower;
}

/**
 * How much larger than promised the worsening may be that is found: spreads are estimates of few tasks. Measured:
 * docs/judge.md, "Promises".
 */
const promiseSlack = 2;

function rank(verdict: Verdict): number {
  return verdict === 'fail' ? 0 : verdict === 'undecided' ? 1 : 2;
}

interface Look {
  readonly stage: 'updating' | 'baking';
  readonly age: number;
  /** Of the phase's α. */
  readonly share: number;
  /** Of the chance of passing wrongly. */
  readonly passShare: number;
  /** The planned bake ends with it. */
  readonly isEnd: boolean;
}

/** Which planned look is due, if any: ages count usable bins, from the phase's start, or from its last update. */
function findLook(
  plan: JudgePlan,
  table: BinTable,
  memory: PhaseMemory,
  nowMs: number,
  options: JudgeOptions,
): Look | undefined {
  const { binMs, warmupMs } = plan.spec;
  const warmupBins = Math.max(1, Math.ceil(warmupMs / binMs));
  const end = table.firstBin + table.bins;
  const stage = plan.updatedAtMs !== undefined && plan.updatedAtMs < end * binMs ? 'baking' : 'updating';
  const startMs = stage === 'baking' ? plan.updatedAtMs! : plan.phaseStartedAtMs;
  const age = end - Math.ceil(startMs / binMs) - warmupBins;
  // How long updating takes nobody knows beforehand.
  const bakeBins = Math.floor((plan.deadlineAtMs - startMs) / binMs) - warmupBins;
  const looks = options.planLooks(stage === 'baking' ? bakeBins : plannedUpdating);
  // Bins close some seconds late. The phase ends with the first judgement after its bake: the look that stands at the
  // end is taken then, on the bins there are.
  const isOver = stage === 'baking' && nowMs >= plan.deadlineAtMs && age >= 1;
  const due = dueLook(looks, isOver ? Math.max(age, looks.ages[looks.last]!) : age, memory.used[stage]);
  if (due === undefined) return undefined;
  const share = shareOfLook(looks, due);
  const part = stage === 'baking' ? 1 - memory.spentUpdating : updatingShare;
  const isEnd = stage === 'baking' && due >= looks.ages[looks.last]!;
  const passShare = stage === 'baking' ? passShareOfLook(looks, due) : share;
  return { stage, age: due, share: share * part, passShare, isEnd };
}

function curveFor(plan: JudgePlan, { check, latency }: CheckData): AgeCurve | undefined {
  const past = plan.pastCurves?.flatMap((curves) => curves[check.name] ?? []) ?? [];
  return plan.ageCurves?.[check.name] ?? combineCurves(past, priorSpreadOf(check, latency));
}

interface Decided {
  readonly verdict: Verdict;
  /** Where it fails, if that is a part of all: `route /checkout`, `region eu`. */
  readonly failedIn?: string | undefined;
}

function decide(
  plan: JudgePlan,
  table: BinTable,
  data: CheckData,
  evidence: Evidence,
  level: number,
  { passShare, isEnd }: Look,
  options: JudgeOptions,
): Decided {
  const isHarm = (seen: Evidence, chance: number) =>
    seen.chanceIfHarmless <= chance && seen.estimate > leastHarm(data.check);
  const parts = partsOf(plan, table, data, options, !isEnd);
  const [regions, routes] = [false, true].map((isRoute) => parts.filter((one) => one.isRoute === isRoute).length);
  if (isHarm(evidence, level * mainShare(regions!, routes!))) return { verdict: 'fail' };
  for (const { name, evidence: of, share } of parts) {
    const part = of();
    if (part && isHarm(part, level * share)) return { verdict: 'fail', failedIn: name };
  }
  return { verdict: evidence.chanceIfHarmful <= passAlpha * passShare ? 'pass' : 'undecided' };
}

interface Part {
  readonly name: string;
  readonly isRoute: boolean;
  /** Of the chance of error that its check has at a look. */
  readonly share: number;
  /** Undefined: too little is seen of it. */
  readonly evidence: () => Evidence | undefined;
}

/** What is judged by itself beside all together: regions, then routes. */
function partsOf(
  plan: JudgePlan,
  table: BinTable,
  data: CheckData,
  { regions, leaveOneOut }: JudgeOptions,
  canWait: boolean,
): Part[] {
  const ofRegions = (regions ? regionsToJudge(table, data.measure) : []).map((domain): Part => {
    const evidence = () => {
      const seen = weigh(table, data, { ageCurve: curveFor(plan, data), domain, leaveOneOut, canWait });
      return seen && seen.source.newTasks >= 2 ? seen : undefined;
    };
    const name = `region ${table.domainNames?.[domain] ?? domain}`;
    return { name, isRoute: false, share: regionShare / table.domains, evidence };
  });
  const routes = data.routes?.() ?? [];
  const ofRoutes = routes.map(({ route, data: own }): Part => {
    const evidence = () => weigh(table, own, { ageCurve: curveFor(plan, own), leaveOneOut, canWait });
    return { name: `${route.label} ${route.value}`, isRoute: true, share: routeShare / routes.length, evidence };
  });
  return [...ofRegions, ...ofRoutes];
}

const noPresence = { onOld: false, onOldNow: false, onNew: false, isDue: false, traffic: 1 };

/** Where a check's metric is present, and whether it ought to be. */
function presenceOf(plan: JudgePlan, table: BinTable, { measure }: CheckData) {
  const cells = measure.kind === 'counts' ? measure.exposure : measure.values;
  const isAmount = measure.kind === 'counts';
  const { bins, group } = table;
  let [onOld, onOldNow, onNew] = [false, false, false];
  let [oldAmount, oldBins, newAmount, newBins] = [0, 0, 0, 0];
  for (let row = 0; row < table.tasks.length; row += 1) {
    const end = (row + 1) * bins;
    const nowFrom = end - goneAfterBins;
    for (let at = row * bins; at < end; at += 1) {
      const whose = group[at]!;
      if (whose === nobody) continue;
      const cell = cells[at]!;
      const isThere = !Number.isNaN(cell);
      if (whose === oldGroup) {
        oldBins += 1;
        if (!isThere) continue;
        oldAmount += isAmount ? cell : 1;
        onOld = true;
        if (at >= nowFrom) onOldNow = true;
      } else {
        newBins += 1;
        if (!isThere) continue;
        newAmount += isAmount ? cell : 1;
        if (at >= nowFrom) onNew = true;
      }
    }
  }
  const { binMs, warmupMs } = plan.spec;
  const end = (table.firstBin + table.bins) * binMs;
  // Nothing can have vanished before it was looked at for that long.
  // While something else is to blame nothing is expected to be there.
  const isLongWatched =
    table.bins >= goneAfterBins + 2 && !touches(plan.confounders ?? [], end - goneAfterBins * binMs, end);
  const isDue =
    isLongWatched &&
    plan.updates.some(
      ({ servingAtMs }) => servingAtMs !== undefined && servingAtMs + warmupMs + (goneAfterBins + 2) * binMs <= end,
    );
  const usual = oldBins > 0 ? oldAmount / oldBins : 0;
  const seen = newBins > 0 ? newAmount / newBins : 0;
  return { onOld, onOldNow, onNew, isDue, traffic: usual > 0 ? seen / usual : 1 };
}

/** Harm below this is none. */
function leastHarm({ against, delta, limit }: CheckSpec): number {
  if (against === 'limit') return 0;
  return against === 'trend' ? (limit ?? 0) : delta;
}

/** One failing critical check fails; others fail together when so much of their weight does. `observe` never counts. */
export function combine(
  checks: readonly CheckSpec[],
  results: readonly CheckResult[],
  measured: boolean,
  failShare: number,
): Verdict {
  const counted = checks.flatMap((check, i) =>
    check.trust === 'observe' ? [] : [{ check, verdict: results[i]!.verdict }],
  );
  const failing = counted.filter(({ verdict, check }) => verdict === 'fail' && check.trust === 'revert');
  if (failing.some(({ check }) => check.critical)) return 'fail';
  const failed = failing.filter(({ check }) => !check.guard);
  const asked = counted.filter(({ check }) => !check.guard);
  const weightIn = (list: readonly { readonly check: CheckSpec }[]) =>
    list.reduce((sum, { check }) => sum + check.weight, 0);
  if (failed.length > 0 && weightIn(failed) >= failShare * weightIn(asked) * (1 - 1e-9)) return 'fail';
  const isPass = measured && asked.length > 0 && asked.every(({ verdict }) => verdict === 'pass');
  return isPass ? 'pass' : 'undecided';
}

function resultOf(
  check: CheckSpec,
  evidence: Evidence | undefined,
  verdict: Verdict,
  level: number,
  table: BinTable,
  isGone: boolean,
): CheckResult {
  const held = check.against === 'limit' ? 0 : check.against === 'trend' ? (check.limit ?? 0) : undefined;
  const { against } = check;
  const base = { check: check.name, verdict, against, delta: held ?? check.delta, margin: held ?? check.margin };
  if (!evidence || isGone) {
    const sentence = isGone
      ? `The metric of ${check.name} is there on old tasks and missing on new ones.`
      : `${check.name} has no data to compare yet.`;
    return {
      ...base,
      estimate: undefined,
      interval: undefined,
      oldLevel: undefined,
      newLevel: undefined,
      oldTasks: 0,
      newTasks: 0,
      newEvents: 0,
      power: undefined,
      sentence,
      drivers: [],
    };
  }
  const { source } = evidence;
  const power = evidence.powerAt(level);
  const inSeconds = 'latency' in check.metric && !countsMilliseconds(check.metric.latency.histogram);
  return {
    ...base,
    estimate: finite(evidence.estimate),
    interval: [bounded(evidence.interval[0]), bounded(evidence.interval[1])],
    shareInterval: evidence.shareInterval && [bounded(evidence.shareInterval[0]), bounded(evidence.shareInterval[1])],
    levelsNote: explainLevels(check, evidence),
    oldLevel: finite(evidence.oldLevel),
    newLevel: finite(evidence.newLevel),
    oldTasks: source.oldTasks,
    newTasks: source.newTasks,
    newEvents: evidence.newEvents,
    power: finite(power),
    sentence: explainCheck(check, evidence, verdict, power, inSeconds),
    drivers: source.drivers.map((row) => table.tasks[row]!),
  };
}

function capital(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}`;
}

function finite(value: number): number | undefined {
  return Number.isFinite(value) ? value : undefined;
}
/** An interval that is open on one side, as a number that JSON and a chart can carry. */
function bounded(value: number): number {
  return Math.max(-1, Math.min(1e6, value));
}

import type { CheckResult, CheckSpec, Verdict } from '../model/index.ts';
import { grouped, levelInWords, limitOf, nameOfMetric, occasionsOf, outcomeOf } from './plain-check.ts';
import { isTolerated, toleratedRatio } from './weigh/counts.ts';
import type { Evidence } from './weigh/evidence.ts';

/** One sentence for people: what was seen, how sure it is, what it was held against, from how much. */
export function explainCheck(
  check: CheckSpec,
  evidence: Evidence,
  verdict: Verdict,
  power: number,
  seconds: boolean,
): string {
  if (check.against === 'limit') return explainLimit(check, evidence, seconds);
  if (check.against === 'trend') return explainTrend(check, evidence);
  if ('incidents' in check.metric) return explainIncidents(check, evidence);
  const { estimate, interval, oldLevel, newLevel, newEvents, source } = evidence;
  const tasks = `${source.newTasks} ${source.newTasks === 1 ? 'task' : 'tasks'}`;
  const amount =
    source.kind === 'counts' ? `${thousands(newEvents)} ${occasionsOf(check)}` : `${thousands(newEvents)} readings`;
  const bounds = `95 % interval ${percent(interval[0])} to ${percent(interval[1])}`;
  const isSmall = source.kind === 'counts' && isTolerated(check, source);
  const margin = isSmall ? `${share(toleratedRatio)} of all requests` : percent(check.margin);
  const limits = verdict === 'pass' ? `margin ${margin}` : `limit ${percent(check.delta)}`;
  const tail = `${bounds}; ${limits}; ${tasks}, ${amount}`;
  const direction = estimate >= 0 === (check.worse === 'higher') ? 'higher' : 'lower';
  const size = percent(Math.abs(estimate));
  const difference = size === '0 %' ? 'less than 0.1 %' : size;
  const isTiny = 'errorRatio' in check.metric && oldLevel < 0.0005;
  let fact: string;
  if ('errorRatio' in check.metric) {
    const compared = isTiny ? '' : `: ${difference} ${direction}`;
    fact = `${share(newLevel)} of the ${occasionsOf(check)} to new tasks ${outcomeOf(check)}, ${share(oldLevel)} of those to old tasks${compared}`;
  } else if ('latency' in check.metric) {
    const name = `p${Number((check.metric.latency.quantile * 100).toPrecision(6))}`;
    const levels = `${duration(newLevel, seconds)} against ${duration(oldLevel, seconds)}`;
    fact = `${name} of the new tasks is ${difference} ${direction} than that of old tasks in the same bins (${levels})`;
  } else {
    const levels = check.guard ? ` (${levelInWords(check, newLevel)} against ${levelInWords(check, oldLevel)})` : '';
    const others = source.oldTasks === 0 ? 'before their update' : 'that of old tasks';
    fact = `${nameOfMetric(check)} of the new tasks is ${difference} ${direction} than ${others}${levels}`;
  }
  const note = explainLevels(check, evidence);
  if (note !== undefined) fact = `${fact} (${note})`;
  if (source.season) fact = `${fact}, less what this time of the ${source.season.season} does by itself`;
  const numbers = isTiny ? `${tasks}, ${amount}` : tail;
  if (verdict !== 'undecided' || check.guard) return `${fact}; ${numbers}.`;
  if (evidence.isStart && estimate > check.delta)
    return `${fact}; ${numbers}. It may be how they start, which falls or is too young to tell: until three rollouts have shown what a start does, only gross harm is held against it.`;
  return `${fact}; ${numbers}. That is not enough to tell: harm at the margin of ${margin} would have been found with ${percent(power)} chance.`;
}

/**
 * The difference is adjusted: for what these tasks were like before, for their regions and minutes, and for what a
 * restart does. So the two levels may point the other way, or elsewhere; then this says why.
 */
export function explainLevels(
  check: CheckSpec,
  { estimate, oldLevel, newLevel, source }: Evidence,
): string | undefined {
  if (check.against === 'limit' || check.against === 'trend' || check.guard) return undefined;
  if (!(oldLevel > 0) || !Number.isFinite(newLevel)) return undefined;
  if ('errorRatio' in check.metric && Math.max(oldLevel, newLevel) < 0.0005) return undefined;
  const raw = (newLevel / oldLevel - 1) * (check.worse === 'higher' ? 1 : -1);
  const isOpposite = raw * estimate < 0 && Math.abs(raw) > 0.01 && Math.abs(estimate) > 0.01;
  const isElsewhere = Math.abs(raw - estimate) > Math.max(0.1, Math.abs(estimate));
  if (!isOpposite && !isElsewhere) return undefined;
  const word = raw >= 0 === (check.worse === 'higher') ? 'higher' : 'lower';
  const who = source.newTasks === 1 ? 'this task differed' : 'these tasks differed';
  return `the levels alone are ${percent(Math.abs(raw))} ${word}: ${who} before the update, or restarts and regions explain it`;
}

/** `1.2 % of the requests to new tasks failed; limit 1 %; 12 tasks, 41,000 requests.` */
function explainLimit(check: CheckSpec, { source, newLevel, interval }: Evidence, seconds: boolean): string {
  const tasks = `${source.newTasks} ${source.newTasks === 1 ? 'task' : 'tasks'}`;
  const limit = limitOf(check);
  if (source.kind === 'counts') {
    const amount = `${tasks}, ${thousands(source.newExposure)} requests`;
    const bounds = (base: number) => `95 % interval ${interval.map((x) => share((1 + x) * base)).join(' to ')}`;
    if ('latency' in check.metric) {
      const { quantile } = check.metric.latency;
      const slow = `${share(newLevel)} of the requests to new tasks took longer than ${duration(limit, seconds)}`;
      return `${slow}; ${share(1 - quantile)} may; ${bounds(1 - quantile)}; ${amount}.`;
    }
    return `${share(newLevel)} of the requests to new tasks failed; limit ${share(limit)}; ${bounds(limit)}; ${amount}.`;
  }
  const name = nameOfMetric(check);
  const number = (value: number) => grouped(String(Number(value.toPrecision(3))));
  const [low, high] = interval.map((x) => limit + x * Math.abs(limit) * (check.worse === 'higher' ? 1 : -1)) as [
    number,
    number,
  ];
  const range = `95 % interval ${number(Math.min(low, high))} to ${number(Math.max(low, high))}`;
  return `${name} of the new tasks is ${number(newLevel)}; limit ${number(limit)}; ${range}; ${tasks}, ${thousands(source.newBins)} readings.`;
}

/** `7 restarts of new tasks in 5 minutes of 3 tasks; of old ones 1 in 40 minutes.` */
function explainIncidents(check: CheckSpec, { source }: Evidence): string {
  if (source.kind !== 'counts') return check.name;
  const minutes = (value: number) => `${grouped(String(Number(value.toPrecision(2))))} minutes`;
  const tasks = `${source.newTasks} ${source.newTasks === 1 ? 'task' : 'tasks'}`;
  const fresh = `${thousands(source.newEvents)} ${nameOfMetric(check)} of new tasks (${tasks}, ${minutes(source.newExposure)} in all)`;
  return `${fresh}; ${thousands(source.oldEvents)} of old ones in ${minutes(source.oldExposure)}.`;
}

function explainTrend(check: CheckSpec, { source, estimate, interval }: Evidence): string {
  const name = nameOfMetric(check);
  const [grows, peers] = [
    check.worse === 'higher' ? 'grows' : 'falls',
    source.oldTasks >= 3 ? ' more than that of old tasks' : '',
  ];
  const range = `95 % interval ${percent(interval[0])} to ${percent(interval[1])}; limit ${percent(check.limit ?? 0)}`;
  return `${name} of the new tasks ${grows} by ${percent(estimate)} an hour${peers}; ${range}; ${source.newTasks} ${source.newTasks === 1 ? 'task' : 'tasks'}.`;
}

/** The verdict in one sentence: of a failure the check that shows it most, else what all have in common. */
export function explainVerdict(
  verdict: Verdict,
  all: readonly CheckResult[],
  guards: ReadonlySet<string> = new Set(),
): string {
  const results = all.filter(({ check }) => !guards.has(check));
  const of = (wanted: Verdict) => results.filter((result) => result.verdict === wanted);
  const worst = all.find((result) => result.verdict === 'fail');
  if (verdict === 'fail' && worst) return worst.sentence;
  const looked = all.filter(({ check, newTasks }) => guards.has(check) && newTasks > 0).map(({ check }) => check);
  if (results.length === 0 && looked.length > 0)
    return `There is nothing to compare but what the fleet sees by itself (${looked.join(', ')}): basic checks only.`;
  if (results.length === 0) return 'There is nothing to compare: basic checks only.';
  if (verdict === 'pass') {
    const names = results.map(({ check }) => check).join(', ');
    return results.length === 1
      ? results[0]!.sentence
      : `${results.length} checks pass (${names}). ${results[0]!.sentence}`;
  }
  if (worst) return `${worst.check} fails, which does not stop the phase alone: ${worst.sentence}`;
  const open = of('undecided')[0];
  return open ? `${open.check}: ${open.sentence}` : 'Undecided.';
}

export function percent(value: number): string {
  if (!Number.isFinite(value)) return value > 0 ? 'any' : 'none';
  const number = value * 100;
  if (Math.abs(number) >= 1e5) return 'more than 100,000 %';
  const digits = Math.abs(number) >= 10 || number === 0 ? 0 : 1;
  return `${grouped(number.toFixed(digits)).replace(/\.0$/, '')} %`;
}

export function share(value: number): string {
  if (!Number.isFinite(value) || value === 0) return 'none';
  return `${Number((value * 100).toPrecision(2))} %`;
}

function duration(value: number, seconds: boolean): string {
  if (!Number.isFinite(value)) return 'unknown';
  const ms = seconds ? value * 1000 : value;
  return ms >= 1000 ? `${Number((ms / 1000).toPrecision(3))} s` : `${Number(ms.toPrecision(3))} ms`;
}

function thousands(value: number): string {
  return grouped(String(Math.round(value)));
}

import type { CheckSpec, Verdict } from '../../model/index.ts';
import { percent, share } from '../explain.ts';
import { countsMilliseconds, levelInWords, nameOfMetric, occasionsOf, outcomeOf } from '../plain-check.ts';
import type { WatchEvidence } from './compare-watch.ts';

interface Numbers {
  readonly estimate: number;
  readonly low: number;
  readonly high: number;
  readonly power: number | undefined;
  readonly verdict: Verdict;
  readonly delta: number;
  readonly margin: number;
}

/** `memory is 34 % higher than before the release (500 against 373); by itself it changes by about 4 %; …` */
export function explainWatch(check: CheckSpec, evidence: WatchEvidence, numbers: Numbers): string {
  const { estimate, low, high, power, verdict, delta, margin } = numbers;
  const level = (value: number) => levelOf(check, value);
  const levels = `${level(evidence.nowLevel)} against ${level(evidence.baseLevel)}`;
  const word = estimate >= 0 === (check.worse === 'higher') ? 'higher' : 'lower';
  const held = check.against === 'limit' ? 'than its limit' : 'than before the release';
  // What never happened has no ratio worth telling: what could be hidden behind it is the interval's to say.
  const isNone = evidence.nowLevel === 0 && evidence.baseLevel === 0 && check.against !== 'limit';
  const fact = isNone
    ? `${nameOf(check)} is as before the release (${levels})`
    : `${nameOf(check)} is ${percent(Math.abs(estimate))} ${word} ${held} (${levels})`;
  const itself =
    evidence.windows === 0
      ? 'how it changes by itself is not known yet'
      : `by itself it changes by about ${percent(evidence.deviation)}${seasonOf(evidence)}`;
  const interval = `95 % interval ${percent(low)} to ${percent(high)}`;
  const limit = verdict === 'pass' ? `margin ${percent(margin)}` : `limit ${percent(delta)}`;
  const amount = `${evidence.tasks} ${evidence.tasks === 1 ? 'task' : 'tasks'}`;
  const said = `${fact}; ${itself}; ${interval}; ${limit}; ${amount}.`;
  if (verdict !== 'undecided' || check.against === 'limit' || power === undefined) return said;
  return `${said} Harm at the margin of ${percent(margin)} would have been found with ${percent(power)} chance.`;
}

function seasonOf({ season }: WatchEvidence): string {
  if (season === undefined) return '';
  return season === 'day' ? ' from one day to the next' : ' from one week to the next';
}

function nameOf(check: CheckSpec): string {
  const { metric } = check;
  if ('errorRatio' in metric) {
    const outcome = outcomeOf(check);
    const occasions = occasionsOf(check);
    return outcome === 'failed' ? `The share of failed ${occasions}` : `The share of ${occasions} that ${outcome}`;
  }
  if ('latency' in metric) return `p${Number((metric.latency.quantile * 100).toPrecision(6))}`;
  return nameOfMetric(check);
}

function levelOf(check: CheckSpec, value: number): string {
  const { metric } = check;
  if ('errorRatio' in metric) return share(value);
  if ('latency' in metric) {
    const ms = countsMilliseconds(metric.latency.histogram) ? value : value * 1000;
    return ms >= 1000 ? `${Number((ms / 1000).toPrecision(3))} s` : `${Number(ms.toPrecision(3))} ms`;
  }
  return levelInWords(check, value);
}

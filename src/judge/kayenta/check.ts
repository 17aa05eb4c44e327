import type { CheckResult, CheckSpec, KayentaSpec, Verdict } from '../../model/index.ts';
import { type BinTable, newGroup, nobody } from '../bin-table.ts';
import { quantileOf } from '../latency.ts';
import { measureErrors, measureHistograms, measureValues, type Source } from '../measures.ts';
import { classify } from './classify.ts';
import { type KayentaScore, scoreOf } from './score.ts';

/** One number per bin of new tasks together and of old ones, since the first new task is warm; NaN: nothing was read. */
export interface KayentaSeries {
  readonly canary: readonly number[];
  readonly control: readonly number[];
}

/** Of so few bins every interval is so wide that everything would pass. */
const fewestBins = 8;
/** What its authors advise for each metric; of less the sentence warns. */
const advisedBins = 50;

/** Reads each metric of a canary configuration, in its order. */
export function readKayenta(table: BinTable, samples: Source, { metrics }: KayentaSpec): KayentaSeries[] {
  const since = table.newSince.reduce((least, bin) => Math.min(least, bin), table.bins);
  return metrics.map(({ of }) => {
    const level = levelPerBin(table, samples, of);
    const bins = Array.from({ length: table.bins - since }, (_, i) => since + i);
    return { canary: bins.map((bin) => level(bin, true)), control: bins.map((bin) => level(bin, false)) };
  });
}

type LevelOf = (bin: number, isNew: boolean) => number;

/** What a group as a whole had in a bin: the mean of its tasks, of failures and latencies that of its requests. */
function levelPerBin(table: BinTable, samples: Source, of: KayentaSpec['metrics'][number]['of']): LevelOf {
  const cellsOf = (bin: number, isNew: boolean): number[] => {
    const found: number[] = [];
    for (let row = 0; row < table.tasks.length; row += 1) {
      const at = row * table.bins + bin;
      if (table.group[at] !== nobody && (table.group[at] === newGroup) === isNew) found.push(at);
    }
    return found;
  };
  if ('errorRatio' in of) {
    const { events, exposure } = measureErrors(table, samples, of.errorRatio);
    return (bin, isNew) => {
      const read = cellsOf(bin, isNew).filter((at) => !Number.isNaN(exposure[at]!));
      return read.reduce((sum, at) => sum + events[at]!, 0) / read.reduce((sum, at) => sum + exposure[at]!, 0);
    };
  }
  if ('latency' in of) {
    const { bounds, counts } = measureHistograms(table, samples, of.latency.histogram);
    return (bin, isNew) => {
      const sums = new Float64Array(bounds.length);
      for (const at of cellsOf(bin, isNew)) {
        const first = at * bounds.length;
        if (Number.isNaN(counts[first]!)) continue;
        for (let i = 0; i < bounds.length; i += 1) sums[i]! += counts[first + i]!;
      }
      return quantileOf(bounds, sums, of.latency.quantile);
    };
  }
  const [name, kind] = 'gauge' in of ? ([of.gauge, 'gauge'] as const) : ([of.rate, 'rate'] as const);
  const { values } = measureValues(table, samples, name, kind);
  return (bin, isNew) => {
    const read = cellsOf(bin, isNew).filter((at) => !Number.isNaN(values[at]!));
    return read.reduce((sum, at) => sum + values[at]!, 0) / read.length;
  };
}

export interface KayentaJudged {
  readonly score: KayentaScore;
  /** Bins of the canary that had anything. */
  readonly bins: number;
  readonly isEnough: boolean;
}

export function judgeKayenta(
  spec: KayentaSpec,
  series: readonly KayentaSeries[],
  { minSamples }: Pick<CheckSpec, 'minSamples'>,
): KayentaJudged {
  const results = spec.metrics.map(({ outlierFactor, ...metric }, i) =>
    classify({ ...metric, outlierFactor: outlierFactor ?? undefined }, series[i]!.canary, series[i]!.control),
  );
  const bins = Math.max(0, ...series.map(({ canary }) => canary.filter((value) => !Number.isNaN(value)).length));
  return { score: scoreOf(spec, results), bins, isEnough: bins >= Math.max(fewestBins, minSamples) };
}

/** Below `marginal` it fails at any look; at the end of the bake whatever is not above `pass` does. */
export function verdictOfKayenta(
  { score: { score }, isEnough }: KayentaJudged,
  spec: KayentaSpec,
  isEnd: boolean,
): Verdict {
  if (score === undefined || !isEnough) return 'undecided';
  if (isEnd) return score >= spec.pass ? 'pass' : 'fail';
  return score < spec.marginal ? 'fail' : 'undecided';
}

export function resultOfKayenta(check: CheckSpec, judged: KayentaJudged | undefined, verdict: Verdict): CheckResult {
  const score = judged?.score.score;
  const nothing = { estimate: undefined, interval: undefined, oldLevel: undefined, power: undefined, drivers: [] };
  return {
    ...{ check: check.name, verdict, against: check.against, delta: check.delta, margin: check.margin, ...nothing },
    newLevel: score,
    ...{ oldTasks: 0, newTasks: 0, newEvents: judged?.bins ?? 0 },
    sentence: explainKayenta(judged, verdict),
  };
}

/** `Kayenta score 62 (pass 95, marginal 75): Fail. Not passed: latency.` */
function explainKayenta(judged: KayentaJudged | undefined, verdict: Verdict): string {
  if (!judged || judged.score.score === undefined) return 'Kayenta: no metric has data on new and old tasks yet.';
  const { score, bins, isEnough } = judged;
  const sentence = `Kayenta s${score.sentence.replace(/^Score (\S+)/, 'core $1').replace(/^A critical/, 'core 0: a critical')}`;
  if (!isEnough) return `${sentence} That is of ${bins} ${bins === 1 ? 'bin' : 'bins'} only: too few to decide.`;
  const warning = bins < advisedBins ? ` That is of ${bins} bins; ${advisedBins} are advised.` : '';
  return `${sentence}${verdict === 'undecided' ? ' It decides at the end of the bake.' : ''}${warning}`;
}

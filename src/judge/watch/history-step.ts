import { stableJson } from '../../kit/index.ts';
import type { CheckSpec, JudgeSpec, Sample } from '../../model/index.ts';
import { median } from '../../stats/index.ts';
import { type BinTable, nobody } from '../bin-table.ts';
import { checksInForce, guardsInForce } from '../checks-in-force.ts';
import { buildBinTable } from '../closed-bins/closed-bins.ts';
import { quantileOf } from '../latency.ts';
import { readCheck } from '../measured-check.ts';
import { type CountMeasure, measureHistograms, type ValueMeasure } from '../measures.ts';

/** What one check shows of a whole job in one step: events among occasions, or a level. */
export interface HistoryLevel {
  readonly tasks: number;
  /** Failed requests, and all of them, without the worst task. */
  readonly events?: number;
  readonly exposure?: number;
  /** In the metric's own unit: the median of the tasks. */
  readonly value?: number;
  /** The task that is furthest on the bad side. */
  readonly worst?: number;
}

/** A step of a job's past. Levels by `historyKey`: a check that is redefined begins anew. */
export interface HistoryStep {
  readonly fromMs: number;
  readonly toMs: number;
  /** A rollout or round had the job in it: its levels say nothing of any one version. */
  readonly busy: boolean;
  readonly levels: Readonly<Record<string, HistoryLevel>>;
}

export function historyKey({ name, metric }: CheckSpec): string {
  return `${name} ${stableJson(metric)}`;
}

/** Requests below which a task's own quantile says nothing. */
const fewestEvents = 30;

/**
 * The levels of one step, over all tasks that serve and are warm. The median of the tasks, and counts without the worst
 * one: a single ill host is no change of the version. `samples` begin at least a warm-up before the step.
 */
export function foldStep(
  spec: JudgeSpec,
  samples: readonly Sample[],
  { fromMs, toMs, busy }: Pick<HistoryStep, 'fromMs' | 'toMs' | 'busy'>,
): HistoryStep {
  const first = samples.reduce((least, sample) => Math.min(least, sample.fromMs), fromMs);
  const plan = { spec, newVersion: '' as never, oldVersions: undefined, updates: [] };
  const whole = buildBinTable(plan, samples, first, toMs);
  const table = onlyFrom(whole, Math.ceil(fromMs / spec.binMs) - whole.firstBin);
  const levels: Record<string, HistoryLevel> = {};
  for (const check of watchedChecks(spec, samples)) {
    const level = levelOf(table, samples, check);
    if (level !== undefined) levels[historyKey(check)] = level;
  }
  return { fromMs, toMs, busy, levels };
}

/** What a watch compares: the checks of the specification, and the guards on what the fleet sees by itself. */
export function watchedChecks(spec: JudgeSpec, samples: readonly Sample[]): readonly CheckSpec[] {
  const own = checksInForce(spec, samples);
  return [...own, ...guardsInForce(spec, own, samples)];
}

function onlyFrom(table: BinTable, from: number): BinTable {
  const group = Int8Array.from(table.group);
  for (let row = 0; row < table.tasks.length; row += 1) {
    group.fill(nobody, row * table.bins, row * table.bins + Math.max(0, Math.min(table.bins, from)));
  }
  return { ...table, group };
}

function levelOf(table: BinTable, samples: readonly Sample[], check: CheckSpec): HistoryLevel | undefined {
  const { metric } = check;
  if ('latency' in metric) return levelOfLatency(table, samples, metric.latency, check.worse);
  const data = readCheck(table, samples, check);
  if (data === undefined) return undefined;
  return data.measure.kind === 'counts'
    ? levelOfCounts(table, data.measure)
    : levelOfValues(table, data.measure, check.worse);
}

/** Over the bins that belong to somebody. */
export function levelOfCounts(table: BinTable, { events, exposure }: CountMeasure): HistoryLevel | undefined {
  const rows = table.tasks.map((index, row) => {
    const sum = { index, events: 0, exposure: 0 };
    for (let at = row * table.bins; at < (row + 1) * table.bins; at += 1) {
      if (table.group[at] === nobody || Number.isNaN(exposure[at]!)) continue;
      sum.events += events[at] || 0;
      sum.exposure += exposure[at]!;
    }
    return sum;
  });
  const seen = rows.filter((one) => one.exposure > 0);
  if (seen.length === 0) return undefined;
  const all = sumOf(seen);
  const rate = all.events / all.exposure;
  const excess = (one: (typeof seen)[number]) => one.events - rate * one.exposure;
  const worst = seen.reduce((a, b) => (excess(b) > excess(a) ? b : a));
  const counted = seen.length >= 3 ? sumOf(seen.filter((one) => one !== worst)) : all;
  return { tasks: seen.length, events: counted.events, exposure: counted.exposure, worst: worst.index };
}

function sumOf(rows: readonly { readonly events: number; readonly exposure: number }[]) {
  return rows.reduce((sum, one) => ({ events: sum.events + one.events, exposure: sum.exposure + one.exposure }), {
    events: 0,
    exposure: 0,
  });
}

export function levelOfValues(
  table: BinTable,
  { values }: ValueMeasure,
  worse: CheckSpec['worse'],
): HistoryLevel | undefined {
  const means = table.tasks.flatMap((index, row) => {
    let [sum, n] = [0, 0];
    for (let at = row * table.bins; at < (row + 1) * table.bins; at += 1) {
      if (table.group[at] === nobody || Number.isNaN(values[at]!)) continue;
      sum += values[at]!;
      n += 1;
    }
    return n === 0 ? [] : [{ index, value: sum / n }];
  });
  return middleOf(means, worse);
}

function middleOf(means: readonly { index: number; value: number }[], worse: CheckSpec['worse']) {
  if (means.length === 0) return undefined;
  const sign = worse === 'higher' ? 1 : -1;
  const worst = means.reduce((a, b) => (sign * b.value > sign * a.value ? b : a));
  return { tasks: means.length, value: median(means.map(({ value }) => value)), worst: worst.index };
}

/** Each task's own quantile where most have requests enough for one, else that of all together. */
function levelOfLatency(
  table: BinTable,
  samples: readonly Sample[],
  { histogram, quantile }: { readonly histogram: string; readonly quantile: number },
  worse: CheckSpec['worse'],
): HistoryLevel | undefined {
  const { bounds, counts } = measureHistograms(table, samples, histogram);
  const width = bounds.length;
  if (width < 2) return undefined;
  const all = new Float64Array(width);
  const own: { index: number; value: number }[] = [];
  let tasks = 0;
  for (const [row, index] of table.tasks.entries()) {
    const sum = new Float64Array(width);
    for (let at = row * table.bins; at < (row + 1) * table.bins; at += 1) {
      if (table.group[at] === nobody || Number.isNaN(counts[at * width]!)) continue;
      for (let i = 0; i < width; i += 1) sum[i]! += counts[at * width + i]!;
    }
    const total = sum.reduce((a, b) => a + b, 0);
    if (total === 0) continue;
    tasks += 1;
    for (let i = 0; i < width; i += 1) all[i]! += sum[i]!;
    if (total >= fewestEvents) own.push({ index, value: quantileOf(bounds, sum, quantile) });
  }
  if (tasks === 0) return undefined;
  if (own.length * 2 >= tasks) return { ...middleOf(own, worse)!, tasks };
  return { tasks, value: quantileOf(bounds, all, quantile) };
}

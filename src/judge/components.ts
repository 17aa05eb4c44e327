import {
  type CheckResult,
  type CheckSpec,
  type ComponentSeen,
  type Sample,
  spanMetric,
  spanParts,
} from '../model/index.ts';
import { type BinTable, binOf, newGroup, oldGroup } from './bin-table.ts';
import { percent } from './explain.ts';
import { type CheckData, readCheck } from './measured-check.ts';
import { weigh } from './weigh.ts';

/** Components whose difference is weighed as a check's is, those that take most longer: each costs a comparison. */
const weighed = 4;

/**
 * Where requests of new tasks take longer (ML-13): of a latency check the same for each component that spans tell of.
 * It explains and decides nothing, so that it needs no part of the chance of error (docs/decisions/0066).
 */
export function readComponents(table: BinTable, samples: readonly Sample[], check: CheckSpec): ComponentSeen[] {
  if (!('latency' in check.metric) || check.guard) return [];
  const spans = samples.filter(({ metric }) => metric === spanMetric);
  if (spans.length === 0) return [];
  const sums = sumUp(table, spans);
  const whole = sums.get(spanParts.request);
  if (!whole || whole.old.requests === 0 || whole.fresh.requests === 0) return [];
  const meanOf = (name: string) => {
    const one = sums.get(name)!;
    return { oldMean: one.old.seconds / whole.old.requests, newMean: one.fresh.seconds / whole.fresh.requests };
  };
  const added = meanOf(spanParts.request);
  const longer = added.newMean - added.oldMean;
  return [...sums.keys()]
    .filter((name) => name !== spanParts.request)
    .map((component) => ({ component, ...meanOf(component) }))
    .sort((a, b) => b.newMean - b.oldMean - (a.newMean - a.oldMean) || (a.component < b.component ? -1 : 1))
    .map((one, place): ComponentSeen => {
      const seen = place < weighed ? weighOne(table, spans, check, one.component) : undefined;
      const shareOfAdded = longer > 0 ? Math.max(0, Math.min(1, (one.newMean - one.oldMean) / longer)) : undefined;
      const nothing = { estimate: undefined, interval: undefined, oldLevel: undefined, newLevel: undefined };
      return { ...one, ...(seen ?? nothing), shareOfAdded };
    });
}

interface Sum {
  requests: number;
  seconds: number;
}

/** Of each component and group; of old tasks in the time of the new ones, as far as there are any. */
function sumUp(table: BinTable, spans: readonly Sample[]) {
  const rowOf = new Map(table.tasks.map((index, row) => [index, row]));
  const since = table.newSince.reduce((least, bin) => Math.min(least, bin), table.bins);
  const empty = () => ({ requests: 0, seconds: 0 });
  const sums = new Map<string, { readonly before: Sum; readonly beside: Sum; readonly fresh: Sum }>();
  for (const sample of spans) {
    const { value, labels, index } = sample;
    const bin = binOf(sample, table.binMs) - table.firstBin;
    const row = rowOf.get(index);
    if (!('histogramDelta' in value) || labels.component === undefined || row === undefined) continue;
    if (bin < 0 || bin >= table.bins || sample.toMs - sample.fromMs > 1.5 * table.binMs) continue;
    const group = table.group[row * table.bins + bin];
    if (group !== oldGroup && group !== newGroup) continue;
    const known = sums.get(labels.component) ?? { before: empty(), beside: empty(), fresh: empty() };
    sums.set(labels.component, known);
    const into = group === newGroup ? known.fresh : bin < since ? known.before : known.beside;
    for (const count of value.histogramDelta.counts) into.requests += count;
    into.seconds += value.histogramDelta.sum;
  }
  const isBeside = (sums.get(spanParts.request)?.beside.requests ?? 0) > 0;
  return new Map(
    [...sums].map(([name, { before, beside, fresh }]) => [name, { old: isBeside ? beside : before, fresh }]),
  );
}

/** As a check of its own would be: adjusted for what these tasks were like before, and for their regions. */
function weighOne(table: BinTable, spans: readonly Sample[], check: CheckSpec, component: string) {
  if (!('latency' in check.metric)) return undefined;
  const own: CheckSpec = {
    ...check,
    against: check.against === 'before' ? 'before' : 'old',
    metric: { latency: { histogram: spanMetric, quantile: check.metric.latency.quantile } },
  };
  const data = readCheck(
    table,
    spans.filter(({ labels }) => labels.component === component),
    own,
  );
  const evidence = data && weigh(table, data, { ageCurve: undefined });
  if (!evidence || ![evidence.estimate, evidence.oldLevel, evidence.newLevel].every(Number.isFinite)) return undefined;
  const [low, high] = evidence.interval;
  const { estimate, oldLevel, newLevel } = evidence;
  return { estimate, interval: [Math.max(-1, low), Math.min(1e6, high)] as const, oldLevel, newLevel };
}

/** Puts what is known of components to a check, and of a failing one into its sentence. */
export function withComponents(result: CheckResult, check: CheckSpec, data: CheckData | undefined): CheckResult {
  const components = data?.components?.() ?? [];
  if (components.length === 0 || !('latency' in check.metric)) return result;
  const where = result.verdict === 'fail' ? explainComponents(components, check.metric.latency.quantile) : '';
  return { ...result, components, sentence: `${result.sentence}${where}` };
}

/**
 * ` In postgresql select: p99 40 % higher (28 ms against 20 ms), 85 % of what traced requests take longer.` The component
 * that takes most longer, if that is more than chance; empty: the spans do not tell.
 */
function explainComponents(components: readonly ComponentSeen[], quantile: number): string {
  const found = components.find(
    ({ interval, newMean, oldMean, newLevel = 0, oldLevel = 0 }) =>
      newMean > oldMean && newLevel > oldLevel && (interval?.[0] ?? -1) > 0,
  );
  if (!found) return '';
  const { component, oldLevel, newLevel, shareOfAdded } = found;
  const part = shareOfAdded === undefined ? '' : `, ${percent(shareOfAdded)} of what traced requests take longer`;
  const name = component === spanParts.self ? 'the service’s own time' : component;
  const levels = `${milliseconds(newLevel!)} against ${milliseconds(oldLevel!)}`;
  return ` In ${name}: p${Number((quantile * 100).toPrecision(6))} ${percent(newLevel! / oldLevel! - 1)} higher (${levels})${part}.`;
}

function milliseconds(seconds: number): string {
  return seconds >= 1 ? `${Number(seconds.toPrecision(3))} s` : `${Number((seconds * 1000).toPrecision(3))} ms`;
}

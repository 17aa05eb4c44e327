import type { SourceTrouble } from '../model/index.ts';
import { type MetricPoint, type ParsedMetrics, seriesKey } from './prometheus-text.ts';
import { deltasBetween, type SeriesDelta } from './scrape-deltas.ts';

/** What is remembered of a target from one reading to the next. */
export interface TargetMemory {
  /** Another process counts from zero again, and nobody saw it begin. */
  readonly process: string;
  readonly edgeMs: number;
  /** Undefined: it could not be read then. */
  readonly points: readonly MetricPoint[] | undefined;
  /** Some series did not fit: one that is new next time may have been there all along. */
  readonly isPartial: boolean;
  /** Kind of each metric, as it was first seen in this process. */
  readonly kinds: ReadonlyMap<string, MetricPoint['kind']>;
  /** Every series that this process ever had, so that labels without end are noticed. */
  readonly series: ReadonlySet<string>;
}

export interface TargetLimits {
  /** Different series of one process, over its life; those beyond are left out. */
  readonly maxSeries: number;
  /** … of one metric: one bad label must not take the room of the others. */
  readonly maxSeriesPerMetric: number;
}
export const defaultTargetLimits: TargetLimits = { maxSeries: 1000, maxSeriesPerMetric: 200 };

export interface Reading {
  readonly memory: TargetMemory;
  readonly deltas: readonly SeriesDelta[];
  readonly troubles: readonly { readonly trouble: SourceTrouble; readonly what: string }[];
}

/**
 * One reading of a target's totals, against the one before. A target may lie: what changed its kind, fell without a
 * restart, or has ever new labels gives no samples, and says so. A gap of more than a bin stays a gap: its total would
 * look like a burst in one bin.
 */
export function readTarget(
  before: TargetMemory | undefined,
  given: {
    readonly process: string;
    readonly edgeMs: number;
    readonly binMs: number;
    readonly parsed: Pick<ParsedMetrics, 'points' | 'dropped' | 'findings' | 'isTruncated'> | undefined;
  },
  limits: TargetLimits = defaultTargetLimits,
): Reading {
  const { process, edgeMs, binMs, parsed } = given;
  const earlier = before?.process === process ? before : undefined;
  if (!parsed) {
    const empty = { points: undefined, isPartial: true, kinds: earlier?.kinds ?? new Map() };
    return {
      memory: { ...empty, process, edgeMs, series: earlier?.series ?? new Set() },
      deltas: [],
      troubles: [],
    };
  }
  const troubles: { trouble: SourceTrouble; what: string }[] = [];
  const say = (trouble: SourceTrouble, what: string | undefined) => {
    if (what !== undefined) troubles.push({ trouble, what });
  };
  for (const finding of parsed.findings) say(troubleOf(finding), finding);
  const { points, kinds, series, crowded, changed } = admit(parsed.points, earlier, limits);
  say(
    'too-many-series',
    nameSome(crowded, (n) => `${n} have more series than are kept`),
  );
  say(
    'changed-type',
    nameSome(changed, (n) => `${n} changed from one kind of metric into another`),
  );
  const isPartial = parsed.isTruncated || crowded.size > 0 || parsed.findings.some((text) => /more than/.test(text));
  const memory: TargetMemory = { process, edgeMs, points, isPartial, kinds, series };
  const previous = earlier?.edgeMs === edgeMs - binMs ? earlier : undefined;
  say('vanished', previous && vanishedFrom(previous, points, parsed));
  const { deltas, fell } = deltasBetween(previous?.points, points, { isPartial: previous?.isPartial ?? false });
  say(
    'fell',
    nameSome(new Set(fell), (n) => `${n} fell although the process was not restarted`),
  );
  return { memory, deltas, troubles };
}

function admit(given: readonly MetricPoint[], earlier: TargetMemory | undefined, limits: TargetLimits) {
  const kinds = new Map(earlier?.kinds);
  const series = new Set(earlier?.series);
  const perMetric = new Map<string, number>();
  for (const key of series) count(perMetric, key.split('\u0000', 1)[0]!);
  const crowded = new Set<string>();
  const changed = new Set<string>();
  const points = given.filter((point) => {
    const kind = kinds.get(point.name) ?? point.kind;
    if (kinds.size < limits.maxSeries) kinds.set(point.name, kind);
    if (kind !== point.kind) {
      changed.add(point.name);
      return false;
    }
    const key = seriesKey(point.name, point.labels);
    if (series.has(key)) return true;
    if (series.size >= limits.maxSeries || (perMetric.get(point.name) ?? 0) >= limits.maxSeriesPerMetric) {
      crowded.add(point.name);
      return false;
    }
    series.add(key);
    count(perMetric, point.name);
    return true;
  });
  return { points, kinds, series, crowded, changed };
}

function count(counts: Map<string, number>, name: string): void {
  counts.set(name, (counts.get(name) ?? 0) + 1);
}

function vanishedFrom(
  { points: old }: TargetMemory,
  points: readonly MetricPoint[],
  parsed: { readonly dropped: number },
): string | undefined {
  // What could not be read is told already.
  if (!old || parsed.dropped > 0) return undefined;
  const names = new Set(points.map(({ name }) => name));
  const gone = new Set(old.filter(({ name }) => !names.has(name)).map(({ name }) => name));
  return nameSome(gone, (n) => `${n} vanished although the process was not restarted`);
}

function nameSome(names: ReadonlySet<string>, say: (names: string) => string): string | undefined {
  if (names.size === 0) return undefined;
  const some = [...names].slice(0, 3).map((name) => name.slice(0, 80));
  return say(names.size > 3 ? `${some.join(', ')} and ${names.size - 3} others` : some.join(', '));
}

/** Which trouble a finding of the parser tells of. */
function troubleOf(finding: string): SourceTrouble {
  if (/longer than/.test(finding)) return 'too-large';
  if (/more than \d+ series|too many buckets|more than \d+ labels|label is too long/.test(finding)) {
    return 'too-many-series';
  }
  return / is (-?Infinity|NaN)$| not finite/.test(finding) ? 'not-finite' : 'unreadable';
}

import { stableJson } from '../kit/index.ts';
import type {
  Incarnation,
  JobId,
  JudgeVerdict,
  Sample,
  TaskIndex,
  TaskState,
  Verdict,
  VersionId,
} from '../model/index.ts';
import { judge } from './judge.ts';
import type { JudgeMemory, JudgePlan } from './port.ts';

/** Everything one verdict was made from: judged again it is the same, bit for bit. */
export interface VerdictInput {
  readonly plan: JudgePlan;
  readonly samples: readonly Sample[];
  readonly memory: JudgeMemory | undefined;
  readonly nowMs: number;
}

/** Where inputs of verdicts are kept, as text that only this file reads. Implemented by `io/verdict-files.ts`. */
export interface VerdictInputs {
  /** Written again it stays the same: a look id names one input. */
  save(rollout: string, lookId: string, text: string): Promise<void>;
  load(rollout: string, lookId: string): Promise<string | undefined>;
  /** Keeps those of the newest rollouts. */
  forgetAllBut(newest: number): Promise<void>;
}

type Owner = readonly [Incarnation, VersionId, TaskState];
interface Stored {
  readonly format: 1;
  readonly plan: JudgePlan;
  readonly memory: JudgeMemory | null;
  readonly nowMs: number;
  readonly job: JobId | null;
  /** index, metric, labels, bounds of a histogram (null: infinite), or null. */
  readonly series: readonly (readonly [
    TaskIndex,
    string,
    Readonly<Record<string, string>>,
    (number | null)[] | null,
  ])[];
  readonly owners: readonly Owner[];
  /** Place in `series`, place in `owners`, from, to, `g`auge or total, cells. */
  readonly rows: readonly (readonly [number, number, number, number, 0 | 1, readonly number[]])[];
}

/** Of samples of one job. */
export function writeInput({ plan, samples, memory, nowMs }: VerdictInput): string {
  const series = new Map<string, number>();
  const owners = new Map<string, number>();
  const rows: Stored['rows'][number][] = [];
  // Samples of one series come one after the other, mostly of one incarnation: each is put into words once.
  let last:
    | { readonly sample: Sample; readonly bounds: unknown; readonly series: number; readonly owner: number }
    | undefined;
  for (const sample of samples) {
    const { index, metric, labels, incarnation, version, state, fromMs, toMs, value } = sample;
    const histogram = 'histogramDelta' in value ? value.histogramDelta : undefined;
    const before = last?.sample;
    const isSameSeries =
      before?.labels === labels &&
      before.metric === metric &&
      before.index === index &&
      last!.bounds === histogram?.bounds;
    const isSameOwner = before?.incarnation === incarnation && before.version === version && before.state === state;
    const place = isSameSeries
      ? last!.series
      : placeOf(series, JSON.stringify([index, metric, labels, histogram ? writeBounds(histogram.bounds) : null]));
    const owner = isSameOwner ? last!.owner : placeOf(owners, JSON.stringify([incarnation, version, state]));
    last = { sample, bounds: histogram?.bounds, series: place, owner };
    const cells = histogram
      ? [...histogram.counts, histogram.sum]
      : ['gauge' in value ? value.gauge : (value as { counterDelta: number }).counterDelta];
    rows.push([place, owner, fromMs, toMs, 'gauge' in value ? 1 : 0, cells]);
  }
  const parse = (words: ReadonlyMap<string, number>) => [...words.keys()].map((text) => JSON.parse(text));
  const job = samples[0]?.job ?? null;
  const stored: Stored = {
    ...{ format: 1, plan, memory: memory ?? null, nowMs, job },
    ...{ series: parse(series), owners: parse(owners), rows },
  };
  return JSON.stringify(stored);
}

/** JSON has no infinity. */
function writeBounds(bounds: readonly number[]): (number | null)[] {
  return bounds.map((bound) => (Number.isFinite(bound) ? bound : null));
}

function placeOf(words: Map<string, number>, text: string): number {
  const place = words.get(text) ?? words.size;
  words.set(text, place);
  return place;
}

export function readInput(text: string): VerdictInput {
  const { plan, memory, nowMs, job, series, owners, rows } = JSON.parse(text) as Stored;
  const samples = rows.map(([one, owner, fromMs, toMs, isGauge, cells]): Sample => {
    const [index, metric, labels, bounds] = series[one]!;
    const [incarnation, version, state] = owners[owner]!;
    const value: Sample['value'] = bounds
      ? {
          histogramDelta: {
            bounds: bounds.map((bound) => bound ?? Number.POSITIVE_INFINITY),
            counts: cells.slice(0, -1),
            sum: cells.at(-1)!,
          },
        }
      : isGauge === 1
        ? { gauge: cells[0]! }
        : { counterDelta: cells[0]! };
    return { job: job!, index, incarnation, version, state, labels, metric, fromMs, toMs, value };
  });
  return { plan, samples, memory: memory ?? undefined, nowMs };
}

export interface Replayed {
  readonly verdict: JudgeVerdict;
  /** The same in every bit as the stored one. */
  readonly isEqual: boolean;
  /** Checks whose numbers or words differ. */
  readonly different: readonly string[];
}

/** Judges the kept input again, with other settings where given, and compares with what was said then. */
export function replay(input: VerdictInput, stored: JudgeVerdict, spec?: JudgePlan['spec']): Replayed {
  const plan = spec ? { ...input.plan, spec } : input.plan;
  const { verdict } = judge(plan, input.samples, input.memory, input.nowMs);
  const before = new Map(stored.perCheck.map((result) => [result.check, stableJson(result)]));
  const different = verdict.perCheck
    .filter((result) => before.get(result.check) !== stableJson(result))
    .map(({ check }) => check);
  for (const check of before.keys()) {
    if (!verdict.perCheck.some((result) => result.check === check)) different.push(check);
  }
  return { verdict, isEqual: stableJson(verdict) === stableJson(stored), different };
}

/** A setting to try on what is kept. */
export interface Tuning {
  readonly alpha?: number | undefined;
  /** Only of this check; without, of all. */
  readonly check?: string | undefined;
  readonly delta?: number | undefined;
  readonly margin?: number | undefined;
}

/**
 * What a rollout would have come to under another setting: its looks in order, each with the memory of the one before
 * under that setting. Only what was really rolled out can be judged: had it stopped earlier, the rest would not be.
 */
export function tune(
  looks: readonly { readonly input: VerdictInput; readonly verdict: JudgeVerdict }[],
  { alpha, check, delta, margin }: Tuning,
) {
  let memory: JudgeMemory | undefined;
  const tuned = looks.map(({ input: { plan, samples, nowMs } }) => {
    const checks = plan.spec.checks.map((one) =>
      check === undefined || one.name === check
        ? { ...one, delta: delta ?? one.delta, margin: margin ?? one.margin }
        : one,
    );
    const spec = { ...plan.spec, alpha: alpha ?? plan.spec.alpha, checks };
    const judgement = judge({ ...plan, spec }, samples, memory, nowMs);
    memory = judgement.memory;
    return judgement.verdict.verdict;
  });
  const said = looks.map(({ verdict }) => verdict.verdict);
  return { said: worst(said), tuned: worst(tuned), saidFailedAt: firstFail(said), tunedFailedAt: firstFail(tuned) };
}

function worst(words: readonly Verdict[]): Verdict {
  return words.includes('fail') ? 'fail' : (words.at(-1) ?? 'undecided');
}

function firstFail(words: readonly Verdict[]): number | null {
  const at = words.indexOf('fail');
  return at === -1 ? null : at + 1;
}

import { type Chance, seededChance } from '../../kit/index.ts';
import type { CheckSpec, JudgeSpec, Sample } from '../../model/index.ts';
import { normalBelow } from '../../stats/index.ts';
import { type HistoryStep, historyKey, type JudgeMemory, type JudgePlan, judge } from '../index.ts';
import { plainCheck } from '../plain-check.ts';
import { seasonalChange } from '../season.ts';

/**
 * A service of few tasks, all of which are updated at once, whose level goes up and down with the day and jumps at nine
 * o'clock: of tests and of the bench. 20 requests a second of each task, 0.5 % of them fail; bins of a minute.
 */
export interface SeasonalWorld {
  readonly seed: number;
  readonly tasks: number;
  /** Of the day, at which the tasks serve again. */
  readonly updatedAtHour: number;
  /** Days of past that are known. */
  readonly days: number;
  /** Factors of the new version. */
  readonly slower?: number;
  readonly errors?: number;
  readonly cpu?: number;
}

const [minuteMs, dayMs] = [60_000, 24 * 3_600_000];
const stepMs = 300_000;
const pastMinutes = 120;
export const bakeMinutes = 20;
const bounds = [0.005, 0.01, 0.015, 0.02, 0.03, 0.04, 0.06, 0.08, 0.12, 0.16, 0.25, 0.5, Number.POSITIVE_INFINITY];
const requests = 1200;
const errorRatio = 0.005;
const tail = 0.4;
const z99 = 2.3263478740408408;

function checkOf(name: string, delta: number, metric: CheckSpec['metric']): CheckSpec {
  const common = { class: 'call', worse: 'higher', margin: 0.2, critical: true, required: false } as const;
  return { ...plainCheck, ...common, trust: 'revert', name, delta, metric };
}
export const seasonalChecks: readonly CheckSpec[] = [
  checkOf('errors', 0.03, { errorRatio: { counter: 'requests', label: 'code', errorValues: '5..' } }),
  checkOf('latency', 0.01, { latency: { histogram: 'took', quantile: 0.99 } }),
  checkOf('cpu', 0.01, { gauge: 'cpu' }),
];
export const seasonalSpec: JudgeSpec = {
  ...{ checks: [...seasonalChecks], failShare: 0.5, alpha: 0.01, binMs: minuteMs, warmupMs: minuteMs },
};

/** What the time of day does to latencies, logarithmic: a wave, and a jump at nine that lasts till six. */
function ofDay(atMs: number): number {
  const hour = (atMs % dayMs) / 3_600_000;
  const isOpen = 1 / (1 + Math.exp(-(hour - 9) * 12)) - 1 / (1 + Math.exp(-(hour - 18) * 12));
  return 0.2 * Math.sin(((hour - 8) / 24) * 2 * Math.PI) + 0.4 * isOpen;
}

const normal = (chance: Chance) => Math.sqrt(-2 * Math.log(1 - chance.next())) * Math.cos(2 * Math.PI * chance.next());

function poisson(chance: Chance, mean: number): number {
  if (mean > 50) return Math.max(0, Math.round(mean + Math.sqrt(mean) * normal(chance)));
  let n = 0;
  for (let product = chance.next(); product > Math.exp(-mean); product *= chance.next()) n += 1;
  return n;
}

/** What moves all tasks beside the time of day, drawn to zero again within some tens of minutes. */
function drifting(chance: Chance, spread: number, memory: number) {
  let value = 0;
  return () => {
    value = memory * value + spread * Math.sqrt(1 - memory * memory) * normal(chance);
    return value;
  };
}

function history({ tasks, days }: SeasonalWorld, chance: Chance, untilMs: number): HistoryStep[] {
  const drift = drifting(chance, 0.04, 0.8);
  const [errors, latency, cpu] = seasonalChecks.map(historyKey) as [string, string, string];
  const steps: HistoryStep[] = [];
  for (let fromMs = untilMs - days * dayMs; fromMs < untilMs; fromMs += stepMs) {
    const level = ofDay(fromMs + stepMs / 2) + drift();
    const exposure = requests * 5 * tasks;
    const value = (base: number) => base * Math.exp(level + (0.02 * normal(chance)) / Math.sqrt(tasks));
    steps.push({
      ...{ fromMs, toMs: fromMs + stepMs, busy: false },
      levels: {
        [errors]: { tasks, events: poisson(chance, exposure * errorRatio * Math.exp(level)), exposure },
        [latency]: { tasks, value: value(0.02 * Math.exp(tail * z99)) },
        [cpu]: { tasks, value: value(0.3) },
      },
    });
  }
  return steps;
}

function samplesOf(world: SeasonalWorld, chance: Chance, updatedAtMs: number): Sample[] {
  const samples: Sample[] = [];
  const drift = drifting(chance, 0.04, 0.96);
  const hosts = Array.from({ length: world.tasks }, () => 0.05 * normal(chance));
  const firstMs = updatedAtMs - pastMinutes * minuteMs;
  for (let fromMs = firstMs; fromMs < updatedAtMs + bakeMinutes * minuteMs; fromMs += minuteMs) {
    const shared = ofDay(fromMs + minuteMs / 2) + drift();
    for (let index = 0; index < world.tasks; index += 1) {
      const isNew = fromMs >= updatedAtMs;
      const level = shared + hosts[index]! + 0.03 * normal(chance);
      const version = isNew ? ('v_new' as const) : ('v_old' as const);
      const base = {
        ...{ job: 'shop@production' as const, index, incarnation: isNew ? 2 : 1, version, state: 'serving' as const },
        ...{ fromMs, toMs: fromMs + minuteMs },
      };
      const push = (metric: string, labels: Record<string, string>, value: Sample['value']) =>
        samples.push({ ...base, metric, labels, value });
      const factor = (of: number | undefined) => (isNew ? (of ?? 1) : 1);
      const failed = poisson(chance, requests * errorRatio * factor(world.errors) * Math.exp(level));
      push('requests', { code: '200' }, { counterDelta: requests - failed });
      push('requests', { code: '500' }, { counterDelta: failed });
      const centre = Math.log(0.02 * factor(world.slower)) + level;
      let below = 0;
      const counts = bounds.map((bound) => {
        const until = normalBelow((Math.log(bound) - centre) / tail);
        const share = until - below;
        below = until;
        return poisson(chance, requests * share);
      });
      push('took', {}, { histogramDelta: { bounds, counts, sum: requests * Math.exp(centre) } });
      push('cpu', {}, { gauge: 0.3 * factor(world.cpu) * Math.exp(level) });
    }
  }
  return samples;
}

/** Looks at every minute until it failed or the bake is over; `knows`: whether the job's past is asked. */
export function watchSeason(world: SeasonalWorld, knows: boolean) {
  const chance = seededChance(world.seed, 'seasons');
  // A multiple of days since the epoch, so that hours of the day are what they are called.
  const updatedAtMs = 20_000 * dayMs + Math.round(world.updatedAtHour * 60) * minuteMs;
  const steps = history(world, chance, updatedAtMs - (updatedAtMs % stepMs));
  const all = samplesOf(world, chance, updatedAtMs);
  const plan: JudgePlan = {
    ...{ rollout: 'ro_1', phase: 0, phaseName: 'all', spec: seasonalSpec, newVersion: 'v_new', oldVersions: ['v_old'] },
    updates: Array.from({ length: world.tasks }, (_, index) => ({
      ...{ index, admittedAtMs: updatedAtMs, servingAtMs: updatedAtMs },
    })),
    ...{ phaseStartedAtMs: updatedAtMs, updatedAtMs, deadlineAtMs: updatedAtMs + bakeMinutes * minuteMs, phases: 1 },
  };
  let memory: JudgeMemory | undefined;
  for (let minutes = 2; ; minutes += 1) {
    const toMs = updatedAtMs + minutes * minuteMs;
    const windows = {
      before: { fromMs: updatedAtMs - pastMinutes * minuteMs, toMs: updatedAtMs },
      now: { fromMs: updatedAtMs + minuteMs, toMs },
      stepMs,
    };
    const found = knows ? seasonalChecks.map((one) => [one.name, seasonalChange(steps, one, windows)] as const) : [];
    const seasons = Object.fromEntries(found.flatMap(([name, one]) => (one ? [[name, one]] : [])));
    const seen = all.filter((sample) => sample.toMs <= toMs);
    const judgement = judge({ ...plan, ...(knows && { seasons }) }, seen, memory, toMs + 2 * minuteMs);
    memory = judgement.memory;
    if (judgement.verdict.verdict === 'fail' || minutes >= bakeMinutes) return { ...judgement, minutes, seasons };
  }
}

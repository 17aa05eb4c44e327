import { seededChance } from '../../kit/index.ts';
import type { JudgeSpec, Sample } from '../../model/index.ts';
import { type JudgeMemory, type JudgePlan, judge, learnPlacebo, type RolloutCurve } from '../index.ts';

/** A first rollout of a service that exposes requests by status and how long they take: for tests and for the bench. */
export interface CacheWorld {
  readonly seed?: number;
  readonly tasks?: number;
  readonly newTasks?: number;
  /** Requests a second of each task. */
  readonly requests?: number;
  /** Share of requests that miss a cache which is empty; old tasks miss 0.2 %. A miss takes five times as long. */
  readonly cold?: number;
  /** Seconds in which half of the rest is filled; Infinity: it never fills. */
  readonly halves?: number;
  /** Share of misses that fail. */
  readonly lostMisses?: number;
  /** Share of requests to old tasks that fail; of those to new ones. */
  readonly errors?: number;
  readonly newErrors?: number;
  /** Requests to new tasks take so many times as long. */
  readonly slower?: number;
}

export const updatedAt = 240;
const bounds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, Number.POSITIVE_INFINITY];
const usualMisses = 0.002;

function traffic(world: CacheWorld, binMs: number, until: number): Sample[] {
  const { tasks = 12, newTasks = 3, requests = 20, cold = 0, halves = 60, lostMisses = 0 } = world;
  const { errors = 0.001, newErrors = errors, slower = 1 } = world;
  const chance = seededChance(world.seed ?? 1, 'caches');
  const normal = () => Math.sqrt(-2 * Math.log(1 - chance.next())) * Math.cos(2 * Math.PI * chance.next());
  const hosts = Array.from({ length: tasks }, () => Math.exp(0.05 * normal()));
  const samples: Sample[] = [];
  for (let fromMs = 0; fromMs < until * 1000; fromMs += binMs) {
    const shared = Math.exp(0.05 * normal());
    for (let index = 0; index < tasks; index += 1) {
      const isNew = index < newTasks && fromMs >= updatedAt * 1000;
      const age = fromMs / 1000 - updatedAt;
      const missing = usualMisses + (isNew ? cold * Math.exp((-age * Math.LN2) / halves) : 0);
      const counts = bounds.map(() => 0);
      const n = Math.round((requests * binMs * shared) / 1000);
      let failed = 0;
      let sum = 0;
      for (let i = 0; i < n; i += 1) {
        const isMiss = chance.next() < missing;
        const took = 0.02 * hosts[index]! * shared * Math.exp(0.4 * normal()) * (isMiss ? 5 : 1) * (isNew ? slower : 1);
        sum += took;
        counts[bounds.findIndex((bound) => took <= bound)]! += 1;
        if (chance.next() < (isNew ? newErrors : errors) || (isMiss && chance.next() < lostMisses)) failed += 1;
      }
      const version = isNew ? ('v_new' as const) : ('v_old' as const);
      const base = {
        ...{ job: 'shop@production' as const, index, incarnation: isNew ? 2 : 1, version, state: 'serving' as const },
        ...{ fromMs, toMs: fromMs + binMs },
      };
      const push = (metric: string, labels: Record<string, string>, value: Sample['value']) =>
        samples.push({ ...base, metric, labels, value });
      push('http_requests_total', { code: '200' }, { counterDelta: n - failed });
      push('http_requests_total', { code: '500' }, { counterDelta: failed });
      push('http_request_duration_seconds', {}, { histogramDelta: { bounds, counts, sum } });
    }
  }
  return samples;
}

/**
 * What restarting so many tasks on the version they run teaches, before anything new is there. Of a world without
 * harm: what is cold, and how long, is the service's; errors and slowness of a new version are not.
 */
export function placeboCurves(
  { newErrors: _, slower: __, ...world }: CacheWorld,
  spec: JudgeSpec,
  restarted: number,
  bakeSeconds = 120,
): Readonly<Record<string, RolloutCurve>> {
  const until = updatedAt + bakeSeconds;
  const samples = traffic({ ...world, newTasks: restarted }, spec.binMs, until).map(
    (sample): Sample => ({ ...sample, version: 'v_old' }),
  );
  const indices = Array.from({ length: restarted }, (_, index) => index);
  const atMs = updatedAt * 1000;
  const plan: JudgePlan = {
    ...{ rollout: 'ro_0', phase: 0, phaseName: 'placebo', spec, newVersion: 'v_old', oldVersions: [] },
    updates: indices.map((index) => ({ index, admittedAtMs: atMs, servingAtMs: atMs })),
    ...{ phaseStartedAtMs: atMs, updatedAtMs: atMs, deadlineAtMs: until * 1000, phases: 1 },
  };
  return learnPlacebo(plan, samples, new Map(indices.map((index) => [index, 2])));
}

/** Looks at every bin until it failed or the bake of so many seconds is over. */
export function watchCaches(
  world: CacheWorld,
  spec: JudgeSpec,
  bakeSeconds = 120,
  pastCurves: readonly Readonly<Record<string, RolloutCurve>>[] = [],
) {
  const { newTasks = 3 } = world;
  const until = updatedAt + bakeSeconds;
  const plan: JudgePlan = {
    ...{ rollout: 'ro_1', phase: 0, phaseName: 'first', spec, newVersion: 'v_new', oldVersions: ['v_old'] },
    updates: Array.from({ length: newTasks }, (_, index) => ({
      ...{ index, admittedAtMs: updatedAt * 1000, servingAtMs: updatedAt * 1000 },
    })),
    ...{ phaseStartedAtMs: updatedAt * 1000, updatedAtMs: updatedAt * 1000, deadlineAtMs: until * 1000 },
    ...{ phases: 3, pastCurves },
  };
  const { binMs } = spec;
  const all = traffic(world, binMs, until);
  let memory: JudgeMemory | undefined;
  for (let nowMs = updatedAt * 1000 + binMs; ; nowMs += binMs) {
    const seen = all.filter(({ toMs }) => toMs <= nowMs);
    const judgement = judge(plan, seen, memory, nowMs + 2 * binMs);
    memory = judgement.memory;
    const isOver = nowMs >= until * 1000;
    if (judgement.verdict.verdict === 'fail' || isOver)
      return { ...judgement, seconds: nowMs / 1000 - updatedAt, plan, seen };
  }
}

import type { LedgerOperation } from '../disruption/index.ts';
import type { Amount, PlanSpec, Rollout } from '../model/index.ts';
import { type PlannedPhase, planOf } from './plan.ts';
import type { TaskPlace } from './select.ts';
import type { StrategyBook } from './strategies/book.ts';

/** What a release of the past showed, as far as another plan could not have changed it. */
export interface PastRelease {
  readonly id: string;
  /** `bad-start`: its tasks failed by themselves; `bad`: something was found by comparing. */
  readonly was: 'good' | 'bad' | 'bad-start';
  /** One task from the beginning of its update until it served again; the median. */
  readonly taskMs: number;
  /** Between a phase's last update and its pass; the median. */
  readonly bakeMs: number;
  /** Time on the new version, summed over its tasks, until it was found to be bad: the evidence that was needed. */
  readonly evidenceMs: number;
}

/** What one plan would have made of one release. */
export interface Replay {
  readonly release: string;
  readonly endsMs: number;
  /** Tasks that ran a bad version when it was found, or at the end when it was not. */
  readonly exposed: number;
  readonly exposedTaskMs: number;
  readonly isFound: boolean;
}

export interface BacktestFacts {
  readonly places: readonly TaskPlace[];
  readonly budget: Amount;
  readonly releases: readonly PastRelease[];
  readonly strategies?: StrategyBook | undefined;
}

export interface BacktestRow {
  /** Median time from the first update to the end, of good releases. */
  readonly doneMs: number;
  /** Of bad ones: the most tasks exposed at once, the mean, and their time on it summed. */
  readonly mostExposed: number;
  readonly meanExposed: number;
  readonly exposedTaskMs: number;
  /** Bad releases that this plan would have let through. */
  readonly missed: number;
  readonly replays: readonly Replay[];
}

/** How one plan would have done on these releases: speed against exposure. Pure. */
export function backtest(plan: PlanSpec, { places, budget, releases, strategies }: BacktestFacts): BacktestRow {
  const { phases } = planOf({ plan, places, budget, isFirst: false, ...(strategies && { strategies }) });
  const good = releases.filter(({ was }) => was === 'good').map((one) => replay(phases, one));
  const bad = releases.filter(({ was }) => was !== 'good').map((one) => replay(phases, one));
  const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);
  return {
    doneMs: medianOf(good.map(({ endsMs }) => endsMs)),
    mostExposed: Math.max(0, ...bad.map(({ exposed }) => exposed)),
    meanExposed: bad.length === 0 ? 0 : sum(bad.map(({ exposed }) => exposed)) / bad.length,
    exposedTaskMs: sum(bad.map(({ exposedTaskMs }) => exposedTaskMs)),
    missed: bad.filter(({ isFound }) => !isFound).length,
    replays: [...good, ...bad],
  };
}

/**
 * Walks one release through the phases. A good one bakes as long as it did, within the plan's limits. A bad one is found
 * when its tasks have run together as long as they had then: what a comparison learns grows with tasks × time. One whose
 * tasks do not start is found at its first batch. A phase that cannot tell at the end of its longest bake holds, or goes
 * on, as its rule says.
 */
export function replay(phases: readonly PlannedPhase[], release: PastRelease): Replay {
  const { id, was, taskMs, bakeMs, evidenceMs } = release;
  let [nowMs, tasks, seenMs] = [0, 0, 0];
  const found = (): Replay => ({ release: id, endsMs: nowMs, exposed: tasks, exposedTaskMs: seenMs, isFound: true });
  /** Lets time pass; true when the evidence is there within it. */
  const wait = (ms: number): boolean => {
    const missingMs = evidenceMs - seenMs;
    const isEnough = was === 'bad' && tasks > 0 && missingMs <= tasks * ms;
    const passesMs = isEnough ? Math.max(0, missingMs / tasks) : ms;
    nowMs += passesMs;
    if (was !== 'good') seenMs += tasks * passesMs;
    return isEnough;
  };
  for (const { spec, adds, atOnce } of phases) {
    for (let left = adds; left > 0; left -= atOnce) {
      if (wait(taskMs)) return found();
      tasks += Math.min(atOnce, left);
      if (was === 'bad-start') return found();
    }
    const isBad = was === 'bad';
    const bakes = isBad
      ? spec.maxBakeMs
      : Math.min(Math.max(bakeMs, spec.minBakeMs), Math.max(spec.minBakeMs, spec.maxBakeMs));
    if (wait(bakes)) return found();
    // Undecided at the end: who holds lets nobody else be exposed; a person looks.
    if (isBad && spec.onUndecided === 'hold') return found();
  }
  return {
    release: id,
    endsMs: nowMs,
    exposed: was === 'good' ? 0 : tasks,
    exposedTaskMs: seenMs,
    isFound: was === 'good',
  };
}

/** What a rollout of the past shows; undefined: nothing of use (it was stopped by a person, or never began). */
export function pastReleaseOf(rollout: Rollout, history: readonly LedgerOperation[]): PastRelease | undefined {
  if (rollout.kind !== 'deploy' || rollout.firstDeployment) return undefined;
  const updates = history.filter(({ kind, to }) => kind === 'update' && to === rollout.to);
  const served = updates.filter(({ state, endedAtMs }) => state === 'done' && endedAtMs !== undefined);
  const taskMs = medianOf(served.map((one) => one.endedAtMs! - (one.admittedAtMs ?? one.endedAtMs!)));
  const bakes = rollout.phases.flatMap(({ updatedAtMs, endedAtMs, passedBy }) =>
    passedBy !== undefined && updatedAtMs !== undefined && endedAtMs !== undefined ? [endedAtMs - updatedAtMs] : [],
  );
  const base = { id: rollout.id, taskMs, bakeMs: medianOf(bakes) };
  if (rollout.state === 'succeeded') return { ...base, was: 'good', evidenceMs: 0 };
  const { failure } = rollout;
  if (failure?.by === 'basic-checks') return { ...base, was: 'bad-start', evidenceMs: 0 };
  if (failure?.by !== 'judge' || served.length === 0) return undefined;
  const evidenceMs = served.reduce((sum, one) => sum + Math.max(0, failure.atMs - one.endedAtMs!), 0);
  return { ...base, was: 'bad', evidenceMs };
}

/** For a service without a past of its own: what it takes to start, and faults from glaring to faint. */
export function assumedReleases(taskMs: number, of: 'good' | 'bad'): readonly PastRelease[] {
  const base = { taskMs, bakeMs: 0 };
  if (of === 'good') return [{ ...base, id: 'good', was: 'good', evidenceMs: 0 }];
  const minuteMs = 60_000;
  return [
    { ...base, id: 'does not start', was: 'bad-start', evidenceMs: 0 },
    ...[1, 10, 60].map((minutes) => ({
      ...base,
      id: `shows after ${minutes} task minutes`,
      was: 'bad' as const,
      evidenceMs: minutes * minuteMs,
    })),
  ];
}

function medianOf(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}

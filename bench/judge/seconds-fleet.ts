import { type JudgeMemory, type Judgement, type JudgePlan, judge, type VerdictInput } from '../../src/judge/index.ts';
import { plainCheck } from '../../src/judge/plain-check.ts';
import { type Chance, seededChance } from '../../src/kit/index.ts';
import type { CheckSpec, Sample } from '../../src/model/index.ts';

/**
 * A small service under steady traffic, in bins of a second: what the tour runs. A rollout 1 → 25 % → all with the
 * judge looking at every bin. Latencies are log-normal with a tail; restarted tasks are slow for two seconds.
 */
export interface SecondsFleet {
  readonly tasks: number;
  readonly requestsPerSecond: number;
  readonly errorRatio: number;
  /** What the new version does. */
  readonly newErrorRatio: number;
  readonly newLatencyFactor: number;
  readonly minBakeMs: number;
  readonly maxBakeMs: number;
  readonly warmupMs: number;
}

export interface RolloutRun {
  readonly outcome: 'through' | 'failed';
  readonly phase: number;
  readonly touched: number;
  /** Bins from the first new task serving to the verdict. */
  readonly seconds: number;
  readonly perPhase: readonly { readonly by: string; readonly bakedMs: number; readonly sentence: string }[];
  readonly last: Judgement;
}

const bounds = [0.001, 0.002, 0.004, 0.008, 0.016, 0.032, 0.064, 0.128, 0.256, 0.512, 1.024, Number.POSITIVE_INFINITY];
const checks: CheckSpec[] = [
  {
    ...plainCheck,
    name: 'errors',
    class: 'call',
    metric: { errorRatio: { counter: 'http_requests_total', label: 'code', errorValues: '5..' } },
    worse: 'higher',
    delta: 0.03,
    margin: 0.1,
    critical: true,
    required: true,
    trust: 'revert',
  },
  {
    ...plainCheck,
    name: 'latency',
    class: 'call',
    metric: { latency: { histogram: 'http_request_duration_seconds', quantile: 0.99 } },
    worse: 'higher',
    delta: 0.01,
    margin: 0.2,
    critical: false,
    required: false,
    trust: 'revert',
  },
];

/** `onLook` is told of every time the judge was asked, with what it was asked about. */
export function runSecondsRollout(
  fleet: SecondsFleet,
  seed: number,
  onLook?: (input: VerdictInput, judgement: Judgement) => void,
): RolloutRun {
  const chance = seededChance(seed, 'seconds');
  const t0 = 1_700_000_000_000;
  const samples: Sample[] = [];
  const tasks = Array.from({ length: fleet.tasks }, (_, index) => ({
    index,
    incarnation: 1,
    isNew: false,
    state: 'serving' as Sample['state'],
    servingSince: -100,
    readyAt: 0,
    host: Math.exp(0.05 * gaussian(chance)),
  }));
  const admitted = new Map<number, { admittedAtMs: number; servingAtMs: number | undefined }>();
  let second = 0;
  let shared = 0;

  const tick = () => {
    shared = 0.9 * shared + 0.03 * gaussian(chance);
    for (const task of tasks) {
      if (task.state === 'starting' && second >= task.readyAt) {
        task.state = 'serving';
        task.servingSince = second;
        const update = admitted.get(task.index)!;
        admitted.set(task.index, { ...update, servingAtMs: t0 + second * 1000 });
      }
      if (task.state === 'serving') emit(task);
    }
    second += 1;
  };
  const emit = (task: (typeof tasks)[number]) => {
    const n = poisson(chance, fleet.requestsPerSecond * Math.exp(shared));
    const counts = bounds.map(() => 0);
    let errors = 0;
    let sum = 0;
    const cold = second - task.servingSince < 2 ? 1.5 : 1;
    const factor = task.host * cold * Math.exp(shared) * (task.isNew ? fleet.newLatencyFactor : 1);
    for (let i = 0; i < n; i += 1) {
      if (chance.next() < (task.isNew ? fleet.newErrorRatio : fleet.errorRatio)) errors += 1;
      const seconds = 0.005 * factor * Math.exp(0.3 * gaussian(chance)) * (chance.next() < 0.02 ? 2.5 : 1);
      sum += seconds;
      counts[bounds.findIndex((bound) => seconds <= bound)]! += 1;
    }
    const base = {
      job: 'guestbook@production' as const,
      index: task.index,
      incarnation: task.incarnation,
      version: task.isNew ? ('v_new' as const) : ('v_old' as const),
      state: task.state,
      fromMs: t0 + second * 1000,
      toMs: t0 + second * 1000 + 1000,
    };
    const region = `r${task.index % 3}`;
    const push = (metric: string, labels: Record<string, string>, value: Sample['value']) =>
      samples.push({ ...base, metric, labels: { region, ...labels }, value });
    push('http_requests_total', { code: '200' }, { counterDelta: n - errors });
    if (errors > 0) push('http_requests_total', { code: '500' }, { counterDelta: errors });
    push('http_request_duration_seconds', {}, { histogramDelta: { bounds, counts, sum } });
  };

  for (let i = 0; i < 60; i += 1) tick();
  const sizes = [1, Math.ceil(fleet.tasks / 4), fleet.tasks];
  const perPhase: { by: string; bakedMs: number; sentence: string }[] = [];
  let memory: JudgeMemory | undefined;
  const began = second;
  let last: Judgement | undefined;
  for (const [phase, size] of sizes.entries()) {
    const phaseStartedAtMs = t0 + second * 1000;
    let updatedAtMs: number | undefined;
    const look = () => {
      const nowMs = t0 + second * 1000;
      const seen = samples.filter(({ toMs, fromMs }) => toMs <= nowMs - 1000 && fromMs > nowMs - 240_000);
      const plan: JudgePlan = {
        rollout: 'ro_1',
        phase,
        phaseName: String(phase),
        spec: { checks, failShare: 0.5, alpha: 0.01, binMs: 1000, warmupMs: fleet.warmupMs },
        newVersion: 'v_new',
        updates: [...admitted].map(([index, times]) => ({ index, ...times })),
        phaseStartedAtMs,
        updatedAtMs,
        deadlineAtMs: (updatedAtMs ?? nowMs) + fleet.maxBakeMs,
        phases: sizes.length,
      };
      last = judge(plan, seen, memory, nowMs);
      onLook?.({ plan, samples: seen, memory, nowMs }, last);
      memory = last.memory;
      return last.verdict.verdict;
    };
    const failed = (): RolloutRun => ({
      outcome: 'failed',
      phase,
      touched: admitted.size,
      seconds: second - began,
      perPhase,
      last: last!,
    });
    for (const task of tasks.filter(({ index }) => index < size && !admitted.has(index))) {
      admitted.set(task.index, { admittedAtMs: t0 + second * 1000, servingAtMs: undefined });
      Object.assign(task, { state: 'starting', isNew: true, incarnation: 2, readyAt: second + 3 });
      while ((task.state as string) !== 'serving') {
        tick();
        if (look() === 'fail') return failed();
      }
    }
    updatedAtMs = t0 + second * 1000;
    for (;;) {
      tick();
      const verdict = look();
      const bakedMs = t0 + second * 1000 - updatedAtMs;
      if (verdict === 'fail') return failed();
      if ((verdict === 'pass' && bakedMs >= fleet.minBakeMs) || bakedMs >= fleet.maxBakeMs) {
        perPhase.push({ by: verdict, bakedMs, sentence: last!.verdict.sentence });
        break;
      }
    }
  }
  return { outcome: 'through', phase: 3, touched: fleet.tasks, seconds: second - began, perPhase, last: last! };
}

export function gaussian(chance: Chance): number {
  const u = 1 - chance.next();
  return Math.sqrt(-2 * Math.log(u)) * Math.cos(2 * Math.PI * chance.next());
}

export function poisson(chance: Chance, mean: number): number {
  if (mean > 60) return Math.max(0, Math.round(mean + Math.sqrt(mean) * gaussian(chance)));
  let n = 0;
  let product = chance.next();
  const limit = Math.exp(-mean);
  while (product > limit) {
    n += 1;
    product *= chance.next();
  }
  return n;
}

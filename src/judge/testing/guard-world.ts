import { seededChance } from '../../kit/index.ts';
import { fleetMetrics, type JudgeSpec, type Sample } from '../../model/index.ts';
import { type JudgeMemory, type JudgePlan, judge } from '../index.ts';

/** A service of which only the fleet speaks: for tests and for the bench. */
export interface GuardWorld {
  readonly seed?: number;
  readonly tasks?: number;
  readonly newTasks?: number;
  /** Cores that a task uses; those of new tasks. */
  readonly cpu?: number;
  readonly newCpu?: number;
  /** MiB that new tasks lose a second. */
  readonly leak?: number;
  /** Of the memory of before, how much a new task has at its start; it fills up over a minute. */
  readonly emptiness?: number;
  /** New tasks that start again every so many seconds. */
  readonly restartEvery?: number;
  /** Share of readiness probes of new tasks that fail. */
  readonly unready?: number;
  /** Requests a second of each task; of new ones. */
  readonly requests?: number;
  readonly newRequests?: number;
  /** Start-up costs so much more CPU, halving every so many seconds (5). */
  readonly burst?: number;
  readonly burstHalves?: number;
}

const updatedAt = 240;
const until = 300;
const mebibyte = 1024 * 1024;

/** Five minutes of a service of which only the fleet speaks; new tasks are new since second 240. */
function traffic(world: GuardWorld): Sample[] {
  const { tasks = 6, newTasks = 2, cpu = 0.05, emptiness = 0.7, burst = 0.5, burstHalves = 5 } = world;
  const chance = seededChance(world.seed ?? 1, 'guards');
  const noise = (spread: number) => 1 + spread * (chance.next() + chance.next() + chance.next() - 1.5);
  const hosts = Array.from({ length: tasks }, () => noise(0.2));
  const samples: Sample[] = [];
  for (let second = 0; second < until; second += 1) {
    const shared = 1 + 0.3 * Math.sin(second / 40) + 0.1 * chance.next();
    for (let index = 0; index < tasks; index += 1) {
      const isNew = index < newTasks && second >= updatedAt;
      const age = isNew ? second - updatedAt : 0;
      const who = { job: 'shop@production' as const, index, incarnation: isNew ? 2 : 1, state: 'serving' as const };
      const when = { fromMs: second * 1000, toMs: second * 1000 + 1000 };
      const push = (metric: string, value: Sample['value'], labels: Record<string, string> = {}) =>
        samples.push({ ...who, ...when, version: isNew ? 'v_new' : 'v_old', metric, labels, value });
      const starting = isNew ? burst * Math.exp((-age * Math.LN2) / burstHalves) : 0;
      const usual = (isNew ? (world.newCpu ?? cpu) : cpu) * shared * hosts[index]!;
      push(fleetMetrics.cpu, { gauge: Math.round((usual * noise(0.5) + starting) * 100) / 100 });
      const filled = isNew ? 1 - (1 - emptiness) * Math.exp((-age * Math.LN2) / 20) : 1;
      const leaked = isNew ? (world.leak ?? 0) * age : 0;
      push(fleetMetrics.memory, { gauge: (80 * hosts[index]! * filled * noise(0.03) + leaked) * mebibyte });
      const restarts = isNew && world.restartEvery && age > 0 && age % world.restartEvery === 0 ? 1 : 0;
      push(fleetMetrics.restarts, { counterDelta: restarts });
      if (second % 2 === 0) {
        const isUnready = isNew && chance.next() < (world.unready ?? 0);
        push(fleetMetrics.probes, { counterDelta: isUnready ? 0 : 1 }, { outcome: 'ready' });
        push(fleetMetrics.probes, { counterDelta: isUnready ? 1 : 0 }, { outcome: 'unready' });
      }
      const requests = isNew ? (world.newRequests ?? world.requests) : world.requests;
      if (requests !== undefined) {
        push('http_requests_total', { counterDelta: Math.round(requests * noise(0.2)) }, { code: '200' });
        push('http_requests_total', { counterDelta: 0 }, { code: '500' });
      }
    }
  }
  return samples;
}

/** Looks at every bin until it failed or the bake is over. */
export function watchGuards(world: GuardWorld, spec: JudgeSpec) {
  const { newTasks = 2 } = world;
  const plan: JudgePlan = {
    ...{ rollout: 'ro_1', phase: 0, phaseName: 'first', spec, newVersion: 'v_new', oldVersions: ['v_old'] },
    updates: Array.from({ length: newTasks }, (_, index) => ({
      ...{ index, admittedAtMs: updatedAt * 1000, servingAtMs: updatedAt * 1000 },
    })),
    phaseStartedAtMs: updatedAt * 1000,
    updatedAtMs: updatedAt * 1000,
    deadlineAtMs: until * 1000,
    phases: 3,
  };
  const all = traffic(world);
  let memory: JudgeMemory | undefined;
  for (let second = updatedAt + 5; ; second += 5) {
    const seen = all.filter(({ toMs }) => toMs <= second * 1000);
    const judgement = judge(plan, seen, memory, second * 1000 + 2 * spec.binMs);
    memory = judgement.memory;
    if (judgement.verdict.verdict === 'fail' || second >= until) return { ...judgement, second };
  }
}

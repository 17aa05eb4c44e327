import { type BinTable, oldGroup } from '../../src/judge/bin-table.ts';
import type { HistoryLevel, HistoryStep, JudgeMemory } from '../../src/judge/index.ts';
import { historyKey, judgeWatch, type WatchPlan } from '../../src/judge/index.ts';
import { levelOfCounts, levelOfValues } from '../../src/judge/watch/history-step.ts';
import { type Chance, seededChance } from '../../src/kit/index.ts';
import { normal, poissonOf } from './synthetic-fleet.ts';
import { benchChecks, benchSpec } from './trial.ts';

/**
 * The synthetic fleet for longer: so many minutes of past, a rollout of 40, a watch of 60, in the noise, incidents, ill
 * hosts and restart curve of `synthetic-fleet.ts`. The load goes up and down once a day. The fault begins when the last
 * phase has passed.
 */
export interface LateFault {
  readonly name: string;
  /** Growth a minute from the begin of the watch. */
  readonly leak?: number;
  readonly latency?: number;
  /** Ratio from the begin of the watch. */
  readonly errors?: number;
}

export const stepMinutes = 5;
export const rolloutMinutes = 40;
export const watchMinutes = 60;

interface Shared {
  readonly load: Float64Array;
  readonly shock: readonly Float64Array[];
}

function sharedOf(chance: Chance, minutes: number, regions: number): Shared {
  const z = () => normal(chance);
  const load = new Float64Array(minutes);
  const shock = Array.from({ length: regions }, () => new Float64Array(minutes));
  let [loadDrift, common] = [0, 0];
  for (let t = 0; t < minutes; t += 1) {
    loadDrift = 0.9 * loadDrift + 0.08 * Math.sqrt(0.19) * z();
    common = 0.9 * common + 0.05 * Math.sqrt(0.19) * z();
    load[t] = 0.2 * Math.sin((2 * Math.PI * t) / 1440) + loadDrift;
    for (const region of shock) region[t] = common + 0.15 * load[t]!;
  }
  // As often as in the fleet of 100 minutes: each of them has one with probability 10 %.
  const incident = (targets: readonly Float64Array[], begin: number) => {
    if (chance.next() >= 0.1) return;
    const start = begin + Math.floor(chance.next() * 100);
    const length = 3 + Math.floor(chance.next() * 8);
    const height = Math.log(1.1 + 0.4 * chance.next());
    for (const one of targets) for (let t = start; t < Math.min(minutes, start + length); t += 1) one[t]! += height;
  };
  for (let begin = 0; begin < minutes; begin += 100) {
    incident(shock, begin);
    for (const region of shock) incident([region], begin);
  }
  return { load, shock };
}

/** Levels of all checks, step by step. */
export function watchSteps(
  tasks: number,
  pastMinutes: number,
  fault: LateFault | undefined,
  seed: number,
): HistoryStep[] {
  const chance = seededChance(seed, 'watch');
  const z = () => normal(chance);
  const minutes = pastMinutes + rolloutMinutes + watchMinutes;
  const { load, shock } = sharedOf(chance, minutes, 4);
  const cold = { p99: Math.log(1.3) * Math.exp(0.2 * z()), cpu: Math.log(1.3) * Math.exp(0.2 * z()) };
  const bias = { p99: 0.005 * z(), p50: 0.005 * z(), cpu: 0.005 * z(), memory: 0.005 * z(), errors: 0.015 * z() };
  const size = tasks * minutes;
  const [p99, p50, cpu, memory, errors, requests] = Array.from({ length: 6 }, () => new Float64Array(size)) as [
    Float64Array,
    Float64Array,
    Float64Array,
    Float64Array,
    Float64Array,
    Float64Array,
  ];
  const begin = pastMinutes + rolloutMinutes;
  for (let i = 0; i < tasks; i += 1) {
    const host = (chance.next() < 0.05 ? 3 : 1) * 0.05;
    const offset = { p99: host * z(), p50: host * z(), cpu: host * z(), memory: host * z(), errors: 0.3 * z() };
    const drift = { p99: 0, p50: 0, cpu: 0, memory: 0, errors: 0 };
    // Four phases; the last one, of half of the tasks, bakes for ten minutes.
    const updatedAt = pastMinutes + [0, 10, 20, 30, 30][Math.min(4, Math.floor((5 * i) / tasks))]!;
    let illUntil = -1;
    for (let t = 0; t < minutes; t += 1) {
      const at = i * minutes + t;
      drift.p99 = 0.9 * drift.p99 + 0.03 * Math.sqrt(0.19) * z();
      drift.p50 = 0.9 * drift.p50 + 0.025 * Math.sqrt(0.19) * z();
      drift.cpu = 0.9 * drift.cpu + 0.025 * Math.sqrt(0.19) * z();
      drift.memory = 0.99 * drift.memory + 0.025 * Math.sqrt(1 - 0.9801) * z();
      drift.errors = 0.9 * drift.errors + 0.1 * Math.sqrt(0.19) * z();
      if (t > illUntil && chance.next() < 0.02 / 60) illUntil = t + 5 + Math.floor(chance.next() * 16);
      const ill = t <= illUntil ? Math.log(1.3) : 0;
      const age = t - updatedAt;
      const s = shock[i % 4]![t]!;
      const late = fault === undefined ? 0 : Math.max(0, t - begin);
      const slow = late > 0 ? Math.log(1 + (fault?.latency ?? 0) * late) : 0;
      const isNew = age >= 0;
      const restart = isNew ? cold.p99 * Math.exp(-age / 2) : 0;
      const warm = isNew ? Math.log(Math.min(1, 0.6 + (0.4 * age) / 20)) + bias.memory : 0;
      const leak = late > 0 ? Math.log(1 + (fault?.leak ?? 0) * late) : 0;
      const more = late > 0 && fault?.errors !== undefined ? Math.log(fault.errors) : 0;
      const by = (own: number) => (isNew ? own : 0);
      p99[at] = Math.exp(
        Math.log(0.2) + offset.p99 + drift.p99 + s + ill + restart + by(bias.p99) + slow + 0.054 * z(),
      );
      p50[at] = Math.exp(
        Math.log(0.03) + offset.p50 + drift.p50 + 0.5 * s + ill + 0.5 * restart + by(bias.p50) + slow + 0.018 * z(),
      );
      const coldCpu = isNew ? cold.cpu * Math.exp(-age / 6) : 0;
      cpu[at] = Math.exp(Math.log(0.5) + offset.cpu + drift.cpu + load[t]! + coldCpu + by(bias.cpu) + 0.03 * z());
      memory[at] = Math.exp(Math.log(500) + offset.memory + drift.memory + warm + leak + 0.003 * z());
      const n = 1200 * Math.exp(load[t]!);
      requests[at] = n;
      const burst = offset.errors + drift.errors + 3 * s + (ill > 0 ? Math.log(5) : 0) + by(bias.errors) + more;
      errors[at] = poissonOf(chance, Math.min(n, n * 0.005 * Math.exp(burst)));
    }
  }
  const cells = { p99, p50, cpu, memory };
  const steps: HistoryStep[] = [];
  for (let from = 0; from < minutes; from += stepMinutes) {
    const table = tableOf(tasks);
    const cut = (all: Float64Array) => cutOf(all, tasks, minutes, from);
    const levels: Record<string, HistoryLevel> = {};
    for (const check of benchChecks) {
      const level =
        check.name === 'errors'
          ? levelOfCounts(table, { kind: 'counts', events: cut(errors), exposure: cut(requests) })
          : levelOfValues(table, { kind: 'values', values: cut(cells[check.name as keyof typeof cells]) }, check.worse);
      if (level !== undefined) levels[historyKey(check)] = level;
    }
    const busy = from + stepMinutes > pastMinutes && from < begin;
    steps.push({ fromMs: from * 60_000, toMs: (from + stepMinutes) * 60_000, busy, levels });
  }
  return steps;
}

function tableOf(tasks: number): BinTable {
  const size = tasks * stepMinutes;
  return {
    binMs: 60_000,
    firstBin: 0,
    bins: stepMinutes,
    tasks: Array.from({ length: tasks }, (_, i) => i),
    group: new Int8Array(size).fill(oldGroup),
    age: new Int16Array(size),
    newSince: new Int32Array(tasks).fill(stepMinutes),
    frozenAt: new Int32Array(tasks).fill(stepMinutes),
    domain: new Int32Array(tasks),
    domains: 1,
  };
}

function cutOf(all: Float64Array, tasks: number, minutes: number, from: number): Float64Array {
  const part = new Float64Array(tasks * stepMinutes);
  for (let row = 0; row < tasks; row += 1) {
    part.set(all.subarray(row * minutes + from, row * minutes + from + stepMinutes), row * stepMinutes);
  }
  return part;
}

/** One watch, looked at after every step: minutes until it found something, and by which check. */
export function runWatch(tasks: number, pastMinutes: number, fault: LateFault | undefined, seed: number) {
  const steps = watchSteps(tasks, pastMinutes, fault, seed);
  const fromMs = (pastMinutes + rolloutMinutes) * 60_000;
  const plan: WatchPlan = {
    rollout: 'ro_bench',
    spec: { ...benchSpec, warmupMs: 0 },
    checks: benchChecks,
    suspects: [{ rollout: 'ro_bench', startedAtMs: pastMinutes * 60_000 }],
    fromMs,
    untilMs: fromMs + watchMinutes * 60_000,
    stepMs: stepMinutes * 60_000,
    // Four phases and the watch.
    parts: 5,
  };
  let memory: JudgeMemory | undefined;
  for (let end = fromMs / plan.stepMs + 1; end <= steps.length; end += 1) {
    const nowMs = end * plan.stepMs;
    const judgement = judgeWatch(plan, steps.slice(0, end), memory, nowMs);
    memory = judgement.memory;
    const failed = judgement.verdict.perCheck.find(({ verdict }) => verdict === 'fail');
    if (judgement.verdict.verdict === 'fail')
      return { failed: true, minutes: (nowMs - fromMs) / 60_000, check: failed?.check };
  }
  return { failed: false, minutes: watchMinutes, check: undefined };
}

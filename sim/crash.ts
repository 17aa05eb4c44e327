import { noLimits, noSharedLimits } from '../src/disruption/index.ts';
import { healthy } from '../src/drivers/simulated/index.ts';
import { Abandon, type Hooks, type Moment } from '../src/engine/index.ts';
import { type Chance, pickBelow, seededChance } from '../src/kit/index.ts';
import type { PhaseSpec, PlanSpec } from '../src/model/index.ts';
import { type Scenario, v0, v1, v2 } from './scenario.ts';
import { runWhole, type WholeOptions, type WholeResult } from './whole.ts';

const gates = {
  concurrency: { count: 1 },
  minBakeMs: 2000,
  maxBakeMs: 12_000,
  onFail: 'revert',
  onUndecided: null,
} as const;

const plan: PlanSpec = {
  phases: [
    { name: 'first', select: { count: 1 }, ...gates },
    { name: 'all', select: { percent: 100 }, ...gates },
  ],
  newcomers: 'last-good',
  overlap: 'wait',
  forwardOnly: false,
};

/**
 * Four tasks; the new version is good, or the judge fails it, it goes back and its commit is marked. Variants differ in
 * budget, concurrency, times and what chance does.
 */
export function crashScenario(kind: 'rollout' | 'revert', variant = 0): Scenario {
  const chance = seededChance(variant, 'crash');
  const phases = variant === 0 ? plan.phases : plan.phases.map((phase) => ({ ...phase, ...variedGates(chance) }));
  const hosts = ['a', 'b', 'c'].map((rack, at) => ({ id: `host-${at}`, labels: { region: 'north', rack } }));
  return {
    seed: 7 + variant,
    hosts,
    size: 4,
    budget: { count: variant === 0 ? 1 : 1 + pickBelow(chance, 2) },
    limits: noLimits,
    forwardOnly: false,
    surge: 0,
    shared: noSharedLimits,
    running: v0,
    versions: {
      [v0]: { ...healthy, startMs: 300, fetchMs: 50 },
      [v1]: { ...healthy, startMs: 300, fetchMs: 50, errorRatio: kind === 'revert' ? 0.1 : 0 },
      [v2]: healthy,
    },
    judge: 'decides',
    network: { minLatencyMs: 1, maxLatencyMs: 5, lossRatio: 0, repeatRatio: 0 },
    happenings: [{ atMs: 1000, kind: 'deploy', to: v1, plan: { ...plan, phases }, rolloutKind: 'deploy' }],
  };
}

function variedGates(chance: Chance): Pick<PhaseSpec, 'concurrency' | 'minBakeMs' | 'maxBakeMs'> {
  return {
    concurrency: { count: 1 + pickBelow(chance, 3) },
    minBakeMs: 1000 + pickBelow(chance, 3000),
    // So long that the judge sees in the end, wherever the crash was.
    maxBakeMs: 120_000,
  };
}

export type CrashPoint = 'beforeCommit' | 'afterCommit' | 'afterEffect';

export interface CrashReport {
  readonly points: number;
  readonly reference: WholeResult;
  readonly failures: readonly string[];
}

/** Every transaction, before and after it, and every effect between doing and recording. */
export async function listCrashPoints(
  scenario: Scenario,
  controller?: WholeOptions['controller'],
): Promise<{ points: number; reference: WholeResult }> {
  let points = 0;
  const reference = await runWhole(scenario, { hooks: hooksOf(() => points++), ...(controller && { controller }) });
  return { points, reference };
}

/** Abandons the world at one point; another process goes on from the database. */
export async function runWithCrash(
  scenario: Scenario,
  at: number,
  controller?: WholeOptions['controller'],
): Promise<{ result: WholeResult; where: string }> {
  let count = 0;
  let where = '';
  const hooks = hooksOf((point, moment) => {
    if (count++ !== at) return;
    where = `${point} of ${moment.what} ${moment.kind} ${moment.key}`;
    throw new Abandon();
  });
  return { result: await runWhole(scenario, { hooks, ...(controller && { controller }) }), where };
}

/** The same outcome wherever it dies: assignment, marks, nothing left over, nothing begun twice. */
export async function proveCrashes(
  scenario: Scenario,
  every = 1,
  controller?: WholeOptions['controller'],
): Promise<CrashReport> {
  const { points, reference } = await listCrashPoints(scenario, controller);
  const failures: string[] = [];
  if (reference.unfinished > 0) failures.push(`${reference.unfinished} rows of work or effects are left over`);
  for (let at = 0; at < points; at += every) {
    const { result, where } = await runWithCrash(scenario, at, controller);
    const wrong = differs(reference, result);
    if (wrong !== undefined) failures.push(`point ${at} (${where}): ${wrong}`);
  }
  return { points, reference, failures };
}

function differs(reference: WholeResult, result: WholeResult): string | undefined {
  if (result.violation !== undefined) return result.violation.message;
  const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);
  if (!same(reference.assignment, result.assignment)) return `assignment ${JSON.stringify(result.assignment)}`;
  if (!same(reference.outcomes, result.outcomes)) return `outcomes ${JSON.stringify(result.outcomes)}`;
  if (result.unfinished > 0) return `${result.unfinished} rows of work or effects are left over`;
  if (!same(reference.marks, result.marks)) return `marks ${JSON.stringify(result.marks)}`;
  return undefined;
}

function hooksOf(act: (point: CrashPoint, moment: Moment) => void): Hooks {
  return {
    beforeCommit: (moment) => act('beforeCommit', moment),
    afterCommit: (moment) => act('afterCommit', moment),
    afterEffect: (moment) => act('afterEffect', moment),
  };
}

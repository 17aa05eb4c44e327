import { type Rollout, type RolloutId, rollway } from '../src/model/index.ts';
import { newRollout, placeboPlan, roundPlan } from '../src/rollout/index.ts';
import { type Happening, type Scenario, v0, v1, withStrategy } from './scenario.ts';
import { jobId as job } from './versions.ts';

/** What a person's deployment becomes. */
export function deploymentOf(
  scenario: Scenario,
  id: RolloutId,
  one: Extract<Happening, { kind: 'deploy' }>,
  nowMs: number,
): Rollout {
  return newRollout(
    {
      id,
      job,
      release: undefined,
      to: one.to,
      kind: one.rolloutKind,
      plan: withStrategy(one.plan, scenario),
      judged: scenario.judge !== 'none',
      holdAfter: one.holdAfter,
      forwardOnly: scenario.forwardOnly && one.to === v1 ? 'it drops a column' : undefined,
      createdBy: { kind: 'person', name: 'ada' },
      reason: undefined,
    },
    nowMs,
  );
}

/** What a person's wish to restart or move tasks becomes. */
export function roundOf(id: RolloutId, one: Extract<Happening, { kind: 'round' }>, nowMs: number): Rollout {
  const plan = roundPlan(one.tasks, { percent: 100 });
  const asked = {
    judged: false,
    holdAfter: undefined,
    createdBy: { kind: 'person', name: 'ada' },
    reason: 'a leak',
  } as const;
  return newRollout({ id, job, release: undefined, to: v0, kind: one.how, plan, ...asked }, nowMs);
}

/** The placebo of a deployment, where the scenario has one; a rollback waits for none. */
export function placeboRoundOf({ placebo }: Scenario, id: RolloutId, before: Rollout, nowMs: number): Rollout[] {
  if (placebo === undefined || before.kind !== 'deploy') return [];
  const plan = placeboPlan(placebo.tasks, placebo.bakeMs);
  const asked = { judged: false, holdAfter: undefined, createdBy: rollway('judge'), reason: 'a placebo' } as const;
  const round = { id, job, release: undefined, to: v0, kind: 'restart', plan, placeboFor: before.id } as const;
  return [newRollout({ ...round, ...asked }, nowMs)];
}

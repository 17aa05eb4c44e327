import type { Barrier, JobName, Rollout, RolloutCommand, TaskState, VersionId } from '../../model/index.ts';
import { type Rules, standardRules } from '../rules.ts';
import { planOf, smallJob, v1 } from './small-job.ts';

export interface SmallGroup {
  readonly waves: readonly (readonly JobName[])[];
  readonly barrier: Barrier;
  /** Phases of each job, as numbers of tasks; default `[1, 4]`. */
  readonly phases?: Readonly<Record<JobName, readonly number[]>>;
  readonly plan?: Parameters<typeof planOf>[1];
  /** Jobs that nothing was ever deployed to. */
  readonly empty?: readonly JobName[];
  /** Jobs whose version the judge compares. */
  readonly judged?: readonly JobName[];
  readonly to?: VersionId;
  /** Broken ones, to see that tests see them. */
  readonly rules?: Rules;
}

/** Several jobs in the hand whose rollouts go together; each decides alone, and sees the others as they were committed. */
export function smallGroup({
  waves,
  barrier,
  phases = {},
  plan = {},
  empty = [],
  judged = [],
  to = v1,
  rules = standardRules,
}: SmallGroup) {
  const names = waves.flat();
  const members = names.map((name) => {
    const id: Rollout['id'] = `ro_${name}`;
    return { name, job: `guestbook@production.${name}` as const, rollout: id };
  });
  const jobs = new Map(
    names.map((name) => [name, smallJob({ size: 4, budget: 4, running: empty.includes(name) ? null : 'v_0' })]),
  );
  for (const { name, rollout: id } of members) {
    jobs.get(name)!.rules = rules;
    const group = { id: 'run_1' as const, name, waves: waves.map((wave) => [...wave]), barrier, members };
    jobs
      .get(name)!
      .deploy(to, { id, plan: planOf([...(phases[name] ?? [1, 4])], plan), group, judged: judged.includes(name) });
  }
  const group = {
    names,
    job: (name: JobName) => jobs.get(name)!,
    rollout: (name: JobName): Rollout => jobs.get(name)!.rollout(),
    states: (): string[] => names.map((name) => group.rollout(name).state),
    /** One decision about one job, and what its agents make of it. */
    turn(name: JobName, outcome: TaskState = 'serving', afterMs = 600): void {
      const one = jobs.get(name)!;
      one.others(
        new Map(names.filter((other) => other !== name).map((other) => [`ro_${other}`, group.rollout(other)])),
      );
      one.decide(afterMs);
      one.obey(outcome);
    },
    /** All of them in turn until this holds; false: it never does. */
    settle(until: () => boolean, outcome: (name: JobName) => TaskState = () => 'serving'): boolean {
      for (let round = 0; round < 60; round++) {
        for (const name of names) {
          group.turn(name, outcome(name));
          if (until()) return true;
        }
      }
      return false;
    },
    isOver: (): boolean => names.every((name) => group.rollout(name).endedAtMs !== undefined),
    tell(name: JobName, command: RolloutCommand): void {
      jobs.get(name)!.command(command);
    },
  };
  return group;
}

import type { GroupSpec, JobName } from '../model/index.ts';
import { neededBefore } from './barrier.ts';

/** A job with its phases, as long as each is expected to take. */
export interface TimedJob {
  readonly name: JobName;
  readonly phases: readonly { readonly name: string; readonly tookMs: number }[];
}

/** When a phase of a job begins and ends, counted from the start of the whole, and which it waits for. */
export interface OrderedPhase {
  readonly job: JobName;
  readonly phase: string;
  readonly startsMs: number;
  readonly endsMs: number;
  /** The last ones that the barrier asks for; its own job's phases are not named. */
  readonly after: readonly { readonly job: JobName; readonly phase: string }[];
}

/** The phases of all jobs in the order in which the barrier lets them begin: the same rule as the run itself. */
export function orderOfGroup(group: GroupSpec, jobs: readonly TimedJob[]): OrderedPhase[] {
  const done = new Map<JobName, OrderedPhase[]>(jobs.map(({ name }) => [name, []]));
  const order: OrderedPhase[] = [];
  for (let isMoving = true; isMoving; ) {
    isMoving = false;
    for (const job of jobs) {
      const own = done.get(job.name)!;
      const phase = job.phases[own.length];
      if (phase === undefined) continue;
      const needs = neededBefore(group, job.name, own.length).flatMap(({ name, phases }) => {
        const other = jobs.find((one) => one.name === name);
        const last = other === undefined ? 0 : Math.min(phases, other.phases.length);
        return last === 0 ? [] : [{ name, ended: done.get(name)?.[last - 1] }];
      });
      if (needs.some(({ ended }) => ended === undefined)) continue;
      const after = needs.map(({ name, ended }) => ({ job: name, phase: ended!.phase }));
      const startsMs = Math.max(0, own.at(-1)?.endsMs ?? 0, ...needs.map(({ ended }) => ended!.endsMs));
      const ordered = { job: job.name, phase: phase.name, startsMs, endsMs: startsMs + phase.tookMs, after };
      own.push(ordered);
      order.push(ordered);
      isMoving = true;
    }
  }
  return order.sort((a, b) => a.startsMs - b.startsMs);
}

import { pickOne, seededChance } from '../src/kit/index.ts';
import { type MaintenanceAnswer, maintenanceAnswers, type Outage, type OutageId } from '../src/model/index.ts';
import type { JobDecision, JobState } from '../src/rollout/index.ts';
import { Violation } from './invariants.ts';
import type { Happening } from './scenario.ts';

type Announced = Extract<Happening, { kind: 'maintenance' }>;

/** What a person announces becomes an outage of the host; tasks leave from a second later on. */
export function outageOf({ host, noticeMs, work }: Announced, id: OutageId, nowMs: number): Outage {
  const deadlineAtMs = nowMs + noticeMs;
  const told = work && {
    maintenance: `mnt_${id.slice(4)}` as const,
    scope: host,
    reason: 'a new switch',
    untilMs: deadlineAtMs + work.saidToTakeMs,
    hostsStayUp: work.hostsStayUp,
  };
  return {
    id,
    cause: 'maintenance',
    scope: { host },
    operation: undefined,
    startsAtMs: nowMs + 1000,
    deadlineAtMs,
    endedAtMs: undefined,
    work: told,
  };
}

/** Half of the jobs have an owner who says what becomes of tasks under maintenance. */
export function policyOf(seed: number): MaintenanceAnswer | undefined {
  const chance = seededChance(seed, 'on maintenance');
  return chance.next() < 0.5 ? undefined : pickOne(chance, maintenanceAnswers);
}

/**
 * Without a controller it is as the job's owner says: whom a maintenance is not to move is not moved because of it,
 * and who rides it out on a host that stays up is not stopped.
 */
export function asItWasSaid(before: JobState, { dispatches, after }: JobDecision, nowMs: number): void {
  const answer = after.job.onMaintenance ?? 'move';
  if (after.job.taskControl !== undefined || answer === 'move') return;
  for (const dispatch of dispatches) {
    if (dispatch.kind !== 'execute') continue;
    const { kind, index, exemption } = dispatch.operation;
    const host = after.tasks.get(index)?.current?.host;
    const works = before.outages.filter(
      ({ cause, scope, startsAtMs }) =>
        cause === 'maintenance' && 'host' in scope && scope.host === host && startsAtMs <= nowMs,
    );
    const isLeaving = before.inventory.hosts.some(({ id, state }) => id === host && state === 'leaving');
    if (works.length === 0 || isLeaving) continue;
    const isRound = after.assignment.get(index)?.renewAbove !== undefined;
    if (kind === 'move' && !isRound) {
      throw new Violation('maintenance', 'a task was moved that was to stay', { index, host, answer });
    }
    const ridesItOut = answer === 'ignore' && works.every(({ work }) => work?.hostsStayUp === true);
    if (exemption === 'forced' && ridesItOut) {
      throw new Violation('maintenance', 'a task was stopped that rides it out', { index, host });
    }
  }
}

import { isUnderWay } from '../../src/model/index.ts';
import type { Ground } from '../ground.ts';
import { Violation } from '../invariants.ts';
import { cannotServe } from '../rest.ts';
import type { Hosts } from './hosts.ts';
import type { SimulatedJob } from './job.ts';
import type { Works } from './works.ts';

/** Detection aside, and with every fault still going on. */
const failoverWithinMs = 40_000;
/** When the wait after a failed try is over, the next one begins. */
const tryWithinMs = 2000;

/** L1: what ran on a host that has been lost for long runs somewhere else by now, or is being started there. */
export function checkFailover(ground: Ground, hosts: Hosts, works: Works, job: SimulatedJob): void {
  if (hosts.facts().massSilence) return;
  const { tasks, assignment, operations, job: facts } = job.state;
  for (const { current, index, notBeforeMs } of tasks.values()) {
    const version = assignment.get(index)?.version;
    const lostSinceMs = current === undefined ? undefined : hosts.lostSince.get(current.host);
    if (version === undefined || lostSinceMs === undefined || cannotServe(ground.scenario, version)) continue;
    // A try that has failed, because its host was lost as well, is repeated a little later.
    const isBeingTried = notBeforeMs + tryWithinMs > ground.serverMs();
    const sinceMs = Math.max(lostSinceMs, works.workedOnAtMs(current!.host));
    const isWorkedOn = works.isUnderWork(current!.host);
    const isLong = ground.clock.nowMs() - sinceMs > failoverWithinMs && !isBeingTried && !isWorkedOn;
    const isTried = operations.some((one) => one.index === index && one.admittedAtMs !== undefined);
    if (isLong && !isTried && !waitsForItsPhase(ground, hosts, job, index) && index < facts.size) {
      throw new Violation('L1', 'a task of a lost host was not placed again', { index, host: current!.host });
    }
  }
}

/**
 * All of its phase have to stop before it starts, and a controller that is waited for is not told that a stop on a lost
 * host has ended; nor is there room for the last stop while an index that has left the job is still being worked on
 * there. A person declares the host dead, or goes on without the controller.
 */
function waitsForItsPhase(ground: Ground, hosts: Hosts, job: SimulatedJob, index: number): boolean {
  const owner = job.state.assignment.get(index)?.rollout;
  const rollout = job.state.rollouts.find(({ id }) => id === owner);
  if (ground.scenario.recreates !== true || rollout === undefined) return false;
  return job.hasService || isRoomTakenByLostHost(hosts, job);
}

function isRoomTakenByLostHost({ lostSince }: Hosts, { state }: SimulatedJob): boolean {
  return state.operations.some(
    ({ index, host, state: at }) =>
      index >= state.job.size && isUnderWay(at) && host !== undefined && lostSince.has(host),
  );
}

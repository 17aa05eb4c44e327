import type { Proposal, View } from '../../engine/index.ts';
import { formatDuration } from '../../kit/index.ts';
import {
  type Actor,
  err,
  type HostId,
  type HostState,
  ok,
  type Problem,
  problem,
  type Result,
} from '../../model/index.ts';
import * as rows from '../rows.ts';
import { decideOn } from './wake.ts';

/** `rollway host dead`: nothing runs there any more, so its tasks (singletons too) may start elsewhere. */
export function declareDead(
  host: HostId,
  actor: Actor,
  reason: string,
  nowMs: number,
): (view: View) => Promise<Proposal<Result<HostState>>> {
  return changeByPerson(host, 'fenced', actor, reason, nowMs);
}

/** `rollway host leave`: nothing new goes there; its tasks are moved within the budget. */
export function letLeave(
  host: HostId,
  actor: Actor,
  reason: string,
  nowMs: number,
): (view: View) => Promise<Proposal<Result<HostState>>> {
  return changeByPerson(host, 'leaving', actor, reason, nowMs);
}

/** `rollway host stay`: it does not leave after all; what was moved stays where it is now. */
export function letStay(
  host: HostId,
  actor: Actor,
  reason: string,
  nowMs: number,
): (view: View) => Promise<Proposal<Result<HostState>>> {
  return changeByPerson(host, 'up', actor, reason, nowMs);
}

/** `rollway host remove`: forgets a host that is gone or leaving and has nothing any more. It may join again. */
export function removeHost(
  host: HostId,
  actor: Actor,
  reason: string,
): (view: View) => Promise<Proposal<Result<void>>> {
  return async ({ tx, guard }) => {
    await guard('host', host);
    const known = await rows.findHost(tx, host);
    if (known === undefined) return { result: err(problem('host/unknown', `There is no host ${host}.`, { host })) };
    const { state } = known;
    if (state !== 'lost' && state !== 'fenced' && state !== 'leaving') {
      return { result: err(problem('api/conflict', `${host} is ${state}; let it leave first.`, { host, state })) };
    }
    const jobs = await rows.listJobsOnHost(tx, host);
    if (jobs.length > 0) {
      const detail = `${host} still has tasks of ${jobs.join(', ')}.`;
      return { result: err(problem('api/conflict', detail, { host, jobs })) };
    }
    return {
      bump: [{ kind: 'host', id: host }],
      write: (writer) => rows.deleteHost(writer, host),
      events: [{ stream: `host/${host}`, type: 'host.removed', actor, data: { from: state, reason } }],
      work: await decideOn(tx, host),
      result: ok(undefined),
    };
  };
}

function changeByPerson(
  host: HostId,
  to: HostState,
  actor: Actor,
  reason: string,
  nowMs: number,
): (view: View) => Promise<Proposal<Result<HostState>>> {
  return async ({ tx, guard }) => {
    await guard('host', host);
    const known = await rows.findHost(tx, host);
    if (known === undefined) return { result: err(problem('host/unknown', `There is no host ${host}.`, { host })) };
    if (known.state === to) return { result: ok(to) };
    const refusal = whyNot(known, to, nowMs);
    if (refusal !== undefined) return { result: err(refusal) };
    return {
      bump: [{ kind: 'host', id: host }],
      write: (writer) => rows.updateHostState(writer, host, to, nowMs),
      events: [{ stream: `host/${host}`, type: `host.${to}`, actor, data: { from: known.state, to, reason } }],
      work: await decideOn(tx, host),
      result: ok(to),
    };
  };
}

/** A host that is heard is not dead, and one that is not heard cannot leave in order. */
function whyNot(known: rows.HostRecord, to: HostState, nowMs: number): Problem | undefined {
  const { id: host, state, lastSeenAtMs } = known;
  const silentMs = nowMs - lastSeenAtMs;
  const isHeard = (state === 'up' || state === 'leaving') && silentMs < declareDeadAfterMs;
  if (to === 'fenced' && isHeard) {
    const detail = `${host} was heard ${formatDuration(Math.max(0, silentMs))} ago, so its tasks still run.`;
    return problem('host/alive', detail, { host, lastSeenAtMs });
  }
  if (to === 'leaving' && (state === 'lost' || state === 'fenced')) {
    return problem('api/conflict', `${host} is ${state}: it has left already.`, { host, state });
  }
  if (to === 'up' && state !== 'leaving') {
    return problem('api/conflict', `${host} is ${state}, not leaving.`, { host, state });
  }
  return undefined;
}

const declareDeadAfterMs = 3000;

import type { Hello } from '../../api/index.ts';
import { listTasks } from '../../disruption/rows.ts';
import type { Proposal, View } from '../../engine/index.ts';
import type { Actor, JobId, NewEvent } from '../../model/index.ts';
import type { Tx } from '../../store/index.ts';
import * as rows from '../rows.ts';
import { decideAll, decideOn } from './wake.ts';
import { fleetWatchWork } from './watch.ts';

export interface Superseded {
  readonly job: JobId;
  readonly index: number;
  readonly incarnation: number;
}

/**
 * A host says what it has and asks what of it still counts. One that was lost or fenced lives after all: what was
 * replaced meanwhile is superseded, and `job/decide` of its jobs sees to it.
 */
export function recordHello(hello: Hello, nowMs: number): (view: View) => Promise<Proposal<readonly Superseded[]>> {
  return async ({ tx, guard }) => {
    await guard('host', hello.host);
    const before = await rows.findHost(tx, hello.host);
    const { host, address, labels, capacity, abilities } = hello;
    const facts = { address, labels, capacity, abilities, agentVersion: hello.version };
    const hasChanged =
      before === undefined ||
      JSON.stringify([before.address, before.labels, before.capacity, before.agentVersion]) !==
        JSON.stringify([address, labels, capacity, hello.version]);
    const from = before?.state;
    const isBack = from === 'fenced' || from === 'lost';
    const to = (await rows.loadWatchMemory(tx)).wereLeaving.includes(hello.host) ? 'leaving' : 'up';
    const actor: Actor = { kind: 'agent', host };
    const events: NewEvent[] = [];
    if (hasChanged) {
      const data = { address, labels, capacity, abilities, version: hello.version };
      events.push({ stream: `host/${host}`, type: 'host.described', actor, data });
    }
    if (isBack) {
      const reason = from === 'fenced' ? 'it said hello although it had been declared dead' : 'it said hello again';
      events.push({ stream: `host/${host}`, type: `host.${to}`, actor, data: { from, to, reason } });
    }
    return {
      bump: hasChanged || isBack ? [{ kind: 'host', id: host }] : [],
      write: async (writer) => {
        await rows.updateHostFacts(writer, host, facts, nowMs);
        if (isBack) await rows.updateHostState(writer, host, to, nowMs);
      },
      events,
      work: [fleetWatchWork, ...(hasChanged || isBack ? await decideAll(tx) : await decideOn(tx, host))],
      result: await listSuperseded(tx, hello),
    };
  };
}

async function listSuperseded(tx: Tx, hello: Hello): Promise<Superseded[]> {
  const superseded: Superseded[] = [];
  for (const job of new Set(hello.tasks.map((task) => task.job as JobId))) {
    const highest = new Map((await listTasks(tx, job)).map((task) => [task.index, task.highestIncarnation]));
    for (const { index, incarnation } of hello.tasks.filter((task) => task.job === job)) {
      if ((highest.get(index) ?? 0) > incarnation) superseded.push({ job, index, incarnation });
    }
  }
  return superseded;
}

import type { Enqueue, Proposal, View } from '../../engine/index.ts';
import {
  type DriverId,
  type HostCapacity,
  type HostId,
  type NewEvent,
  partsOfDriver,
  rollway,
} from '../../model/index.ts';
import type { Tx } from '../../store/index.ts';
import * as rows from '../rows.ts';
import { decideOn } from './wake.ts';
import { fleetWatchWork } from './watch.ts';

export interface NamedHost {
  readonly id: HostId;
  readonly address: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly capacity: HostCapacity;
}

/**
 * A driver says which hosts it has. New ones are there at once; what is said of others is kept; one that was given up
 * is back, and what was replaced meanwhile is superseded. One that is not named any more and has nothing is forgotten;
 * if it has something it falls silent instead: what is on it is not known.
 */
export function keepDriverHosts(
  driver: DriverId,
  named: readonly NamedHost[],
  nowMs: number,
): (view: View) => Promise<Proposal<void>> {
  return async ({ tx, guard }) => {
    const known = new Map((await rows.listHosts(tx)).filter((host) => host.driver === driver).map((h) => [h.id, h]));
    const events: NewEvent[] = [];
    const writes: ((tx: Tx) => Promise<void>)[] = [];
    const work: Enqueue[] = [];
    const changed: HostId[] = [];
    const tell = (host: HostId, type: string, data: Record<string, unknown>): void => {
      changed.push(host);
      events.push({ stream: `host/${host}`, type, actor: rollway('fleet'), data: { driver, ...data } });
    };
    for (const { id, address, labels, capacity } of named) {
      await guard('host', id);
      const before = known.get(id);
      const facts = { address, labels, capacity, abilities: before?.abilities ?? [], agentVersion: '' };
      const isChanged =
        before === undefined ||
        JSON.stringify([before.address, before.labels, before.capacity]) !==
          JSON.stringify([address, labels, capacity]);
      if (before === undefined) writes.push((writer) => rows.insertHost(writer, id, '', '', nowMs, driver));
      if (isChanged) tell(id, before === undefined ? 'host.joined' : 'host.described', { address, labels, capacity });
      writes.push((writer) => rows.updateHostFacts(writer, id, facts, nowMs));
      if (before?.state === 'fenced' || before?.state === 'lost') {
        tell(id, 'host.up', { from: before.state, to: 'up', reason: 'its driver names it again' });
        writes.push((writer) => rows.updateHostState(writer, id, 'up', nowMs));
      }
    }
    const names = new Set(named.map(({ id }) => id));
    for (const { id } of known.values()) {
      if (names.has(id)) continue;
      await guard('host', id);
      if ((await decideOn(tx, id)).length > 0) continue;
      tell(id, 'host.removed', { reason: 'its driver does not name it any more, and nothing is on it' });
      writes.push((writer) => rows.deleteHost(writer, id));
    }
    const job = partsOfDriver(driver)?.job;
    if (changed.length > 0 && job !== undefined) work.push({ kind: 'job/decide', key: job });
    return {
      bump: [...new Set(changed)].map((id) => ({ kind: 'host' as const, id })),
      write: async (writer) => {
        for (const write of writes) await write(writer);
      },
      events,
      work: [fleetWatchWork, ...work],
      result: undefined,
    };
  };
}

/** Forgets a driver that its job left, once nothing is on its hosts; gives whether it is forgotten. */
export function forgetDriver(driver: DriverId): (view: View) => Promise<Proposal<boolean>> {
  return async ({ tx, guard }) => {
    const hosts = (await rows.listHosts(tx)).filter((host) => host.driver === driver);
    for (const { id } of hosts) {
      await guard('host', id);
      if ((await decideOn(tx, id)).length > 0) return { result: false };
    }
    return {
      bump: hosts.map(({ id }) => ({ kind: 'host' as const, id })),
      write: async (writer) => {
        for (const { id } of hosts) await rows.deleteHost(writer, id);
        await rows.deleteDriver(writer, driver);
      },
      events: hosts.map(({ id }) => {
        const data = { driver, reason: 'its job has another driver' };
        return { stream: `host/${id}`, type: 'host.removed', actor: rollway('fleet'), data };
      }),
      result: true,
    };
  };
}

// Who has which shard, and how one moves: added to the next owner, told to clients, dropped from the last one. Also the
// TaskController of such a store: a task is let go when its shards are elsewhere.
import { setTimeout as sleep } from 'node:timers/promises';

/**
 * `urlOf(index)`: where a task answers; undefined: nowhere now. `routes`: the map that clients read, shard → task.
 * `settleMs`: how old a map a client may have; only then the last owner drops the shard.
 */
export function openManager({ shards, urlOf, settleMs = 0 }) {
  const routes = new Map();
  const busy = new Map();

  async function call(index, path) {
    const url = urlOf(index);
    if (url === undefined) return false;
    try {
      return (await fetch(`${url}${path}`, { method: 'POST', signal: AbortSignal.timeout(3000) })).ok;
    } catch {
      return false;
    }
  }

  /** One move of a shard at a time, in the order in which they were asked for. False: it stayed where it was. */
  function move(shard, to) {
    const work = (busy.get(shard) ?? Promise.resolve()).then(() => moveOnce(shard, routes.get(shard), to));
    busy.set(shard, work);
    return work;
  }

  async function moveOnce(shard, from, to) {
    if (from === to) return true;
    const source = from === undefined ? undefined : urlOf(from);
    const query = source === undefined ? '' : `?from=${encodeURIComponent(source)}`;
    if (!(await call(to, `/shards/${shard}/add${query}`))) return false;
    routes.set(shard, to);
    if (from === undefined) return true;
    // Clients with an old map still come here, and are answered with the new owner's help.
    await sleep(settleMs);
    await call(from, `/shards/${shard}/drop`);
    return true;
  }

  const of = (index) => shards.filter((shard) => routes.get(shard) === index);

  /** All shards away from a task, each to whichever other one has the fewest; how many stayed. */
  async function drain(index, others) {
    const moves = of(index).map((shard) => {
      const load = (one) => of(one).length + (coming.get(one) ?? 0);
      const [to] = others.filter((one) => one !== index).sort((a, b) => load(a) - load(b) || a - b);
      coming.set(to, (coming.get(to) ?? 0) + 1);
      return move(shard, to).finally(() => coming.set(to, coming.get(to) - 1));
    });
    return (await Promise.all(moves)).filter((isMoved) => !isMoved).length;
  }
  const coming = new Map();

  /** A task that came back empty is given again what the map says it has; its data is gone. */
  async function repair(index) {
    const url = urlOf(index);
    const held =
      url &&
      (await fetch(`${url}/held`).then(
        (answer) => answer.json(),
        () => undefined,
      ));
    if (held === undefined) return;
    for (const shard of of(index)) if (!held.shards.includes(shard)) await call(index, `/shards/${shard}/add`);
  }

  /**
   * For `serveTaskControl({ decide })` of `rollway/sdk`: one task at a time, and only when nothing is on it any more.
   * Draining goes on between calls; an answer never waits for it.
   */
  function drainFirst(tasks) {
    const draining = new Set();
    return ({ waiting, out }) => {
      const next = waiting[0];
      if (next === undefined || out.size > 0) return { ack: [] };
      if (of(next.index).length === 0) return { ack: [next] };
      if (!draining.has(next.index)) {
        draining.add(next.index);
        drain(next.index, tasks).finally(() => draining.delete(next.index));
      }
      return { ack: [], reasons: { [next.opId]: `${of(next.index).length} shards are being moved away` } };
    };
  }

  return { routes, move, drain, repair, drainFirst, of };
}

// Random SIGKILLs of agent and keepers while tasks are being updated: each index ends with one process of the wanted version.
import type { ChildProcess } from 'node:child_process';
import { expect, test } from 'vitest';
import { pickBelow, pickOne, seededChance } from '../../src/kit/index.ts';
import { ask, keepersBelow, mainProcessesOf, openRig, order, outcomeOf, packApp, type Rig, until } from './rig.ts';

const kills = Number(process.env.ROLLWAY_CHAOS_KILLS ?? 6);
const seed = Number(process.env.ROLLWAY_CHAOS_SEED ?? 20_261);
const indices = [0, 1, 2, 3];

const times = { restart: { baseMs: 50, capMs: 500, maxEnds: 50, windowMs: 60_000, settleMs: 100 } };

test(`${kills} random kills (seed ${seed}): no task twice, none lost, every operation ends`, async () => {
  const rig = await openRig();
  try {
    await killAtRandom(rig);
  } finally {
    await rig.close();
  }
}, 180_000);

async function killAtRandom(rig: Rig): Promise<void> {
  let agent: ChildProcess = await rig.spawn('host-1', { times });
  const chance = seededChance(seed, 'kills');
  const digests = [await packApp(rig, 'even'), await packApp(rig, 'odd')];
  let most = 0;
  const watch = setInterval(() => {
    // One listing is no moment: a process may end and its successor begin while it is made. Who is in two listings in a
    // row was there in between, together with all the others.
    const before = new Set(mainProcessesOf(rig, 'web@test'));
    const running = mainProcessesOf(rig, 'web@test').filter((pid) => before.has(pid)).length;
    most = Math.max(most, running);
  }, 20);
  let incarnation = 0;
  let round = 0;
  const sendAll = async (): Promise<string[]> => {
    round += 1;
    const orders = indices.map((index) =>
      order(digests[round % 2]!, {
        index,
        incarnation,
        nextIncarnation: incarnation + 1,
        epoch: round,
        task: { drainMs: 100, ready: { http: { path: '/ready', port: 'http' }, deadlineMs: 30_000 } },
      }),
    );
    incarnation += 1;
    for (const each of orders) await rig.send('host-1', each);
    return orders.map(({ id }) => id);
  };
  try {
    for (let ids = await sendAll(), killed = 0; ; ) {
      while (killed < kills && pickBelow(chance, 4) > 0) {
        await new Promise((resolve) => setTimeout(resolve, pickBelow(chance, 900)));
        killed += 1;
        const keepers = keepersBelow(rig.folder);
        if (pickBelow(chance, 3) > 0 && keepers.length > 0) process.kill(pickOne(chance, keepers), 'SIGKILL');
        else {
          agent.kill('SIGKILL');
          await new Promise((resolve) => agent.once('close', resolve));
          agent = await rig.spawn('host-1', { times });
        }
      }
      for (const id of ids) {
        const { operation } = await outcomeOf(rig, id, 40_000);
        expect(operation, JSON.stringify({ seed, operation })).toMatchObject({ outcome: 'done' });
      }
      if (killed >= kills) break;
      ids = await sendAll();
    }
    const newest = (index: number) => rig.reports.findLast((report) => report.index === index);
    await until(() => indices.every((index) => newest(index)?.state === 'serving'), 'all serve', 20_000);
    await until(() => mainProcessesOf(rig, 'web@test').length === indices.length, 'one process each');
    for (const index of indices) {
      const answer = await ask(newest(index)!);
      expect(answer).toMatchObject({
        incarnation: String(incarnation),
        version: `v_${digests[round % 2]!.slice(0, 16)}`,
      });
    }
    expect(keepersBelow(rig.folder)).toHaveLength(indices.length);
    expect(most).toBeLessThanOrEqual(indices.length);
  } finally {
    clearInterval(watch);
  }
}

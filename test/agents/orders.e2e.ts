// TWG-1: orders repeated, late and out of order; and a rolling update under traffic that loses nothing.
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ExecuteOrder } from '../../src/api/index.ts';
import type { TaskReport } from '../../src/model/index.ts';
import { openRig, order, outcomeOf, packApp, processesOf, type Rig, type RunningAgent, until } from './rig.ts';

let rig: Rig;
let agent: RunningAgent;
let one: string;
let two: string;

beforeAll(async () => {
  rig = await openRig();
  [one, two] = [await packApp(rig, 'one'), await packApp(rig, 'two')];
  agent = await rig.start('host-1');
});
afterAll(async () => await rig.close());

test('TWG-1 every order three times, old ones again after new ones: the same end state, each done once', async () => {
  const orders: ExecuteOrder[] = [
    order(one, { kind: 'start', epoch: 1 }),
    order(two, { incarnation: 1, nextIncarnation: 2, epoch: 2 }),
    order(one, { incarnation: 2, nextIncarnation: 3, epoch: 3 }),
  ];
  for (const [i, each] of orders.entries()) {
    for (let times = 0; times < 3; times++) await rig.send('host-1', each);
    await outcomeOf(rig, each.id, 15_000);
    for (const old of orders.slice(0, i)) await rig.send('host-1', old);
  }
  const late = [
    order(two, { incarnation: 1, nextIncarnation: 2, epoch: 2 }),
    order(null, { incarnation: 2, nextIncarnation: 2, epoch: 3 }),
    order(two, { incarnation: 0, nextIncarnation: 4, epoch: 4 }),
  ];
  for (const each of late) await rig.send('host-1', each);
  for (const each of late) {
    const report = await outcomeOf(rig, each.id);
    expect(report).toMatchObject({ state: 'serving', incarnation: 3, operation: { outcome: 'refused' } });
  }
  expect(processesOf(rig, 'web@test')).toHaveLength(1);
  const begun = rig.reports.filter(({ state, job }) => job === 'web@test' && state === 'starting');
  expect(begun.map(({ incarnation }) => incarnation)).toEqual([1, 2, 3]);
}, 60_000);

test('what is remembered survives the task and the agent', async () => {
  const stop = order(null, { incarnation: 3, nextIncarnation: 3, epoch: 10 });
  await rig.send('host-1', stop);
  await outcomeOf(rig, stop.id);
  await agent.stop();
  agent = await rig.start('host-1');
  const old = order(one, { kind: 'start', incarnation: 0, nextIncarnation: 4, epoch: 9 });
  await rig.send('host-1', old);
  expect((await outcomeOf(rig, old.id)).operation).toMatchObject({
    outcome: 'refused',
    reason: expect.stringContaining('epoch'),
  });
  const used = order(one, { kind: 'start', incarnation: 0, nextIncarnation: 3, epoch: 11 });
  await rig.send('host-1', used);
  expect((await outcomeOf(rig, used.id)).operation).toMatchObject({ outcome: 'refused' });

  const anew = order(one, { kind: 'start', incarnation: 3, nextIncarnation: 4, epoch: 12 });
  await rig.send('host-1', anew);
  expect(await outcomeOf(rig, anew.id)).toMatchObject({ state: 'serving', incarnation: 4 });
}, 30_000);

test('a cancel that comes first leaves a tombstone, also over a restart of the agent', async () => {
  const never = order(one, { job: 'never@test', kind: 'start' });
  const answer = await rig.server.driver.cancel(
    never.id as `op_${string}`,
    { host: 'host-1', job: 'never@test', index: 0 },
    AbortSignal.timeout(5000),
  );
  expect(answer).toBe('never-began');
  await agent.stop();
  agent = await rig.start('host-1');
  await rig.send('host-1', never);
  expect((await outcomeOf(rig, never.id)).operation?.outcome).toBe('refused');
  expect(processesOf(rig, 'never@test')).toEqual([]);
}, 20_000);

test('"still out" is looked at when the operation begins', async () => {
  const update = order(two, { incarnation: 4, nextIncarnation: 5, epoch: 20, stillOut: 4 });
  await rig.send('host-1', update);
  const report = await outcomeOf(rig, update.id);
  expect(report).toMatchObject({
    state: 'serving',
    incarnation: 4,
    operation: { outcome: 'cancelled', reason: 'recovered' },
  });
});

test('TWH-3 four tasks rolled one after another under steady traffic: no request fails', async () => {
  const indices = [0, 1, 2, 3];
  const starts = indices.map((index) => order(one, { job: 'flow@test', index, kind: 'start', task: { drainMs: 400 } }));
  for (const each of starts) await rig.send('host-1', each);
  for (const each of starts) await outcomeOf(rig, each.id, 20_000);

  const newest = (index: number): TaskReport | undefined =>
    rig.reports.findLast((report) => report.job === 'flow@test' && report.index === index);
  const serving = (): TaskReport[] =>
    indices.map(newest).filter((report): report is TaskReport => report?.state === 'serving');
  const traffic = new AbortController();
  let requests = 0;
  const failures: string[] = [];
  const client = async (turn: number): Promise<void> => {
    for (let i = turn; !traffic.signal.aborted; i++) {
      // Re-read before each request, as a client does that follows discovery.
      const targets = serving();
      const target = targets[i % targets.length]!;
      const where = `http://${target.address}:${target.ports.http}/`;
      try {
        await (await fetch(where, { signal: AbortSignal.timeout(5000) })).text();
        requests += 1;
      } catch (cause) {
        failures.push(`${target.index}/${target.incarnation}: ${String((cause as Error).cause ?? cause)}`);
      }
    }
  };
  const clients = [0, 1, 2].map(client);
  for (const index of indices) {
    const update = order(two, {
      job: 'flow@test',
      index,
      incarnation: 1,
      nextIncarnation: 2,
      epoch: 2,
      task: { drainMs: 400 },
    });
    await rig.send('host-1', update);
    expect(await outcomeOf(rig, update.id, 20_000)).toMatchObject({ state: 'serving', incarnation: 2 });
  }
  traffic.abort();
  await Promise.all(clients);
  expect(failures).toEqual([]);
  expect(requests).toBeGreaterThan(100);
}, 90_000);

test('stopTasks: everything ends with the agent, and comes back with the next one as another life', async () => {
  await agent.stop();
  agent = await rig.start('host-1', { stopTasks: true });
  await until(() => processesOf(rig, 'flow@test').length === 4, 'they were adopted');
  await agent.stop();
  expect(processesOf(rig, 'flow@test')).toEqual([]);
  const before = rig.reports.length;
  agent = await rig.start('host-1', { stopTasks: true });
  const isBack = (index: number): boolean =>
    rig.reports
      .slice(before)
      .some(
        (r) =>
          r.job === 'flow@test' && r.index === index && r.life === 1 && r.incarnation === 2 && r.state === 'serving',
      );
  await until(() => [0, 1, 2, 3].every(isBack), 'all four serve again', 20_000);
}, 40_000);

import type { ChildProcess } from 'node:child_process';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { listProcesses } from '../../src/io/process.ts';
import { ask, keepersBelow, openRig, order, outcomeOf, packApp, processesOf, type Rig, task, until } from './rig.ts';

let rig: Rig;
let one: string;
let agent: ChildProcess;

beforeAll(async () => {
  rig = await openRig();
  one = await packApp(rig, 'one');
  agent = await rig.spawn('host-1');
});
afterAll(async () => await rig.close());

async function killAgent(): Promise<void> {
  agent.kill('SIGKILL');
  await until(() => !rig.server.isConnected('host-1'), 'the agent is gone');
}

async function startTask(
  job: 'web@test' | 'one@test' | 'two@test',
  more = {},
): Promise<Awaited<ReturnType<typeof outcomeOf>>> {
  const start = order(one, { job, kind: 'start', ...more });
  await rig.send('host-1', start);
  return await outcomeOf(rig, start.id);
}

test('TWG-2 five agents one after another: no task restarts, no exit is missed', async () => {
  const serving = await startTask('web@test');
  const { pid } = await ask(serving);
  const other = await startTask('one@test');
  for (let i = 0; i < 5; i++) {
    await killAgent();
    expect((await ask(serving)).pid).toBe(pid);
    // In the last gap the other task dies: its keeper starts it again without an agent, and the exit is told later.
    if (i === 4) await fetch(`http://${other.address}:${other.ports.http}/exit`).catch(() => {});
    agent = await rig.spawn('host-1');
  }
  expect((await ask(serving)).pid).toBe(pid);
  const { length } = rig.reports;
  const isBack = (): boolean =>
    rig.reports.some(({ job, life, state }) => job === 'one@test' && life === 1 && state === 'serving');
  await until(isBack, 'the other task serves in its next life', 12_000);
  expect(rig.reports.filter(({ job, life }) => job === 'web@test' && life > 0)).toEqual([]);
  expect(length).toBeGreaterThan(0);
  expect(processesOf(rig, 'web@test')).toHaveLength(1);

  const stop = order(null, { incarnation: 1, nextIncarnation: 1, epoch: 9 });
  await rig.send('host-1', stop);
  expect(await outcomeOf(rig, stop.id)).toMatchObject({ state: 'stopped' });
  expect(processesOf(rig, 'web@test')).toEqual([]);
}, 40_000);

test('an agent that is killed in the middle of an update ends it after its return', async () => {
  await startTask('two@test', { task: { drainMs: 1500 } });
  const update = order(one, { job: 'two@test', incarnation: 1, nextIncarnation: 2, epoch: 2, task: { drainMs: 1500 } });
  await rig.send('host-1', update);
  await until(() => rig.reports.some(({ job, state }) => job === 'two@test' && state === 'draining'), 'it drains');
  await killAgent();
  agent = await rig.spawn('host-1');
  const ended = await outcomeOf(rig, update.id);
  expect(ended).toMatchObject({ state: 'serving', incarnation: 2, operation: { outcome: 'done' } });
  expect(processesOf(rig, 'two@test')).toHaveLength(1);
}, 20_000);

test('a killed keeper takes its task with it at once, also without an agent, and one new life follows', async () => {
  const serving = await startTask('web@test', { incarnation: 0, nextIncarnation: 2, epoch: 10 });
  const { pid } = await ask(serving);
  const keeper = keeperOf(pid);
  await killAgent();
  process.kill(keeper, 'SIGKILL');
  await until(() => processesOf(rig, 'web@test').length === 0, 'the task died with its keeper', 5000);
  agent = await rig.spawn('host-1');
  const next = (): typeof serving | undefined =>
    rig.reports.findLast(
      ({ job, life, incarnation, state }) => job === 'web@test' && incarnation === 2 && life > 0 && state === 'serving',
    );
  await until(() => next() !== undefined, 'its next life serves');
  expect((await ask(next()!)).pid).not.toBe(pid);
  expect(processesOf(rig, 'web@test')).toHaveLength(1);
}, 20_000);

test('a keeper killed under its agent is noticed, buried and replaced; two never run together', async () => {
  const before = rig.reports.length;
  const [pid = 0] = processesOf(rig, 'web@test');
  let most = 0;
  process.kill(keeperOf(pid), 'SIGKILL');
  await until(() => {
    most = Math.max(most, processesOf(rig, 'web@test').length);
    return rig.reports.slice(before).some(({ job, state }) => job === 'web@test' && state === 'serving');
  }, 'it serves again');
  expect(most).toBe(1);
  const lost = rig.reports.slice(before).find(({ job, state }) => job === 'web@test' && state === 'failed');
  expect(lost?.failure).toMatchObject({ reason: 'lost' });
});

test('SIGTERM to a keeper ends its task in order', async () => {
  const [pid = 0] = processesOf(rig, 'web@test');
  const before = rig.reports.length;
  process.kill(keeperOf(pid), 'SIGTERM');
  await until(() => !processesOf(rig, 'web@test').includes(pid), 'it ended');
  await until(
    () => rig.reports.slice(before).some(({ job, state }) => job === 'web@test' && state === 'serving'),
    'still wanted, it is started again',
  );
});

test('a singleton without any agent ends itself at the end of its lease; another task goes on', async () => {
  await killAgent();
  agent = await rig.spawn('host-1', { times: { leaseMs: 1500 } });
  const singleton = { ...task, singleton: true };
  await startTask('one@test', { incarnation: 1, nextIncarnation: 2, epoch: 20, task: singleton });
  await killAgent();
  expect(processesOf(rig, 'one@test')).toHaveLength(1);
  await until(() => processesOf(rig, 'one@test').length === 0, 'the singleton fenced itself');
  expect(processesOf(rig, 'web@test')).toHaveLength(1);
  agent = await rig.spawn('host-1', { times: { leaseMs: 1500 } });
  await until(() => processesOf(rig, 'one@test').length === 1, 'it is started again with an agent');
  expect(keepersBelow(rig.folder).length).toBeGreaterThan(0);
}, 20_000);

function keeperOf(pid: number): number {
  const keepers = keepersBelow(rig.folder);
  for (const keeper of keepers) if (childrenOf(keeper).includes(pid)) return keeper;
  throw new Error(`process ${pid} has no keeper among ${keepers}`);
}

function childrenOf(parent: number): number[] {
  return listProcesses()
    .filter(({ parentPid }) => parentPid === parent)
    .map(({ pid }) => pid);
}

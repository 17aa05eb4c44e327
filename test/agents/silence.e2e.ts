// What happens when somebody says nothing: a hung keeper, a server that is away, a host that was given up.
import type { ChildProcess } from 'node:child_process';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { saveTask } from '../../src/disruption/rows.ts';
import { listProcesses, signalProcess } from '../../src/io/process.ts';
import { ask, keepersBelow, openRig, order, outcomeOf, packApp, processesOf, type Rig, task, until } from './rig.ts';

let rig: Rig;
let agent: ChildProcess;
let one: string;
const times = { keeperSilenceMs: 2500, askMs: 1000, leaseMs: 60_000 };

beforeAll(async () => {
  rig = await openRig();
  one = await packApp(rig, 'one');
  agent = await rig.spawn('host-1', { times });
});
afterAll(async () => await rig.close());

test('TWG-3 a keeper that hangs is killed with its task by the agent, and replaced', async () => {
  const start = order(one, { kind: 'start' });
  await rig.send('host-1', start);
  const serving = await outcomeOf(rig, start.id);
  const { pid } = await ask(serving);
  const [keeper = 0] = keepersBelow(rig.folder);
  process.kill(keeper, 'SIGSTOP');
  await until(
    () => rig.reports.some(({ life, state }) => life === 1 && state === 'serving'),
    'its next life serves',
    15_000,
  );
  expect(listProcesses().some((facts) => facts.pid === pid || facts.pid === keeper)).toBe(false);
  expect(processesOf(rig, 'web@test')).toHaveLength(1);
}, 30_000);

test('TWG-4 without the server tasks go on, and a dead one is started again; a singleton waits for the word', async () => {
  const single = order(one, { job: 'single@test', kind: 'start', task: { ...task, singleton: true } });
  await rig.send('host-1', single);
  await outcomeOf(rig, single.id);
  agent.kill('SIGKILL');
  await until(() => !rig.server.isConnected('host-1'), 'the agent is gone');
  for (const keeper of keepersBelow(rig.folder)) process.kill(keeper, 'SIGKILL');
  await until(() => processesOf(rig, 'web@test').length + processesOf(rig, 'single@test').length === 0, 'all died');

  // The next agent cannot reach the server: it knows only an address where nobody listens.
  agent = await rig.spawnAlone('host-1', { times });
  await until(() => processesOf(rig, 'web@test').length === 1, 'the common task is started without the server', 15_000);
  expect(processesOf(rig, 'single@test')).toEqual([]);
  agent.kill('SIGKILL');
  await new Promise((resolve) => agent.once('close', resolve));
  agent = await rig.spawn('host-1', { times });
  await until(() => processesOf(rig, 'single@test').length === 1, 'the singleton is started after the hello');
}, 60_000);

test('a task that is replaced elsewhere is not started again after the death of its host', async () => {
  const start = order(one, { job: 'moved@test', kind: 'start' });
  await rig.send('host-1', start);
  await outcomeOf(rig, start.id);
  agent.kill('SIGKILL');
  await until(() => !rig.server.isConnected('host-1'), 'the agent is gone');
  for (const { pid, startTicks } of listProcesses().filter(({ pid }) => keepersBelow(rig.folder).includes(pid)))
    signalProcess({ pid, startTicks }, 'SIGKILL');
  await until(() => processesOf(rig, 'moved@test').length === 0, 'it died');
  await rig.start('host-2');
  const again = order(one, { job: 'moved@test', kind: 'start', incarnation: 1, nextIncarnation: 2, epoch: 2 });
  await rig.send('host-2', again);
  expect(await outcomeOf(rig, again.id)).toMatchObject({ state: 'serving', incarnation: 2, host: 'host-2' });

  // What the job's decision writes when it has folded the reports; nobody decides in this rig.
  const folded = {
    index: 0,
    highestIncarnation: 2,
    servedOnce: true,
    outSinceMs: undefined,
    failedTries: 0,
    failedOn: [],
    notBeforeMs: 0,
  };
  const facts = { ...folded, current: undefined, others: [] };
  await rig.engine.append({ write: (tx) => saveTask(tx, 'moved@test', facts) });

  agent = await rig.spawn('host-1', { times });
  await until(() => processesOf(rig, 'web@test').length === 1, 'what was not replaced is back', 15_000);
  const { length } = rig.reports;
  await until(
    () => rig.reports.slice(length).length > 0 || processesOf(rig, 'single@test').length === 1,
    'all is quiet',
  );
  expect(processesOf(rig, 'moved@test')).toHaveLength(1);
}, 60_000);

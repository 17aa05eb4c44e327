import { afterAll, beforeAll, expect, test } from 'vitest';
import { ask, openRig, order, outcomeOf, packApp, processesOf, type Rig, until } from './rig.ts';

let rig: Rig;
let one: string;
let two: string;

beforeAll(async () => {
  rig = await openRig();
  one = await packApp(rig, 'one');
  two = await packApp(rig, 'two');
});
afterAll(async () => await rig.close());

test('start, update, stop: what the server sees is what runs', async () => {
  await rig.start('host-1', { onLog: (line) => console.log(line) });
  const started = order(one, { kind: 'start' });
  await rig.send('host-1', started);
  const serving = await outcomeOf(rig, started.id);
  expect(serving).toMatchObject({ state: 'serving', incarnation: 1, life: 0, operation: { outcome: 'done' } });
  const before = await ask(serving);
  expect(before).toMatchObject({ incarnation: '1', version: serving.version });

  const updated = order(two, { incarnation: 1, nextIncarnation: 2, epoch: 2 });
  await rig.send('host-1', updated);
  const after = await outcomeOf(rig, updated.id);
  expect(after).toMatchObject({ state: 'serving', incarnation: 2, ports: serving.ports });
  expect((await ask(after)).pid).not.toBe(before.pid);
  const states = rig.reports.map(({ incarnation, state }) => `${incarnation} ${state}`);
  expect(states).toEqual([
    '1 fetching',
    '1 starting',
    '1 serving',
    '1 serving',
    '1 draining',
    '1 stopped',
    '2 starting',
    '2 serving',
    '2 serving',
  ]);

  const stopped = order(null, { incarnation: 2, nextIncarnation: 2, epoch: 3 });
  await rig.send('host-1', stopped);
  expect(await outcomeOf(rig, stopped.id)).toMatchObject({ state: 'stopped', incarnation: 2 });
  await until(() => processesOf(rig, 'web@test').length === 0, 'no process is left');
});

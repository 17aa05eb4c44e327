import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openRig, order, outcomeOf, packApp, type Rig, until } from './rig.ts';

let rig: Rig;

beforeAll(async () => {
  rig = await openRig();
});
afterAll(async () => await rig.close());

test('a package that is not kept leaves the host, unless a task there still runs it', async () => {
  const [old, current] = [await packApp(rig, 'old'), await packApp(rig, 'current')];
  const agent = await rig.start('host-1');
  const folderOf = (digest: string) => join(rig.folder, 'host-1', 'packages', digest);
  const started = order(old, { kind: 'start' });
  await rig.send('host-1', started);
  await outcomeOf(rig, started.id);
  const forget = (keep: readonly string[]) => rig.server.forgetPackages(new Set(keep), AbortSignal.timeout(5000));

  expect(await forget([current])).toEqual(new Map([['host-1', 1]]));
  const updated = order(current, { incarnation: 1, nextIncarnation: 2, epoch: 2 });
  await rig.send('host-1', updated);
  await outcomeOf(rig, updated.id);
  expect(existsSync(folderOf(old))).toBe(true);

  // After its next hello the server knows again what the host has.
  await agent.stop();
  await rig.start('host-1');
  expect(await forget([current])).toEqual(new Map([['host-1', 1]]));
  await until(() => !existsSync(folderOf(old)), 'the old package is gone');
  expect(existsSync(folderOf(current))).toBe(true);
});

import { afterAll, beforeAll, expect, test } from 'vitest';
import { openTestFace, type TestFace } from '../../../test/server-face.ts';

let face: TestFace;
beforeAll(async () => {
  face = await openTestFace();
});
afterAll(() => face.close());

test('a parked effect is dropped with a reason; what waited behind it goes on, and the audit names who', async () => {
  const { engine } = face.house;
  const begun: string[] = [];
  engine.registerEffect({
    kind: 'test/charge',
    safeToRepeat: true,
    maxAttempts: 1,
    run: async ({ id }) => {
      begun.push(id);
      if (id === 'eff_1') throw new Error('declined');
      return {};
    },
  });
  const effect = (id: 'eff_1' | 'eff_2') => ({ id, kind: 'test/charge', receiver: 'bank', orderKey: 'a', payload: {} });
  await engine.append({ effects: [effect('eff_1'), effect('eff_2')] });
  const client = face.client('operator');
  await expect
    .poll(async () => (await client.listParkedWork()).items.map(({ key }) => key), { timeout: 5000 })
    .toEqual(['eff_1']);
  expect(begun).toEqual(['eff_1']);

  const body = { effect: 'eff_1', reason: 'charged by hand' };
  await expect(face.client('viewer').dropEffect({ body })).rejects.toMatchObject({ problem: { status: 403 } });
  expect((await client.dropEffect({ body })).items).toEqual([]);
  await expect.poll(() => begun, { timeout: 5000 }).toEqual(['eff_1', 'eff_2']);
  await expect(client.dropEffect({ body })).rejects.toMatchObject({ problem: { code: 'api/not-found' } });
  const events = await engine.readStream('server/audit', 0, 100);
  expect(events.filter(({ type }) => type === 'request/dropEffect')).toMatchObject([
    { actor: { kind: 'person', name: 'operator' }, data: { status: 200, body } },
    { data: { status: 404 } },
  ]);
});

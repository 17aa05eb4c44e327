import { expect, test } from 'vitest';
import { openStore } from '../store/index.ts';
import { Plane, specOf } from './plane.conformance.ts';
import * as rows from './rows.ts';
import { pipelineConformance } from './work.conformance.ts';

const open = () => openStore({ kind: 'sqlite', path: ':memory:' });
pipelineConformance('SQLite', open);

test('a history larger than one reading comes in parts, at once', async () => {
  const store = await open();
  const plane = new Plane(store);
  const config = specOf();
  for (let n = 0; n < 5100; n++) plane.git.commit({ message: `old ${n}`, config });
  const head = plane.git.commit({ message: 'head' });
  await plane.watch();
  expect(await plane.releaseAt(head)).toMatchObject({ subject: 'head', position: 5100 });
  expect(await plane.read((tx) => rows.listLiveReleases(tx, 'shop'))).toHaveLength(1);
  await store.close();
});

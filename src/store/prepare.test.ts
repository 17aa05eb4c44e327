import { expect, it } from 'vitest';
import { byLength, openStore, padded, prepare } from './index.ts';

const selectHosts = byLength((list) =>
  prepare<readonly string[], { host: string }>((db, p) =>
    db.selectFrom('host_batch').select('host').where('host', 'in', list(p)).orderBy('host'),
  ),
);

it.each([1, 2, 3, 5, 8, 1025])('a list of %i is found whole, whatever it is filled up with', async (count) => {
  const store = await openStore({ kind: 'sqlite', path: ':memory:' });
  try {
    const names = Array.from({ length: count }, (_, at) => `host-${String(at).padStart(4, '0')}`);
    const found = await store.transaction(async (tx) => {
      for (const host of [...names, 'stranger']) await tx.insertInto('host_batch').values({ host, batch: 1 }).execute();
      return selectHosts(count)(tx, padded(names));
    });
    expect(found.map((row) => row.host)).toEqual(names);
  } finally {
    await store.close();
  }
});

it('a few statements serve all lengths', () => {
  const lengths = Array.from({ length: 2000 }, (_, at) => padded(Array(at + 1).fill('x')).length);
  expect(new Set(lengths)).toEqual(new Set([1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048]));
});

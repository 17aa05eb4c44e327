import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Conflict, createEngine, type Engine } from '../engine/index.ts';
import { seededChance } from '../kit/index.ts';
import { rollway } from '../model/index.ts';
import type { Store } from '../store/index.ts';
import { limitRates, nextTokenAtMs, type RateBucket, takeToken } from './rates.ts';
import { listBuckets, takeFromBucket } from './rows.ts';

const limit = { count: 4, perMs: 60_000 };
const bucket = (id: string, row: Pick<RateBucket, 'revision' | 'takenAtMs'> | undefined): RateBucket => ({
  ...{ id, name: 'of all services', limit, domain: undefined, revision: 0, takenAtMs: [] },
  ...row,
});

/** What the rows of `disruption/` keep, on any store. */
export function disruptionRowsConformance(name: string, open: () => Promise<Store>): void {
  describe(`rates on ${name}`, () => {
    let store: Store;
    let engine: Engine;
    beforeEach(async () => {
      store = await open();
      const clock = { nowMs: () => 1_000_000, monotonicMs: () => 0, sleep: async () => {} };
      engine = createEngine({ store, clock: clock as never, chance: seededChance(1), processId: 'p1' });
    });
    afterEach(async () => {
      await store.close();
    });

    test('a token that somebody else took since is not taken twice', async () => {
      const read = () => store.read(async (tx) => bucket('all', (await listBuckets(tx, ['all'])).get('all')));
      const first = await read();
      const write = (one: RateBucket) => store.transaction((tx) => takeFromBucket(tx, one));
      expect(await write(takeToken(first, 5))).toBe(true);
      expect(await write(takeToken(first, 6))).toBe(false);
      const second = await read();
      expect(second).toMatchObject({ revision: 1, takenAtMs: [5] });
      expect(await write(takeToken(second, 7))).toBe(true);
      expect(await write(takeToken(second, 8))).toBe(false);
      expect((await read()).takenAtMs).toEqual([5, 7]);
    });

    test('D11 jobs that decide at the same time take no more together than the rate', async () => {
      const nowMs = 1_000_000;
      const decide = (): Promise<boolean | undefined> =>
        engine.commitAs(rollway('test'), async ({ tx }) => {
          const read = bucket('all', (await listBuckets(tx, ['all'])).get('all'));
          const answer = limitRates({} as never, { nowMs, buckets: [read], labels: {} });
          if (!answer.allowed) return { result: false };
          return {
            write: async (writer) => {
              if (!(await takeFromBucket(writer, takeToken(read, nowMs)))) throw new Conflict('taken meanwhile');
            },
            result: true,
          };
        });
      const taken = await Promise.all(Array.from({ length: 12 }, decide));
      expect(taken.filter((one) => one === true)).toHaveLength(limit.count);
      const left = await store.read(async (tx) => bucket('all', (await listBuckets(tx, ['all'])).get('all')));
      expect(nextTokenAtMs(left, nowMs)).toBe(nowMs + limit.perMs);
    });
  });
}

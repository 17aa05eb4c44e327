import { expect, test } from 'vitest';
import { Buckets } from './packed-counts.ts';
import { SlabPool } from './slabs.ts';

test('a bucket takes as many bits as its counts need, and a few more; one that never counted anything takes none', () => {
  const buckets = new Buckets(new SlabPool(), 100, 20);
  const row = (counts: Record<number, number>) => Array.from({ length: 20 }, (_, bucket) => counts[bucket] ?? 0);
  const bytesOf = (bitsPerBin: number) => 20 + Math.ceil((100 * bitsPerBin) / 8);
  buckets.write(0, row({}));
  expect(buckets.sizeBytes).toBe(0);
  buckets.write(0, row({ 4: 7, 6: 1 }));
  expect(buckets.sizeBytes).toBe(bytesOf(6 + 4));
  buckets.write(1, row({ 4: 63, 6: 15 }));
  expect(buckets.sizeBytes).toBe(bytesOf(6 + 4));
  buckets.write(2, row({ 4: 64 }));
  expect(buckets.sizeBytes).toBe(bytesOf(8 + 4));
  const rows = [row({ 4: 7, 6: 1 }), row({ 4: 63, 6: 15 }), row({ 4: 64 })];
  expect([0, 1, 2].map((slot) => buckets.read(slot))).toEqual(rows);
  buckets.write(99, row({ 19: 2 ** 29 }));
  buckets.write(3, row({ 0: 2 ** 31 }));
  expect(buckets.sizeBytes).toBe(4 * 20 * 100);
  expect([2, 3, 99].map((slot) => buckets.read(slot))).toEqual([rows[2], row({ 0: 2 ** 31 }), row({ 19: 2 ** 29 })]);
});

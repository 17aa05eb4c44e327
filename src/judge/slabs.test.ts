import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Block, SlabPool } from './slabs.ts';

const steps = fc.array(
  fc.oneof(fc.record({ take: fc.integer({ min: 1, max: 3000 }) }), fc.record({ giveBack: fc.nat(100) })),
  { maxLength: 120 },
);

test('blocks are zero when they are taken and nobody else writes into them; when all came back, nothing is kept', () => {
  fc.assert(
    fc.property(steps, (all) => {
      const pool = new SlabPool();
      const held: { block: Block; size: number; mark: number }[] = [];
      const giveBack = (at: number) => {
        const [one] = held.splice(at, 1);
        const { block, size, mark } = one!;
        expect(block.slab.bytes.subarray(block.at, block.at + size).every((byte) => byte === mark)).toBe(true);
        pool.giveBack(block);
      };
      for (const [number, step] of all.entries()) {
        if ('take' in step) {
          const block = pool.take(step.take);
          const bytes = block.slab.bytes.subarray(block.at, block.at + step.take);
          expect([bytes.length, block.at % 8, bytes.some((byte) => byte !== 0)]).toEqual([step.take, 0, false]);
          bytes.fill(1 + (number % 255));
          held.push({ block, size: step.take, mark: 1 + (number % 255) });
        } else if (held.length > 0) giveBack(step.giveBack % held.length);
      }
      while (held.length > 0) giveBack(0);
      expect(pool.bytes).toBe(0);
    }),
  );
});

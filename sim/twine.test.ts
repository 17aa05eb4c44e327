import { describe, expect, it } from 'vitest';
import { withoutReality } from './no-reality.ts';
import { fullSize, runTwine, smallSize } from './twine.ts';
import { drawTwine } from './twine-picture.ts';

/** Silence is a suspicion after five seconds; the controller hears of it with the next call. */
const knownAfterMs = 9000;
/** What was acked before has ended by then. */
const settledAfterMs = 20_000;

const sizes = process.env.TEST_LONG === undefined ? [smallSize] : [smallSize, fullSize];

describe('a power domain is lost in the middle of an update under a shard-aware controller', () => {
  it.each(sizes)(
    'TWC-3 R8 SM-3 $tasks tasks, $shards shards: two replicas are down only by that loss, then none',
    {
      timeout: 300_000,
    },
    (size) => {
      const report = withoutReality(() => runTwine(size));
      const { moments, updatedAtMs, disregarded, violation } = report;
      expect(violation).toBeUndefined();
      expect(updatedAtMs).toBeLessThan(600_000);
      expect(disregarded).toEqual([]);
      const twoDown = moments.filter((one) => one.twoDown > 0);
      expect(twoDown.length).toBeGreaterThan(0);
      expect(twoDown.every((one) => one.atMs >= size.diesAtMs && one.twoDownByUs === 0)).toBe(true);
      expect(twoDown.at(-1)!.atMs).toBeLessThan(size.diesAtMs + settledAfterMs);
      // After the loss is known no further shard loses its second replica.
      const known = moments.filter((one) => one.atMs >= size.diesAtMs + knownAfterMs);
      for (let at = 1; at < known.length; at++) expect(known[at]!.twoDown).toBeLessThanOrEqual(known[at - 1]!.twoDown);
      expect(moments.every((one) => one.allDown === 0)).toBe(true);
      expect(moments.at(-1)).toMatchObject({ updated: size.tasks, oneDown: 0, tasksDown: 0 });
      expect(drawTwine(report)).toContain('<polyline');
    },
  );
});

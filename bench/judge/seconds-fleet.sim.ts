import { describe, expect, test } from 'vitest';
import { runSecondsRollout, type SecondsFleet } from './seconds-fleet.ts';

/** Seeded: the same numbers every time. The full sizes are `node bench/judge/error-rates.ts`. */
const tour: SecondsFleet = {
  tasks: 12,
  requestsPerSecond: 15,
  errorRatio: 0,
  newErrorRatio: 0,
  newLatencyFactor: 1,
  minBakeMs: 5000,
  maxBakeMs: 20_000,
  warmupMs: 3000,
};
const seeds = [1, 2, 3];

describe('a small service, bins of a second', () => {
  test('H3 8 % of failed requests are caught while one task is new, within twenty seconds', () => {
    for (const seed of seeds) {
      const run = runSecondsRollout({ ...tour, newErrorRatio: 0.08, newLatencyFactor: 1.6 }, seed);
      expect([run.outcome, run.phase, run.touched]).toEqual(['failed', 0, 1]);
      expect(run.seconds).toBeLessThan(20);
      expect(run.last.verdict.sentence).toMatch(/of the requests to new tasks failed/);
      expect(run.last.verdict.perCheck[0]!.check).toBe('errors');
    }
  });
  test('TWR-1 NFX-8 a build that fails 5 % of requests never gets past the second step, and most get no further than one task', () => {
    const exposed = Array.from({ length: 10 }, (_, seed) =>
      runSecondsRollout({ ...tour, newErrorRatio: 0.05 }, seed + 1),
    );
    expect(exposed.map(({ outcome }) => outcome)).toEqual(Array(10).fill('failed'));
    const touched = new Map<number, number>();
    for (const run of exposed) touched.set(run.touched, (touched.get(run.touched) ?? 0) + 1);
    expect(Math.max(...touched.keys())).toBeLessThanOrEqual(3);
    expect(touched.get(1)).toBeGreaterThanOrEqual(6);
  }, 60_000);
  test('a p99 that doubles is found before all tasks are touched', () => {
    for (const seed of seeds) {
      const run = runSecondsRollout({ ...tour, newLatencyFactor: 2 }, seed);
      expect(run.outcome).toBe('failed');
      expect(run.phase).toBeLessThan(2);
      expect(run.last.verdict.sentence).toMatch(/^p99 of the new tasks is .* higher/);
    }
  });
  test('harmless versions go through; what cannot be told is not called a pass', () => {
    for (const seed of [1, 2]) {
      const run = runSecondsRollout({ ...tour, errorRatio: 0.004, newErrorRatio: 0.004 }, seed);
      expect(run.outcome).toBe('through');
      expect(run.perPhase[0]!.by).toBe('undecided');
      expect(run.last.powerReached).toBe(true);
      expect(run.last.memory.alphaSpent).toBeLessThan(0.01);
    }
  }, 60_000);
  test('H4 with plenty of traffic a phase passes before its longest bake', () => {
    const busy = { ...tour, requestsPerSecond: 120, maxBakeMs: 60_000 };
    const run = runSecondsRollout(busy, 1);
    expect(run.outcome).toBe('through');
    expect(run.perPhase.at(-1)!.by).toBe('pass');
    expect(run.perPhase.at(-1)!.bakedMs).toBeLessThan(60_000);
  }, 60_000);
});

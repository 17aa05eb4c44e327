import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { seededChance } from '../kit/index.ts';
import { seasonalChange } from './season.ts';
import { seasonalChecks, watchSeason } from './testing/seasonal-world.ts';
import { type HistoryStep, historyKey } from './watch/history-step.ts';

const [stepMs, dayMs] = [300_000, 24 * 3_600_000];
const [errors, , cpu] = seasonalChecks;
const nine = 20_000 * dayMs + 9 * 3_600_000;
const windows = {
  before: { fromMs: nine - 3_600_000, toMs: nine },
  now: { fromMs: nine + 60_000, toMs: nine + 900_000 },
  stepMs,
};

/** Steps until nine o'clock of a level that is `high` from nine till six, and 1 else. */
function past(days: number, high: number, more: { spread?: number; tasks?: (atMs: number) => number } = {}) {
  const { spread = 0.01, tasks = () => 3 } = more;
  const chance = seededChance(1, 'past');
  const steps: HistoryStep[] = [];
  for (let fromMs = nine - days * dayMs; fromMs < nine; fromMs += stepMs) {
    const hour = (fromMs % dayMs) / 3_600_000;
    const level = (hour >= 9 && hour < 18 ? high : 1) * Math.exp(spread * (chance.next() - 0.5));
    steps.push({
      ...{ fromMs, toMs: fromMs + stepMs, busy: false },
      levels: {
        [historyKey(cpu!)]: { tasks: tasks(fromMs), value: level },
        [historyKey(errors!)]: { tasks: tasks(fromMs), events: Math.round(1000 * level), exposure: 100_000 },
      },
    });
  }
  return steps;
}

describe('what the time of day does by itself', () => {
  it('is what it did yesterday, and how sure that is the days before say', () => {
    for (const check of [cpu!, errors!]) {
      const found = seasonalChange(past(6, 1.5), check, windows)!;
      expect(found.season).toBe('day');
      expect(found.change).toBeCloseTo(Math.log(1.5), 1);
      expect(found.deviation).toBeLessThan(0.05);
      expect(found.freedom).toBeGreaterThan(10);
    }
  });

  it('is unknown where yesterday was not seen, or tells nothing', () => {
    expect(seasonalChange([], cpu!, windows)).toBeUndefined();
    expect(seasonalChange(past(0.5, 1.5), cpu!, windows)).toBeUndefined();
    // No day is like another: yesterday would only add its own noise.
    expect(seasonalChange(past(6, 1, { spread: 0.5 }), cpu!, windows)).toBeUndefined();
  });

  it('is not asked of days on which the job had another size, or was being rolled', () => {
    const grown = past(6, 1.5, { tasks: (atMs) => (atMs < nine - 6 * 3_600_000 ? 1 : 3) });
    expect(seasonalChange(grown, cpu!, windows)).toBeUndefined();
    const busy = past(6, 1.5).map((step) => ({ ...step, busy: true }));
    expect(seasonalChange(busy, cpu!, windows)).toBeUndefined();
  });

  it('is not told of what may be zero', () => {
    const steps = past(6, 1.5).map((step, at) => (at === 5 ? { ...step, levels: { [historyKey(cpu!)]: zero } } : step));
    expect(seasonalChange(steps, cpu!, windows)).toBeUndefined();
  });

  it('property: nothing of it depends on the unit of the metric', () => {
    fc.assert(
      fc.property(fc.double({ min: 1e-3, max: 1e6, noNaN: true }), (unit) => {
        const scaled = past(4, 1.5).map((step) => {
          const { value, tasks } = step.levels[historyKey(cpu!)]!;
          return { ...step, levels: { [historyKey(cpu!)]: { tasks, value: value! * unit } } };
        });
        const [one, other] = [seasonalChange(past(4, 1.5), cpu!, windows)!, seasonalChange(scaled, cpu!, windows)!];
        expect(other.season).toBe(one.season);
        expect(other.change).toBeCloseTo(one.change, 9);
        expect(other.deviation).toBeCloseTo(one.deviation, 9);
      }),
      { numRuns: 20 },
    );
  });
});
const zero = { tasks: 3, value: 0 };

describe('a service of which no old task is left', () => {
  it('shows a harm that its own past of a week tells from the time of day, and says so', () => {
    const world = { seed: 3, tasks: 3, days: 6, updatedAtHour: 14, cpu: 1.35 };
    expect(watchSeason(world, false).verdict.verdict).not.toBe('fail');
    const found = watchSeason(world, true);
    expect(found.verdict.verdict).toBe('fail');
    expect(found.verdict.sentence).toMatch(/^cpu .* higher than before their update.*less what this time of the day/);
  });

  it("is not stopped for the rise at nine o'clock", () => {
    for (let seed = 1; seed <= 2; seed += 1) {
      const seen = watchSeason({ seed, tasks: 3, days: 6, updatedAtHour: 8.9 }, true);
      expect(seen.verdict.verdict).not.toBe('fail');
      expect(seen.seasons.latency?.season).toBe('day');
    }
  });
});

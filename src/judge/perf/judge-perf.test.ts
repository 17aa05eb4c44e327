import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { seededChance } from '../../kit/index.ts';
import { isNewFirst, judgePerf, type PerfPair, type PerfPlan, perfLooks } from './index.ts';

const plan: PerfPlan = { better: 'lower', delta: 0.005, margin: 0.02, alpha: 0.01, minPairs: 10, maxPairs: 60 };

/** Pairs as a shared machine gives them: each run off by 1 % or so, one of twelve disturbed by up to half as long again. */
function measured(seed: number, worse: number, drift = 0): PerfPair[] {
  const chance = seededChance(seed, 'perf');
  const noise = () => {
    let sum = 0;
    for (let i = 0; i < 12; i += 1) sum += chance.next();
    return Math.exp((sum - 6) * 0.01) * (chance.next() < 1 / 12 ? 1 + chance.next() / 2 : 1);
  };
  return Array.from({ length: plan.maxPairs }, (_, pair) => {
    const at = (slot: number) => 1 + (drift * (2 * pair + slot)) / (2 * plan.maxPairs);
    const first = isNewFirst(seed, pair);
    return { old: noise() * at(first ? 1 : 0), new: noise() * (1 + worse) * at(first ? 0 : 1) };
  });
}

function stopOf(pairs: readonly PerfPair[], own = plan) {
  for (let n = 1; n <= pairs.length; n += 1) {
    const seen = judgePerf(own, pairs.slice(0, n));
    if (seen.isDone) return seen;
  }
  throw new Error('it never ends');
}

function countOf(runs: number, worse: number, drift = 0) {
  const counts = { pass: 0, fail: 0, undecided: 0 };
  for (let seed = 0; seed < runs; seed += 1) counts[stopOf(measured(seed, worse, drift)).verdict] += 1;
  return counts;
}

describe('T1 two builds side by side', () => {
  it('T1 the same build twice is never called slower, and nearly always passes', () => {
    const counts = countOf(400, 0);
    expect(counts.fail).toBeLessThanOrEqual(4);
    expect(counts.pass).toBeGreaterThanOrEqual(360);
  });

  it('T1 a planted regression of 2 % is found', () => {
    const counts = countOf(200, 0.02);
    expect(counts.fail).toBeGreaterThanOrEqual(190);
    expect(counts.pass).toBeLessThanOrEqual(4);
  });

  it('T1 a machine that gets slower by a tenth meanwhile makes no regression of it', () => {
    expect(countOf(200, 0, 0.1).fail).toBeLessThanOrEqual(2);
  });

  it('what cannot be told is undecided, with the interval', () => {
    const wild = (seed: number) =>
      measured(seed, 0.01).map((pair, i) => ({ ...pair, new: pair.new * (1 + (i % 7) / 20) }));
    const seen = stopOf(wild(1), { ...plan, delta: 0.15, margin: 0.16 });
    expect(seen.verdict).toBe('undecided');
    expect(seen.pairs).toBe(60);
    expect(seen.interval![0]).toBeLessThan(seen.worse!);
    expect(seen.sentence).toContain('cannot be told');
  });

  it('of requests a second more is better', () => {
    const pairs = measured(3, 0.1).map((pair) => ({ old: 1 / pair.old, new: 1 / pair.new }));
    const seen = stopOf(pairs, { ...plan, better: 'higher' });
    expect(seen.verdict).toBe('fail');
    expect(seen.sentence).toMatch(/reaches \d+(\.\d)? % less than the old one/);
  });

  it('numbers that never differ are no mistake of arithmetic', () => {
    const same = Array.from({ length: 60 }, () => ({ old: 5, new: 5 }));
    expect(stopOf(same)).toMatchObject({ verdict: 'pass', worse: 0, pairs: 10 });
    const worse = Array.from({ length: 60 }, () => ({ old: 100, new: 103 }));
    expect(stopOf(worse)).toMatchObject({ verdict: 'fail', pairs: 10 });
  });

  it('runs that measured nothing decide nothing', () => {
    expect(judgePerf(plan, [])).toMatchObject({ verdict: 'undecided', isDone: false });
    const none = Array.from({ length: 60 }, () => ({ old: 0, new: 1 }));
    expect(judgePerf(plan, none).verdict).toBe('undecided');
  });

  it('more pairs than it needed change nothing that was decided', () => {
    fc.assert(
      fc.property(fc.nat(10_000), fc.constantFrom(0, 0.02, 0.05), (seed, worse) => {
        const pairs = measured(seed, worse);
        const seen = stopOf(pairs);
        expect(judgePerf(plan, pairs)).toEqual(seen);
      }),
      { numRuns: 50 },
    );
  });

  it('looks stand a third apart, each couple of pairs has both orders', () => {
    expect(perfLooks(plan)).toEqual([10, 14, 19, 26, 35, 47, 60]);
    for (let seed = 0; seed < 20; seed += 1)
      for (let pair = 0; pair < 60; pair += 2) expect(isNewFirst(seed, pair)).not.toBe(isNewFirst(seed, pair + 1));
    const firsts = Array.from({ length: 1000 }, (_, i) => isNewFirst(7, 2 * i)).filter(Boolean).length;
    expect(firsts).toBeGreaterThan(350);
    expect(firsts).toBeLessThan(650);
  });
});

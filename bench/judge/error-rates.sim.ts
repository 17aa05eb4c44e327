import { describe, expect, test } from 'vitest';
import { lineOf } from './lines.ts';
import { ownScore } from './own-score.ts';
import { runFleet, tableAt } from './synthetic-fleet.ts';
import { benchChecks, benchSpec, curvesOf, dataAt, pastCurves, runTrial, warmupBins } from './trial.ts';
import { runTroubledFleet, troubles } from './troubles.ts';

/**
 * A small, seeded part of `node bench/judge/error-rates.ts`: the same deployments every time, so a change of the method
 * that stops harmless ones, or finds less, shows here. 20 tasks, the hardest fleet.
 */
const fleet = { tasks: 20, stages: [0.1, 0.2, 0.35, 0.5] };
const history = pastCurves(fleet, 25, 900_000);
const seeds = Array.from({ length: 24 }, (_, i) => 1 + i);
const isLong = process.env.TEST_LONG !== undefined;

describe('error rates on the synthetic fleet', () => {
  test('harmless deployments are not stopped', () => {
    const all = isLong ? Array.from({ length: 400 }, (_, i) => 1 + i) : seeds;
    const line = lineOf(
      'none',
      all.map((seed) => runTrial(fleet, curvesOf(history, seed), seed)),
    );
    expect(line.stopped).toBeLessThanOrEqual(isLong ? 8 : 0);
  }, 120_000);

  test('gross faults are found in almost all deployments, early', () => {
    const faults = [
      { name: 'errors ×5', errors: 5 },
      { name: 'p99 +25 %', p99: 1.25 },
    ];
    for (const fault of faults) {
      const line = lineOf(
        fault.name,
        seeds.slice(0, 8).map((seed) => runTrial({ ...fleet, fault }, curvesOf(history, seed), seed)),
      );
      expect(line.stopped, fault.name).toBe(8);
      expect(line.medianMinutes, fault.name).toBeLessThanOrEqual(20);
    }
  }, 60_000);

  test('the score of the side by side stops what the judge stops', () => {
    const fault = { name: 'p99 +10 %', p99: 1.1 };
    for (const seed of seeds.slice(0, 12)) {
      const options = { ...fleet, fault };
      const curves = curvesOf(history, seed);
      const run = runFleet(options, seed);
      const at = (end: number) => ({ table: tableAt(run, end, warmupBins), data: dataAt(run, end) });
      const isStopped = ownScore(benchChecks, at, curves) >= 1 / benchSpec.alpha;
      expect(isStopped, `seed ${seed}`).toBe(runTrial(options, curves, seed).failed);
    }
  }, 60_000);

  test('the troubles of real fleets stop nothing harmless, and leave the calm fleet as it is', () => {
    const many = troubles.filter((trouble) => trouble !== 'dependency');
    const troubled = { ...fleet, troubles: many };
    const line = lineOf(
      'none',
      seeds.slice(0, 12).map((seed) => runTrial(troubled, curvesOf(history, seed), seed)),
    );
    expect(line.stopped).toBe(0);
    expect(runTroubledFleet(fleet, 7)).toEqual(runFleet(fleet, 7));
    for (const trouble of troubles) {
      const runs = seeds.slice(0, 8).map((seed) => runTroubledFleet({ ...fleet, troubles: [trouble] }, seed));
      const isFelt = runs.some((run, i) => {
        const calm = runFleet(fleet, seeds[i]!);
        const isMarked = run.nobody!.includes(1) || run.bornAt!.some((at) => at >= 0);
        return (
          isMarked || (['p99', 'cpu', 'errors', 'requests'] as const).some((name) => `${run[name]}` !== `${calm[name]}`)
        );
      });
      expect(isFelt, trouble).toBe(true);
      expect(runTroubledFleet({ ...fleet, troubles: [trouble] }, seeds[0]!), trouble).toEqual(runs[0]);
    }
  }, 60_000);

  test('the same seed is the same fleet and the same verdict, bit for bit', () => {
    expect(runFleet(fleet, 7)).toEqual(runFleet(fleet, 7));
    const twice = [1, 2].map(() => runTrial({ ...fleet, fault: { name: 'x', errors: 2 } }, curvesOf(history, 3), 3));
    expect(twice[0]).toEqual(twice[1]);
  });
});

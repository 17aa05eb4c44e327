import { afterAll, describe, expect, it } from 'vitest';
import { crashScenario, proveCrashes } from './crash.ts';
import { scenarioOf } from './scenario.ts';
import { closeWhole, runWhole } from './whole.ts';

const isLong = process.env.TEST_LONG !== undefined;
const runs = isLong ? 3000 : 300;
/** The short test takes every fifth crash point; the long one all of them (and `sim/crash-points.ts` of many more). */
const every = isLong ? 1 : 5;

afterAll(closeWhole);

describe('simulation of the whole', () => {
  it(`I1, I2, I3, I4, L1, L2 hold in ${runs} runs on the real engine`, { timeout: 3_000_000 }, async () => {
    const broken: string[] = [];
    for (let seed = 1; seed <= runs; seed++) {
      const { violation } = await runWhole(scenarioOf(seed));
      if (violation !== undefined) broken.push(`seed ${seed}: ${violation.message}`);
    }
    expect(broken).toEqual([]);
  });

  it.each(['rollout', 'revert'] as const)(
    'A1 a %s of four tasks ends the same wherever its server dies: every transaction, every effect',
    { timeout: 600_000 },
    async (kind) => {
      const { points, reference, failures } = await proveCrashes(crashScenario(kind), every);
      expect(reference.violation).toBeUndefined();
      expect(reference.outcomes).toEqual([kind === 'revert' ? 'reverted' : 'succeeded']);
      expect(reference.marks.length).toBe(kind === 'revert' ? 2 : 0);
      expect(points).toBeGreaterThan(100);
      expect(failures).toEqual([]);
    },
  );
});

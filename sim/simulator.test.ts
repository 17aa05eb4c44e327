import { afterAll, describe, expect, it } from 'vitest';
import { eventHash } from './event-hash.ts';
import { hunt, mutations } from './mutations.ts';
import { withoutReality } from './no-reality.ts';
import { regressions, wholeRegressions } from './regressions.ts';
import { judgeAt, keptScripts } from './replay.ts';
import { plainScenarioOf, scenarioOf } from './scenario.ts';
import { closeWhole, runWhole } from './whole.ts';
import { runDecisions } from './world.ts';

afterAll(closeWhole);

/** The quick look; `*.sim.ts` are the thousands. */
describe('the simulator', () => {
  it('I1, I2, I3, I4, L1, L2 hold in 150 runs of decisions', { timeout: 30_000 }, () => {
    for (let seed = 50_001; seed <= 50_150; seed++) {
      const { violation } = withoutReality(() => runDecisions(scenarioOf(seed)));
      expect(violation?.message, `seed ${seed}`).toBeUndefined();
    }
  });

  it('… and in three runs of the whole', { timeout: 30_000 }, async () => {
    for (let seed = 50_001; seed <= 50_003; seed++) {
      expect((await runWhole(scenarioOf(seed))).violation?.message, `seed ${seed}`).toBeUndefined();
    }
  });

  it.each(regressions)('seed $seed stays whole: $was', ({ seed }) => {
    expect(runDecisions(plainScenarioOf(seed)).violation).toBeUndefined();
  });

  it.each(keptScripts())('$name stays whole: $was', async ({ depth, scenario }) => {
    expect(await judgeAt(depth)(scenario)).toBeUndefined();
  });

  it.each(wholeRegressions)('seed $seed stays whole on the engine: $was', { timeout: 30_000 }, async ({ seed }) => {
    expect((await runWhole(plainScenarioOf(seed))).violation).toBeUndefined();
  });

  it('the same seed gives the same events', () => {
    expect([1, 2, 3].map(eventHash)).toEqual([1, 2, 3].map(eventHash));
    expect(eventHash(1)).not.toBe(eventHash(2));
  });

  it('whoever asks for the real time, chance or a timer fails', () => {
    expect(() => withoutReality(() => Date.now())).toThrow('asked reality for now');
    expect(() => withoutReality(() => Math.random())).toThrow('asked reality for random');
    expect(() => withoutReality(() => setTimeout(() => {}, 1))).toThrow('asked reality for setTimeout');
    expect(Date.now()).toBeGreaterThan(0);
  });

  it('sees a budget that is one too large', () => {
    const broken = mutations.find((one) => one.name === 'the budget rounds up');
    expect(hunt(broken!, 1, 50).by).toBe('I1');
  });
});

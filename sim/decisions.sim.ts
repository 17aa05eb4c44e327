import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { edgesWithinTurns, missingEdges } from './coverage.ts';
import { eventHash } from './event-hash.ts';
import { hunt, mutations } from './mutations.ts';
import { withoutReality } from './no-reality.ts';
import { scenarioOf } from './scenario.ts';
import { runDecisions } from './world.ts';

const runs = process.env.TEST_LONG ? 20_000 : 2000;

describe('simulation of decisions', () => {
  it(`I1, I2, I3, I4, L1, L2, D6, C1 hold in ${runs} runs with at least four faults each`, { timeout: 240_000 }, () => {
    const broken: string[] = [];
    const covered = new Set<string>();
    const options = { cover: (edge: string) => covered.add(edge) };
    for (let seed = 1; seed <= runs; seed++) {
      const { violation } = withoutReality(() => runDecisions(scenarioOf(seed), options));
      if (violation !== undefined) broken.push(`seed ${seed}: ${violation.message}`);
    }
    expect(broken).toEqual([]);
    expect(missingEdges(covered), 'edges of the state tables that nobody went along').toEqual([]);
    for (const edge of edgesWithinTurns) expect(covered, edge).not.toContain(edge);
    for (const kind of ['start', 'stop', 'update', 'restart', 'move', 'resize-down']) {
      expect(covered, kind).toContain(`operation ${kind}`);
    }
    for (const exemption of ['no-living-incarnation', 'still-out', 'forced']) {
      expect(covered, exemption).toContain(`exemption ${exemption}`);
    }
  });

  it('the same seed gives the same events, twice in one process and in another one', { timeout: 60_000 }, () => {
    const seeds = Array.from({ length: 50 }, (_, at) => at + 1);
    const once = seeds.map((seed) => `${seed} ${eventHash(seed)}`);
    const again = seeds.map((seed) => `${seed} ${eventHash(seed)}`);
    const elsewhere = execFileSync(process.execPath, ['sim/event-hash.ts', '1..50'], { encoding: 'utf8' });
    expect(again).toEqual(once);
    expect(elsewhere.trim().split('\n')).toEqual(once);
    expect(new Set(once.map((line) => line.split(' ')[1])).size).toBe(seeds.length);
  });
});

describe('what the simulator sees', () => {
  it.each(mutations)('$name', { timeout: 120_000 }, (mutation) => {
    const { runs: needed } = hunt(mutation, 1, 3000);
    expect(needed).toBeDefined();
  });
});

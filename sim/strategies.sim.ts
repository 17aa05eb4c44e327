import { describe, expect, it } from 'vitest';
import { strategies as template } from '../examples/plugins/canary-by-label.ts';
import { type Chance, pickBelow, seededChance } from '../src/kit/index.ts';
import { type Strategy, standardRules } from '../src/rollout/index.ts';
import { withoutReality } from './no-reality.ts';
import { type Scenario, scenarioOf } from './scenario.ts';
import { runDecisions } from './world.ts';

const runs = process.env.TEST_LONG ? 2000 : 150;

/** The worlds of these seeds, in which every release goes by one strategy: what was broken, and how often it was held. */
function worldsWith(strategy: Strategy, to: number): { readonly broken: readonly string[]; readonly refused: number } {
  const broken: string[] = [];
  let refused = 0;
  for (let seed = 1; seed <= to; seed++) {
    const scenario = goingBy(scenarioOf(seed), strategy);
    const rules = { ...standardRules, strategies: new Map(standardRules.strategies).set(strategy.name, strategy) };
    const record = (line: string): void => {
      if (line.includes('strategy-refused')) refused += 1;
    };
    const { violation } = withoutReality(() => runDecisions(scenario, { rules, record }));
    if (violation !== undefined) broken.push(`seed ${seed}: ${violation.message}`);
  }
  return { broken, refused };
}

function goingBy(scenario: Scenario, { name, down, example = {} }: Strategy): Scenario {
  const strategy = { plugin: name, settings: example as Record<string, never> };
  const happenings = scenario.happenings.map((one) =>
    one.kind === 'deploy' ? { ...one, plan: { ...one.plan, strategy } } : one,
  );
  const whole = { budget: { percent: 100 }, limits: { ...scenario.limits, budgetPerDomain: {}, budgetPerGroup: null } };
  return { ...scenario, ...(down && whole), surge: 0, recreates: false, besides: false, happenings };
}

describe('whoever says which tasks are next', () => {
  it.each([
    ...template,
    {
      name: 'rack-by-rack',
      down(_, { members }) {
        const first = members.find(({ runs: lives }) => lives === 'other');
        if (first === undefined) return [];
        const { rack } = first.labels;
        return members
          .filter(({ labels, runs: lives }) => lives !== 'wanted' && labels.rack === rack)
          .map(({ index }) => index);
      },
    } satisfies Strategy,
  ])(
    `I1, I2, I3, I4, L1, L2 hold in ${runs} runs by $name, and it is never refused`,
    { timeout: 200_000 },
    (strategy) => {
      expect(worldsWith(strategy, runs)).toEqual({ broken: [], refused: 0 });
    },
  );

  it.each([1, 2, 3])(
    `… and in ${runs} runs by one that says anything at all (%s): it is held, and goes round nothing`,
    { timeout: 200_000 },
    (stream) => {
      const { broken, refused } = worldsWith(nonsense(seededChance(stream, 'nonsense')), runs);
      expect(broken).toEqual([]);
      expect(refused).toBeGreaterThan(runs / 4);
    },
  );
});

/** Right, wrong, or thrown: by chance, and another thing each time. */
function nonsense(chance: Chance): Strategy {
  const some = (indices: readonly number[]): number[] => indices.filter(() => chance.next() < 0.5);
  const wild = (indices: readonly number[]): number[] => {
    const draw = chance.next();
    if (draw < 0.02) throw new Error('nonsense');
    if (draw < 0.04) return [...indices, 1_000_000];
    if (draw < 0.06) return [pickBelow(chance, 20), pickBelow(chance, 20)];
    return some(indices).sort(() => chance.next() - 0.5);
  };
  return {
    name: 'nonsense',
    order: (_, tasks) =>
      chance.next() < 0.05 ? wild(tasks.map(({ index }) => index)) : tasks.map(({ index }) => index),
    next(_, { members, nowMs }) {
      const left = members.filter(({ isThere }) => !isThere).map(({ index }) => index);
      return { next: wild(left), ...(chance.next() < 0.3 && { untilMs: nowMs + 1000 * pickBelow(chance, 10) }) };
    },
    down: (_, { members }) =>
      chance.next() < 0.1 ? some(members.filter(({ isThere }) => !isThere).map(({ index }) => index)) : [],
    extras: (_, size) => (chance.next() < 0.02 ? -1 : pickBelow(chance, Math.min(3, size))),
  };
}

import { describe, expect, test } from 'vitest';
import { seededChance } from '../kit/index.ts';
import type { JudgeSpec, Sample } from '../model/index.ts';
import { compileSpec } from '../spec/index.ts';
import { believable, declaredConfounders } from './confounders.ts';
import { type Confounder, type JudgeMemory, type JudgePlan, judge, readInput, replay, writeInput } from './index.ts';
import { judgeNeighbour, type NeighbourRequest } from './neighbours.ts';

const spec = ((): JudgeSpec => {
  const said = { bin: '1s', warmup: '2s', alpha: 0.01 };
  const compiled = compileSpec(
    { name: 'shop', command: 'x', metrics: '/m', checks: { latency: false }, judge: said },
    'rollway.yaml',
  );
  if (!compiled.ok) throw new Error(JSON.stringify(compiled.error));
  return compiled.value.spec.judge;
})();

interface World {
  readonly seconds: number;
  readonly newTasks?: number;
  readonly tasks?: number;
  /** Share of requests that fail. */
  readonly errors?: (second: number, index: number) => number;
  readonly silent?: (second: number, index: number) => boolean;
  /** A provider's gauge, on every task. */
  readonly down?: (second: number) => number;
}

/** New tasks are new since second 60. */
function traffic({ seconds, tasks = 8, newTasks = 3, errors = () => 0.005, silent, down }: World): Sample[] {
  const chance = seededChance(5, 'surroundings');
  const samples: Sample[] = [];
  for (let second = 0; second < seconds; second += 1) {
    for (let index = 0; index < tasks; index += 1) {
      if (silent?.(second, index)) continue;
      const isNew = index < newTasks && second >= 60;
      const who = { job: 'shop@production' as const, index, incarnation: isNew ? 2 : 1, state: 'serving' as const };
      const when = { fromMs: second * 1000, toMs: second * 1000 + 1000 };
      const push = (metric: string, labels: Record<string, string>, value: Sample['value']) =>
        samples.push({ ...who, ...when, version: isNew ? 'v_new' : 'v_old', metric, labels, value });
      let failed = 0;
      for (let i = 0; i < 50; i += 1) if (chance.next() < errors(second, index)) failed += 1;
      push('http_requests_total', { code: '200' }, { counterDelta: 50 - failed });
      push('http_requests_total', { code: '500' }, { counterDelta: failed });
      if (down) push('provider_down', {}, { gauge: down(second) });
    }
  }
  return samples;
}

function planOf(more: Partial<JudgePlan> = {}): JudgePlan {
  return {
    ...{ rollout: 'ro_1', phase: 0, phaseName: 'first', spec, newVersion: 'v_new', oldVersions: ['v_old'] },
    updates: [0, 1, 2].map((index) => ({ index, admittedAtMs: 60_000, servingAtMs: 60_000 })),
    ...{ phaseStartedAtMs: 60_000, updatedAtMs: 60_000, deadlineAtMs: 100_000, phases: 1 },
    ...more,
  };
}

function watch(world: World, more: Partial<JudgePlan> = {}) {
  const all = traffic(world);
  let memory: JudgeMemory | undefined;
  for (let second = 64; ; second += 2) {
    const input = { plan: planOf(more), samples: all.filter(({ toMs }) => toMs <= second * 1000), memory };
    const judgement = judge(input.plan, input.samples, memory, second * 1000 + 2000);
    if (judgement.verdict.verdict === 'fail' || second >= world.seconds) return { ...judgement, input, second };
    memory = judgement.memory;
  }
}

describe('what else is to blame', () => {
  // New tasks are the first to use a provider that goes down in second 66.
  const errors = (second: number, index: number) => (index < 3 && second >= 66 && second < 86 ? 0.3 : 0.005);
  const world: World = { seconds: 100, errors, down: (second) => (second >= 66 && second < 86 ? 1 : 0) };
  const declared = [{ name: 'payments-provider', metric: 'provider_down', above: 0, service: null }];

  test('without its word the version is blamed; with it nobody is, and the sentence names it', () => {
    expect(watch(world).verdict.verdict).toBe('fail');
    const confounders = declaredConfounders(declared, traffic(world), 1000);
    expect(confounders).toEqual([{ what: 'payments-provider', fromMs: 66_000, toMs: 88_000 }]);
    // The version that is judged cannot excuse itself: its own word is not asked for.
    const judged = { job: 'shop@production', version: 'v_new' } as const;
    const own = traffic(world).filter(({ version }) => version === 'v_new');
    expect(declaredConfounders(declared, own, 1000, judged)).toEqual([]);
    expect(declaredConfounders(declared, traffic(world), 1000, judged)).toEqual(confounders);
    const { verdict } = watch(world, { confounders });
    expect(verdict.verdict).not.toBe('fail');
    expect(verdict.sentence).toMatch(/Left out: 22 s in which payments-provider was in trouble\.$/);
  });

  test('harm that lasts longer than the cause is the version’s', () => {
    const confounders = declaredConfounders(declared, traffic(world), 1000);
    const { verdict } = watch(
      { ...world, errors: (second, index) => (index < 3 && second >= 66 ? 0.3 : 0.005) },
      { confounders },
    );
    expect(verdict.verdict).toBe('fail');
  });

  test('tasks of a silent host are nobody’s, the others still are; what is missing there is not the version’s fault', () => {
    const silent = (second: number, index: number) => index === 0 && second >= 75;
    const host: Confounder = { what: 'host host-1', fromMs: 75_000, toMs: undefined, indices: [0] };
    const one = watch({ seconds: 100, silent }, { confounders: [host] });
    expect(one.verdict.verdict).not.toBe('fail');
    expect(one.verdict.sentence).toMatch(/Left out: \d+ s in which host host-1 was in trouble\.$/);
    const alone: Partial<JudgePlan> = { updates: [{ index: 0, admittedAtMs: 60_000, servingAtMs: 60_000 }] };
    const gone = watch({ seconds: 100, newTasks: 1, silent }, { ...alone, confounders: [host] });
    expect(gone).toMatchObject({ missing: [], lostData: false });
  });

  test('what lasts is no excuse: believed for 15 minutes of a phase, then it is a finding', () => {
    const minutes = (n: number): Confounder => ({ what: 'p', fromMs: 0, toMs: n * 60_000 });
    expect(believable([minutes(15)], 0, 3_600_000).lasting).toEqual([]);
    expect(believable([minutes(16)], 0, 3_600_000)).toEqual({ believed: [], lasting: ['p'] });
    // Of ten tasks on one host each for two minutes: two minutes.
    const ten = Array.from({ length: 10 }, (_, index) => ({ ...minutes(2), indices: [index] }));
    expect(believable(ten, 0, 3_600_000).lasting).toEqual([]);
  });

  test('a look is replayed with what was known then', () => {
    const confounders = declaredConfounders(declared, traffic(world), 1000);
    const { input, verdict, second } = watch(world, { confounders });
    const text = writeInput({ ...input, nowMs: second * 1000 + 2000 });
    expect(replay(readInput(text), JSON.parse(JSON.stringify(verdict))).isEqual).toBe(true);
  });
});

describe('H9 callers and callees', () => {
  const request = (more: Partial<NeighbourRequest> = {}): NeighbourRequest => ({
    ...{ service: 'checkout', spec, checks: null, trust: 'revert', alpha: 0.002 },
    ...{ about: planOf(), beganAtMs: 60_000, ownChange: undefined, ...more },
  });
  /** The neighbour's tasks: none of them is new, whatever happens. */
  const look = (errors: World['errors'], more: Partial<NeighbourRequest> = {}) => {
    const all = traffic({ seconds: 100, newTasks: 0, errors });
    let memory: JudgeMemory | undefined;
    for (let second = 64; ; second += 2) {
      const seen = all.filter(({ toMs }) => toMs <= second * 1000);
      const judged = judgeNeighbour(request(more), seen, memory, second * 1000 + 2000);
      memory = judged.memory;
      if (second >= 98 || judged.seen.results.some(({ verdict }) => verdict === 'fail')) return judged.seen;
    }
  };
  const harmed = (second: number) => (second >= 66 ? 0.06 : 0.005);

  test('damage elsewhere fails the rollout, and says whose', () => {
    const seen = look(harmed);
    const [errors] = seen.results;
    expect(errors).toMatchObject({ check: 'checkout/errors', verdict: 'fail', against: 'before' });
    expect(errors!.sentence).toMatch(
      /^Since this rollout began, of checkout: [\d.]+ % of its requests failed, [\d.]+ % of those before/,
    );
    const { verdict } = judge(planOf({ neighbours: [seen] }), traffic({ seconds: 70 }), undefined, 72_000);
    expect(verdict).toMatchObject({ verdict: 'fail', sentence: errors!.sentence });
  });

  test('what restarts do to the service that rolls out says nothing of it', () => {
    const curve = {
      ...{ mean: [1], windows: [[1], [1]], noise: [[1e-6], [1e-6]], jitter: null },
    };
    const pastCurves = [1, 2, 3, 4].map(() => ({ errors: curve }));
    const about = { ...planOf(), pastCurves };
    expect(look(harmed, { about })).toEqual(look(harmed));
  });

  test('by its trust: it observes, holds or reverts', () => {
    const seen = look(harmed, { trust: 'hold' });
    const of = (trust: 'observe' | 'hold') =>
      judge(planOf({ neighbours: [{ ...seen, trust }] }), traffic({ seconds: 70 }), undefined, 72_000);
    expect([of('hold').verdict.verdict, of('hold').holds]).toEqual(['undecided', [seen.results[0]!.sentence]]);
    expect([of('observe').verdict.verdict, of('observe').holds]).toEqual(['undecided', []]);
  });

  test('a neighbour that is well, that changes itself, or of which nothing is seen, stops nothing', () => {
    expect(look(() => 0.005).results.map(({ verdict }) => verdict)).not.toContain('fail');
    const own = look(harmed, { ownChange: 'ro_7' });
    expect(own.results).toMatchObject([
      {
        verdict: 'undecided',
        sentence: 'checkout changes itself (ro_7): what this rollout does to it cannot be told apart.',
      },
    ]);
    const none = judgeNeighbour(request(), [], undefined, 72_000).seen;
    expect(none.results).toMatchObject([
      { verdict: 'undecided', sentence: expect.stringMatching(/^Nothing that could/) },
    ]);
    const { verdict } = judge(planOf({ neighbours: [own, none] }), traffic({ seconds: 70 }), undefined, 72_000);
    expect(verdict.verdict).not.toBe('fail');
  });

  test('in a configuration by name, or with checks and trust', () => {
    const compile = (judgeOf: object) => compileSpec({ name: 'shop', command: 'x', judge: judgeOf }, 'rollway.yaml');
    const compiled = compile({
      neighbours: ['checkout', { service: 'cart', checks: ['errors'], trust: 'revert' }],
      confounders: [{ name: 'payments-provider', metric: 'provider_down' }],
    });
    expect(compiled.ok && compiled.value.spec.judge).toMatchObject({
      neighbours: [
        { service: 'checkout', environment: null, checks: null, trust: 'hold' },
        { service: 'cart', environment: null, checks: ['errors'], trust: 'revert' },
      ],
      confounders: [{ name: 'payments-provider', metric: 'provider_down', above: 0, service: null }],
    });
    expect(compile({ neighbours: Array(11).fill('checkout') }).ok).toBe(false);
  });
});

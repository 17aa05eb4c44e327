import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Chance, seededChance } from '../../kit/index.ts';
import { type CheckSpec, fleetMetrics, type JudgeSpec, type Sample } from '../../model/index.ts';
import { plainCheck } from '../plain-check.ts';
import type { JudgeMemory } from '../port.ts';
import { nameSuspects } from './change-point.ts';
import type { WatchEvidence } from './compare-watch.ts';
import { explainWatch } from './explain-watch.ts';
import { foldStep, type HistoryStep, historyKey } from './history-step.ts';
import { judgeWatch, type WatchPlan } from './judge-watch.ts';

const stepMs = 600_000;
const day = 144;
const heap: CheckSpec = {
  ...plainCheck,
  name: 'heap',
  class: 'system',
  metric: { gauge: 'heap' },
  worse: 'higher',
  delta: 0.01,
  margin: 0.1,
  critical: true,
  required: false,
  trust: 'revert',
};
const errors: CheckSpec = {
  ...heap,
  name: 'errors',
  metric: { errorRatio: { counter: 'requests', label: 'code', errorValues: '5..' } },
};

function specOf(checks: readonly CheckSpec[]): JudgeSpec {
  return { checks: [...checks], failShare: 0.5, alpha: 0.01, binMs: 60_000, warmupMs: 0 };
}

const normal = (chance: Chance) => Math.sqrt(-2 * Math.log(1 - chance.next())) * Math.cos(2 * Math.PI * chance.next());

interface Past {
  readonly seed?: number;
  readonly steps: number;
  readonly spread?: number;
  /** Step → the log of what is added to the level of that step. */
  readonly change?: (step: number) => number;
  readonly busy?: (step: number) => boolean;
  readonly requests?: number;
}

function pastOf({ seed = 1, steps, spread = 0.005, change = () => 0, busy = () => false, requests = 1e6 }: Past) {
  const chance = seededChance(seed, 'past');
  return Array.from({ length: steps }, (_, at): HistoryStep => {
    const level = change(at) + spread * normal(chance);
    const fromMs = at * stepMs;
    const share = 0.01 * Math.exp(level);
    return {
      fromMs,
      toMs: fromMs + stepMs,
      busy: busy(at),
      levels: {
        [historyKey(heap)]: { tasks: 20, value: 100 * Math.exp(level), worst: at % 20 },
        [historyKey(errors)]: { tasks: 20, events: Math.round(share * requests), exposure: requests },
      },
    };
  });
}

/** Looks after every step of a watch that begins at `from`; the verdict of each, and whom it names. */
function watch(steps: readonly HistoryStep[], from: number, plan: Partial<WatchPlan> = {}) {
  const spec = specOf(plan.checks ?? [heap]);
  const whole: WatchPlan = {
    rollout: 'ro_1',
    spec,
    checks: spec.checks,
    suspects: [{ rollout: 'ro_1', startedAtMs: (from - 2) * stepMs }],
    fromMs: from * stepMs,
    untilMs: steps.at(-1)!.toMs,
    stepMs,
    parts: 4,
    ...plan,
  };
  let memory: JudgeMemory | undefined;
  const said = [];
  for (let end = from + 1; end <= steps.length; end++) {
    const judgement = judgeWatch(whole, steps.slice(0, end), memory, end * stepMs);
    memory = judgement.memory;
    said.push(judgement);
    if (judgement.verdict.verdict === 'fail') break;
  }
  return said;
}

const last = (said: ReturnType<typeof watch>) => said.at(-1)!;

describe('H10 a watch after the last phase', () => {
  it('writes down what is held against a number as it is, whatever is small beside it', () => {
    const sample = (metric: string, at: number): Sample => ({
      ...{ job: 'shop@production', index: 0, incarnation: 1, version: 'v_1', state: 'serving', labels: {} },
      ...{ metric, fromMs: at * 60_000, toMs: (at + 1) * 60_000, value: { gauge: 100 } },
    });
    const samples = Array.from({ length: 10 }, (_, at) => sample('heap', at));
    const levelWith = (more: Partial<CheckSpec>) => {
      const spec = { ...specOf([{ ...heap, floor: 50, ...more }]), warmupMs: 0 };
      const step = foldStep(spec, samples, { fromMs: 0, toMs: 600_000, busy: false });
      return step.levels[historyKey(heap)]!.value;
    };
    expect(levelWith({})).toBe(150);
    expect(levelWith({ against: 'limit', limit: 200 })).toBe(100);
  });

  it('has no measure for what was nothing at all before, and no power that is no number', () => {
    const from = 2 * day;
    const levels = (before: number, after: number) =>
      pastOf({ steps: from + 12 }).map((step, at) => ({
        ...step,
        levels: { [historyKey(heap)]: { tasks: 20, value: at < from ? before : after } },
      }));
    expect(last(watch(levels(0, 1), from)).verdict.verdict).toBe('undecided');
    const limited = { ...heap, against: 'limit' as const, limit: 200 };
    const within = last(watch(levels(100, 100), from, { checks: [limited] })).verdict;
    expect(within).toMatchObject({ verdict: 'pass', perCheck: [{ power: undefined }] });
  });

  it('says what a guard measures in its own words', () => {
    const from = 2 * day;
    const named = { ...heap, metric: { gauge: fleetMetrics.cpu } };
    const steps = pastOf({ steps: from + 12, change: (at) => (at < from ? 0 : 1) }).map((step) => ({
      ...step,
      levels: { [historyKey(named)]: step.levels[historyKey(heap)]! },
    }));
    const { sentence } = last(watch(steps, from, { checks: [named] })).verdict;
    expect(sentence).toMatch(/^CPU use is .* higher than before the release \([\d.]+ cores against [\d.]+ cores\)/);
  });

  it('tells no ratio of what never happened', () => {
    const evidence = { nowLevel: 0, baseLevel: 0, windows: 0, tasks: 4 } as WatchEvidence;
    const numbers = {
      estimate: 45,
      low: -0.9,
      high: 1e4,
      power: 0,
      verdict: 'undecided',
      delta: 0.2,
      margin: 0.5,
    } as const;
    expect(explainWatch(errors, evidence, numbers)).toMatch(
      /^The share of failed requests is as before the release \(none against none\); how it changes by itself/,
    );
    expect(explainWatch(errors, { ...evidence, nowLevel: 0.02 }, numbers)).toContain('higher');
  });

  it('finds a ramp of 1 % over 6 h in a steady service, and says so in one sentence', () => {
    const from = 7 * day;
    const ramp = (at: number) => (at < from ? 0 : ((at - from) / 36) * 0.01);
    const small = { ...heap, delta: 0.001 };
    const steps = pastOf({ steps: from + 36, spread: 0.0005, change: ramp });
    const found = last(watch(steps, from, { checks: [small] }));
    expect(found.verdict.verdict).toBe('fail');
    expect(found.verdict.sentence).toMatch(
      /^heap is 0\.\d % higher than before the release \(10\d(\.\d)? against 100\); by itself it changes by about /,
    );
    const quiet = pastOf({ steps: from + 36, spread: 0.0005 });
    expect(last(watch(quiet, from, { checks: [small] })).verdict.verdict).not.toBe('fail');
  });

  it('what a service does each day is no regression, and a leak on top of it is found', () => {
    const from = 7 * day + 60;
    const daily = (at: number) => 0.4 * Math.sin((2 * Math.PI * at) / day);
    const plain = pastOf({ steps: from + 12, change: daily });
    expect(watch(plain, from).map(({ verdict }) => verdict.verdict)).not.toContain('fail');
    const leak = (at: number) => daily(at) + (at < from ? 0 : 0.02 * (at - from));
    const found = last(watch(pastOf({ steps: from + 12, change: leak }), from));
    expect(found.verdict.verdict).toBe('fail');
    expect(found.verdict.sentence).toContain('from one day to the next');
  });

  it('an incident that is over in a quarter of the time stops nobody', () => {
    const from = 2 * day;
    const incident = (at: number) => (at === from + 9 ? 1.5 : 0);
    const said = watch(pastOf({ steps: from + 12, change: incident }), from, { checks: [heap, errors] });
    expect(said.map(({ verdict }) => verdict.verdict)).not.toContain('fail');
  });

  it('without a past only gross harm is believed, and the rest is undecided', () => {
    const from = 6;
    const by = (size: number) => pastOf({ steps: from + 12, change: (at) => (at < from ? 0 : size) });
    expect(last(watch(by(0.15), from)).verdict.verdict).toBe('undecided');
    expect(last(watch(by(2), from)).verdict.verdict).toBe('fail');
  });

  it('missing steps, a resize, and a job that somebody else has are no evidence', () => {
    const from = 2 * day;
    const change = (at: number) => (at < from ? 0 : 1);
    const busy = pastOf({ steps: from + 12, change, busy: (at) => at >= from });
    expect(last(watch(busy, from)).measured).toBe(false);
    const resized = pastOf({ steps: from + 12, change }).map((step, at) => ({
      ...step,
      levels: at < from ? step.levels : { [historyKey(heap)]: { tasks: 40, value: 500 } },
    }));
    expect(last(watch(resized, from)).verdict.verdict).toBe('undecided');
  });

  it('a check that observes is shown and never counts; one that holds says so', () => {
    const from = 2 * day;
    const steps = pastOf({ steps: from + 12, change: (at) => (at < from ? 0 : 0.5) });
    const observed = last(watch(steps, from, { checks: [{ ...heap, trust: 'observe' }] }));
    expect(observed.verdict).toMatchObject({ verdict: 'undecided', perCheck: [{ verdict: 'fail' }] });
    const held = last(watch(steps, from, { checks: [{ ...heap, trust: 'hold' }] }));
    expect(held.verdict.verdict).toBe('undecided');
    expect(held.holds).toEqual([expect.stringContaining('heap is ')]);
  });

  it('asked twice about the same steps it says the same and spends nothing', () => {
    const from = 2 * day;
    const steps = pastOf({ steps: from + 6 });
    const [first] = watch(steps.slice(0, from + 1), from);
    const spec = specOf([heap]);
    const plan: WatchPlan = {
      rollout: 'ro_1',
      spec,
      checks: [heap],
      suspects: [{ rollout: 'ro_1', startedAtMs: (from - 2) * stepMs }],
      fromMs: from * stepMs,
      untilMs: (from + 12) * stepMs,
      stepMs,
      parts: 4,
    };
    const once = judgeWatch(plan, steps, first!.memory, 5);
    const again = judgeWatch(plan, steps, once.memory, 5);
    expect(again.memory).toEqual(once.memory);
    expect(again.verdict.verdict).toBe(once.verdict.verdict);
    expect(judgeWatch(plan, steps, first!.memory, 5)).toEqual(once);
  });

  it('property: shares of α over all looks of a watch never exceed its part', () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 40 }), fc.integer({ min: 1, max: 1e6 }), (length, seed) => {
        const from = 60;
        const said = watch(pastOf({ seed, steps: from + length }), from, { checks: [heap, errors] });
        expect(last(said).memory.alphaSpent).toBeLessThanOrEqual(0.01 / 4 + 1e-12);
      }),
      { numRuns: 60 },
    );
  });
});

describe('H11 which of several releases it was', () => {
  const suspects = [
    { id: 'a', fromMs: 20 * stepMs },
    { id: 'b', fromMs: 40 * stepMs },
  ];
  const points = (level: (at: number) => number, isThere: (at: number) => boolean = () => true) =>
    Array.from({ length: 60 }, (_, at) => ({ atMs: (at + 0.5) * stepMs, level: level(at) })).filter((_, at) =>
      isThere(at),
    );
  const noise = (at: number) => 0.02 * normal(seededChance(at, 'noise'));

  it.each([
    ['a step with the first', (at: number) => (at < 22 ? 0 : 1), ['a']],
    ['a step with the second', (at: number) => (at < 42 ? 0 : 1), ['b']],
    ['a ramp that began with the first', (at: number) => Math.max(0, at - 21) * 0.05, ['a']],
    ['a ramp that began with the second', (at: number) => Math.max(0, at - 41) * 0.05, ['b']],
  ] as const)('%s', (_, level, expected) => {
    expect(
      nameSuspects(
        suspects,
        points((at) => level(at) + noise(at)),
      ),
    ).toEqual(expected);
  });

  it('never guesses: what no point lies between names both', () => {
    const step = points(
      (at) => (at < 40 ? 0 : 1) + noise(at),
      (at) => at < 20 || at >= 44,
    );
    expect(nameSuspects(suspects, step)).toEqual(['a', 'b']);
    expect(nameSuspects(suspects, points(noise).slice(0, 3))).toEqual(['a', 'b']);
    const flat = points((at) => 0.02 * normal(seededChance(at, 'flat')));
    expect(nameSuspects(suspects, flat)).toEqual(['a', 'b']);
  });

  it('one release alone is named without looking', () => {
    expect(nameSuspects([suspects[0]!], [])).toEqual(['a']);
  });

  it('ties a finding of the whole watch to the release it began with', () => {
    const from = 2 * day;
    const two = [
      { rollout: 'ro_1', startedAtMs: (from - 14) * stepMs },
      { rollout: 'ro_2', startedAtMs: (from - 2) * stepMs },
    ] as const;
    for (const [begin, expected] of [
      [from - 12, ['ro_1']],
      [from, ['ro_2']],
    ] as const) {
      const change = (at: number) => Math.max(0, at - begin) * 0.05;
      const steps = pastOf({ steps: from + 12, change, spread: 0.01 });
      const found = last(watch(steps, from, { rollout: 'ro_2', suspects: two }));
      expect(found.verdict.verdict).toBe('fail');
      expect(found.named).toEqual(expected);
    }
  });
});

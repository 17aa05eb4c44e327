import { seededChance } from '../../kit/index.ts';
import type { Sample } from '../../model/index.ts';
import { compileSpec } from '../../spec/index.ts';
import { type JudgeMemory, type JudgePlan, judge, ladderOf } from '../index.ts';

const { bounds: spanBounds } = ladderOf('rollway_span_seconds');

/** Seconds that a request spends in each part: a service whose requests are traced, for tests and for the bench. */
export const spanParts = {
  'postgresql select': 0.008,
  'http payments.example': 0.006,
  'internal render': 0.004,
  self: 0.002,
};
export type SpanPart = keyof typeof spanParts;

export interface SpanWorld {
  readonly seed?: number;
  /** Of new tasks: how much longer a part takes; what is added to a part in seconds. */
  readonly slow?: Partial<Record<SpanPart, number>>;
  /** Tasks that were slow there before, and stay so. */
  readonly lame?: Partial<Record<SpanPart, number>>;
  /** Of all requests so many are traced. */
  readonly sampled?: number;
  readonly isTraced?: boolean;
}

/** Ten tasks of 40 requests a second; four of them are new from second 60 on. */
function traffic({ seed = 1, slow = {}, lame = {}, sampled = 0.2, isTraced = true }: SpanWorld): Sample[] {
  const chance = seededChance(seed, 'components');
  const samples: Sample[] = [];
  for (let second = 0; second < 110; second += 1) {
    for (let index = 0; index < 10; index += 1) {
      const isNew = index < 4 && second >= 60;
      const all: number[] = [];
      const traced = new Map<string, number[]>();
      for (let i = 0; i < 40; i += 1) {
        const isSampled = chance.next() < sampled;
        let request = 0;
        for (const [part, seconds] of Object.entries(spanParts) as [SpanPart, number][]) {
          const spread = 0.5 * (chance.next() + chance.next() + chance.next() - 1.5) * 2;
          const harm = (isNew ? (slow[part] ?? 1) : 1) * (index < 4 ? (lame[part] ?? 1) : 1);
          const took = seconds * harm * Math.exp(spread);
          request += took;
          if (isSampled) traced.set(part, [...(traced.get(part) ?? []), took]);
        }
        all.push(request);
        if (isSampled) traced.set('request', [...(traced.get('request') ?? []), request]);
      }
      const push = (metric: string, labels: Record<string, string>, times: readonly number[]) => {
        const counts = spanBounds.map(() => 0);
        for (const time of times) counts[spanBounds.findIndex((bound) => time <= bound)]! += 1;
        const sum = times.reduce((total, time) => total + time, 0);
        samples.push({
          ...{ job: 'shop@production', index, incarnation: isNew ? 2 : 1, state: 'serving' },
          ...{ fromMs: second * 1000, toMs: second * 1000 + 1000, version: isNew ? 'v_new' : 'v_old' },
          ...{ metric, labels, value: { histogramDelta: { bounds: spanBounds, counts, sum } } },
        });
      };
      push('http_request_duration_seconds', {}, all);
      if (isTraced) for (const [component, times] of traced) push('rollway_span_seconds', { component }, times);
    }
  }
  return samples;
}

const spec = (() => {
  const judgeOf = { bin: '1s', warmup: '3s', alpha: 0.01 };
  const compiled = compileSpec({ name: 'shop', command: 'x', metrics: '/m', judge: judgeOf }, 'rollway.yaml');
  if (!compiled.ok) throw new Error(JSON.stringify(compiled.error));
  return compiled.value.spec.judge;
})();

/** Looks at every eighth bin until it failed or the bake is over. */
export function watchSpans(world: SpanWorld) {
  const plan: JudgePlan = {
    ...{ rollout: 'ro_1', phase: 0, phaseName: 'first', spec, newVersion: 'v_new', oldVersions: ['v_old'] },
    updates: [0, 1, 2, 3].map((index) => ({ index, admittedAtMs: 60_000, servingAtMs: 60_000 })),
    ...{ phaseStartedAtMs: 60_000, updatedAtMs: 60_000, deadlineAtMs: 98_000, phases: 1 },
  };
  const all = traffic(world);
  let memory: JudgeMemory | undefined;
  for (let second = 66; ; second += 8) {
    const seen = all.filter(({ toMs }) => toMs <= second * 1000);
    const judgement = judge(plan, seen, memory, second * 1000 + 3000);
    memory = judgement.memory;
    if (judgement.verdict.verdict === 'fail' || second >= 106) return { ...judgement, second };
  }
}

import { describe, expect, it } from 'vitest';
import type { Sample } from '../model/index.ts';
import { loadsOf } from './load.ts';

function sample(index: number, at: number, value: Sample['value'], labels = {}, metric = 'requests_total'): Sample {
  return {
    ...{ job: 'shop@production', index, incarnation: 1, version: 'v_1', state: 'serving', labels, metric },
    ...{ fromMs: at * 1000, toMs: (at + 1) * 1000, value },
  };
}

describe('TWD-10 the load of tasks, from samples', () => {
  it.each([
    ['a counter: events per second, over all series', [{ counterDelta: 30 }, { counterDelta: 50 }], 0.4],
    ['a gauge: its mean', [{ gauge: 30 }, { gauge: 50 }], 0.4],
    [
      'a histogram: how many were counted',
      [{ histogramDelta: { bounds: [1, 2], counts: [60, 20], sum: 5 } }, { counterDelta: 0 }],
      0.4,
    ],
  ] as const)('%s', (_, [first, second], load) => {
    expect(loadsOf([sample(0, 1, first), sample(0, 2, second)], { metric: 'requests_total', full: 100 })).toEqual([
      load,
    ]);
  });

  it('adds the series of a task up, and leaves out who told nothing', () => {
    const samples = [
      sample(3, 1, { gauge: 20 }, { route: 'a' }),
      sample(3, 1, { gauge: 30 }, { route: 'b' }),
      sample(1, 1, { gauge: 10 }),
      sample(2, 1, { gauge: 99 }, {}, 'other'),
    ];
    expect(loadsOf(samples, { metric: 'requests_total', full: 100 })).toEqual([0.1, 0.5]);
  });
});

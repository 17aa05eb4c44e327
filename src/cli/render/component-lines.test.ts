import { expect, test } from 'vitest';
import { componentLines } from './component-lines.ts';
import { createStyle } from './style.ts';

const one = (component: string, oldMean: number, newMean: number, more = {}) => ({
  ...{
    component,
    oldMean,
    newMean,
    oldLevel: null,
    newLevel: null,
    estimate: null,
    interval: null,
    shareOfAdded: null,
  },
  ...more,
});

test('ML-13 where the time goes: a line for each component, and no more than a screen has room for', () => {
  const database = one('postgresql select', 0.0061, 0.0122, {
    ...{ estimate: 0.98, interval: [0.6, 40] as [number, number], shareOfAdded: 0.93 },
  });
  const lines = componentLines([database, one('self', 0.003, 0.003)], createStyle(false));
  expect(lines).toEqual([
    '  where traced requests spend their time, old → new',
    '    postgresql select                6.1 ms → 12.2 ms  98 % (60 % to more than 300 %)  93 % of what is longer',
    '    self                             3 ms → 3 ms',
  ]);
  const many = Array.from({ length: 9 }, (_, i) => one(`part ${i}`, 0.001, 0.001));
  expect(componentLines(many, createStyle(false)).slice(-1)).toEqual(['    and 3 more']);
  expect(componentLines([], createStyle(false))).toEqual([]);
});

test('what a service calls its parts draws nothing else on a terminal', () => {
  const [, line] = componentLines([one('\u001b[31mred\u001b[0m', 0.001, 0.001)], createStyle(false));
  expect(line).not.toContain('\u001b');
});

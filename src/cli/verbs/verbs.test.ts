import { describe, expect, test } from 'vitest';
import { readLabels } from './agent.ts';
import { newLines } from './logs.ts';
import { ranges } from './plan.ts';
import { readListen } from './proxy.ts';

test.each([
  [[], ''],
  [[3], '3'],
  [[0, 1, 2, 7, 9, 10], '0–2, 7, 9–10'],
  [[10, 9, 1], '1, 9–10'],
])('ranges(%j) = %s', (indices, text) => expect(ranges(indices)).toBe(text));

describe('following a log shows each line once', () => {
  test.each([
    [[], ['a', 'b'], ['a', 'b']],
    [['a', 'b'], ['a', 'b', 'c'], ['c']],
    [['a', 'b', 'c'], ['b', 'c', 'd'], ['d']],
    [['a', 'a'], ['a', 'a'], []],
    [['a'], ['x', 'y'], ['x', 'y']],
  ])('%j then %j adds %j', (before, after, added) => expect(newLines(before, after)).toEqual(added));
});

test.each([
  ['8080', '127.0.0.1', 8080],
  [':9', '127.0.0.1', 9],
  ['0.0.0.0:80', '0.0.0.0', 80],
  ['[::1]:8080', '::1', 8080],
])('--listen %s is %s port %i', (text, host, port) => expect(readListen(text)).toEqual({ host, port }));

test('labels are key=value, and anything else is refused by name', () => {
  expect(readLabels(['region=eu', 'rack=r=1'])).toEqual({ region: 'eu', rack: 'r=1' });
  expect(() => readLabels(['region'])).toThrow(/region/);
});

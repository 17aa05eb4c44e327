import { Command } from 'commander';
import { describe, expect, test } from 'vitest';
import { catalogue } from '../../model/index.ts';
import { problemIn } from '../failure.ts';
import { declareVerbs } from '../verbs.ts';
import { withoutTimes } from '../watch.ts';
import { readLabels } from './agent.ts';
import { readLabel } from './judge.ts';
import { newLines } from './logs.ts';
import { jobNamed, ranges } from './plan.ts';
import { readListen } from './proxy.ts';

test.each([
  [[], ''],
  [[3], '3'],
  [[0, 1, 2, 7, 9, 10], '0–2, 7, 9–10'],
  [[10, 9, 1], '1, 9–10'],
])('ranges(%j) = %s', (indices, text) => expect(ranges(indices)).toBe(text));

describe('a plan of one of several jobs', () => {
  const jobs = ['us', 'eu'].map((name) => ({ name, job: `shop@production.${name}` }));
  const plan = { service: 'shop', environment: 'production', together: { jobs } } as never;
  test('is the part that speaks of it; without a name, all', () => {
    expect(jobNamed(plan, 'eu')).toMatchObject({ job: 'shop@production.eu' });
    expect(jobNamed(plan, undefined)).toBeUndefined();
  });
  test.each([
    [plan, /has 2 jobs: us, eu; there is no job asia/],
    [{ service: 'shop', environment: 'production', together: null } as never, /has one job, without a name/],
  ])('a name that is not there is refused with those that are', (of, why) => {
    expect(() => jobNamed(of, 'asia')).toThrow(why);
  });
});

test('a verdict is called right or wrong by these two words only', () => {
  expect([readLabel('true'), readLabel('false')]).toEqual([true, false]);
  for (const word of ['maybe', 'True', undefined]) expect(() => readLabel(word)).toThrow(/neither true/);
});

test('a file that cannot be used is named, without a trace; a mistake of ours is none of those', () => {
  const missing = Object.assign(new Error('ENOENT: …'), { code: 'ENOENT', path: '/nowhere/x.svg.37800d4222e1.tmp' });
  expect(problemIn(missing)?.detail).toBe('/nowhere/x.svg: there is no such file or folder');
  expect(problemIn(new TypeError('x is undefined'))).toBeUndefined();
});

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

test('every command that a problem recommends exists', () => {
  const program = new Command();
  const declare = (parent: Command, usage: string, _: string, __: unknown, shape = (c: Command) => c) =>
    shape(parent.command(usage));
  declareVerbs(program, { verb: declare, localVerb: declare });
  const known = program.commands.flatMap((verb) => [
    verb.name(),
    ...verb.commands.map((sub) => `${verb.name()} ${sub.name()}`),
  ]);
  const named = Object.values(catalogue).flatMap(({ remedy }) =>
    [...remedy.matchAll(/`rollway ([a-z][a-z ]*)/g)].map((m) => m[1]!.trim()),
  );
  expect(named.length).toBeGreaterThan(20);
  expect(named.filter((name) => !known.includes(name))).toEqual([]);
});

test('a clock that runs is no news to who reads lines', () => {
  expect(withoutTimes('next: judge, about 1 m 5 s')).toBe(withoutTimes('next: judge, about 955 ms'));
  expect(withoutTimes('2 of 3 tasks')).not.toBe(withoutTimes('1 of 3 tasks'));
});

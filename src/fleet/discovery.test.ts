import { describe, expect, test } from 'vitest';
import { type HostState, taskStates } from '../model/index.ts';
import { discover, type Endpoint } from './discovery.ts';

const job = 'guestbook@production';

function endpoint(index: number, over: Partial<Endpoint> = {}): Endpoint {
  const ports = { http: 20_000 + index };
  return {
    job,
    index,
    incarnation: 1,
    host: 'a',
    version: 'v_1',
    state: 'serving',
    address: '127.0.10.1',
    ports,
    ...over,
  };
}

const states = (a: HostState, b: HostState = 'up') => new Map([['a', a] as const, ['b', b] as const]);

describe('who is served to clients', () => {
  test('TWH-1 only tasks that serve', () => {
    const endpoints = taskStates.map((state, index) => endpoint(index, { state }));
    const found = discover(job, endpoints, states('up'), false).entries.map((e) => e.index);
    expect(found).toEqual([taskStates.indexOf('serving')]);
  });

  const hosts: [HostState, boolean, boolean][] = [
    ['up', false, true],
    ['leaving', false, true],
    ['suspected', false, false],
    ['suspected', true, true],
    ['lost', false, false],
    ['lost', true, false],
    ['fenced', true, false],
  ];
  test.each(hosts)('TWH-2 a task on a host that is %s (mass silence: %s) is served: %s', (state, mass, isServed) => {
    expect(discover(job, [endpoint(0)], states(state), mass).entries).toHaveLength(isServed ? 1 : 0);
  });

  test('a superseded incarnation is served until its replacement serves', () => {
    const old = endpoint(0, { host: 'a', incarnation: 1 });
    const starting = endpoint(0, { host: 'b', incarnation: 2, state: 'starting' });
    expect(discover(job, [starting, old], states('up'), false).entries[0]?.incarnation).toBe(1);
    const both = [{ ...starting, state: 'serving' as const }, old];
    expect(discover(job, both, states('up'), false).entries.map((e) => e.incarnation)).toEqual([2]);
  });

  test('equal lists have equal revisions, in whatever order they were read; another port is another revision', () => {
    const endpoints = [endpoint(0), endpoint(1), endpoint(2)];
    const list = discover(job, endpoints, states('up'), false);
    expect(discover(job, [...endpoints].reverse(), states('up'), false)).toEqual(list);
    const moved = [endpoint(0), endpoint(1), endpoint(2, { ports: { http: 1 } })];
    expect(discover(job, moved, states('up'), false).revision).not.toBe(list.revision);
  });
});

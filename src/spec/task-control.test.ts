import { describe, expect, it } from 'vitest';
import { serviceSpecSchema } from '../model/index.ts';
import { compileSpec } from './index.ts';

const minimal = { name: 'web', command: 'node server.js' };
const timing = { timeoutMs: 5000, intervalMs: 2000, alarmAfterMs: 60_000 };

/** What the first environment's TaskController becomes, or what is wrong with it. */
function compiled(taskControl: unknown, more: object = {}): unknown {
  const result = compileSpec({ ...minimal, taskControl, ...more }, 'rollway.config.ts');
  if (!result.ok) return result.error.map(({ detail }) => detail.replace('rollway.config.ts: ', '')).join('\n');
  expect(serviceSpecSchema.parse(result.value.spec)).toEqual(result.value.spec);
  return result.value.spec.environments[0]?.taskControl;
}

describe('taskControl', () => {
  it.each<[string, unknown, unknown]>([
    ['budget-only', 'budget-only', null],
    [
      'over HTTP',
      {
        url: 'https://control.example/shop',
        secretHeaders: { Authorization: 'token' },
        timeout: '1s',
        interval: '500ms',
      },
      {
        ...{ kind: 'http', url: 'https://control.example/shop', secretHeaders: { Authorization: 'token' } },
        ...{ timeoutMs: 1000, intervalMs: 500, alarmAfterMs: 60_000 },
      },
    ],
    ['leader-last', { leaderLast: '/leader' }, { kind: 'leader-last', path: '/leader', port: 'http', ...timing }],
    [
      'shard-aware',
      { shardAware: '/shards', keep: 2 },
      { kind: 'shard-aware', path: '/shards', port: 'http', keep: 2, rideOutMs: null, ...timing },
    ],
    [
      'load-aware by a metric',
      { loadAware: { metric: 'requests_total', full: 200 }, low: '50%' },
      { kind: 'load-metric', metric: 'requests_total', full: 200, low: 0.5, high: 0.85, floor: 1, ...timing },
    ],
    [
      'load-aware',
      { loadAware: '/load', high: '90%' },
      { kind: 'load-aware', path: '/load', port: 'http', low: 0.6, high: 0.9, floor: 1, ...timing },
    ],
  ])('%s, with its defaults', (_, said, expected) => {
    expect(compiled(said)).toEqual(expected);
  });

  it('an environment has its own, or none', () => {
    const environments = { production: { taskControl: 'budget-only' } };
    expect(compiled({ leaderLast: '/leader' }, { environments })).toBeNull();
    const other = { production: { taskControl: { url: 'http://127.0.0.1:9000/' } } };
    expect(compiled({ leaderLast: '/leader' }, { environments: other })).toMatchObject({ kind: 'http' });
  });

  it.each<[string, unknown, RegExp]>([
    ['neither this nor that', 'ask-nicely', /taskControl.*must be "budget-only", or one of/],
    ['another scheme', { url: 'file:///etc/passwd' }, /taskControl/],
    ['credentials in the address', { url: 'http://ada:secret@127.0.0.1/' }, /taskControl/],
    ['a secret by its path', { url: 'http://127.0.0.1/', secretHeaders: { A: '../../admin-token' } }, /taskControl/],
    ['an absolute path', { url: 'http://127.0.0.1/', secretHeaders: { A: '/etc/shadow' } }, /taskControl/],
    ['a timeout of an hour', { url: 'http://127.0.0.1/', timeout: '1h' }, /taskControl/],
    ['a port that is not there', { leaderLast: '/leader', port: 'admin' }, /taskControl.*port.*"admin"/],
    ['a metric without what a task can bear', { loadAware: { metric: 'requests_total' } }, /taskControl.loadAware/],
    [
      'limits of a metric the wrong way round',
      { loadAware: { metric: 'requests_total', full: 10 }, low: '90%', high: '80%' },
      /`low` that is not below its `high`/,
    ],
    [
      'limits the wrong way round',
      { loadAware: '/load', low: '90%', high: '80%' },
      /`low` that is not below its `high`/,
    ],
  ])('%s is refused', (_, said, message) => {
    expect(compiled(said)).toMatch(message);
  });
});

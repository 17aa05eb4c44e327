import { expect, test } from 'vitest';
import type { TaskReport } from '../model/index.ts';
import { foldPlain, foldReport, newTask } from './index.ts';

const serving: TaskReport = {
  ...{ job: 'shop@production', index: 3, incarnation: 2, life: 0, host: 'host-1', version: 'v_1', state: 'serving' },
  ...{ ports: { http: 8080 }, address: '127.0.0.1', sequence: 7, atMs: 1000 },
};
const known = foldReport(newTask(3), serving);
const again: TaskReport = { ...serving, sequence: 8, atMs: 2000 };

test('a report that says what is known is taken in, and only its time and number are new', () => {
  const after = foldPlain(known, again, 5000);
  expect(after).toEqual({ ...known, current: { ...known.current, sequence: 8, reportedAtMs: 2000 } });
  expect(after).toEqual(foldReport(known, again));
});

test('an older one, or the same once more, changes nothing at all', () => {
  expect(foldPlain(known, serving, 5000)).toBe(known);
  expect(foldPlain(known, { ...again, sequence: 5, state: 'failed' }, 5000)).toBe(known);
});

test.each<[string, Partial<TaskReport>]>([
  ['another state', { state: 'draining' }],
  ['another life', { life: 1 }],
  ['another incarnation', { incarnation: 3 }],
  ['another port', { ports: { http: 8081 } }],
  ['the end of an operation', { operation: { id: 'op_1', outcome: 'done' } }],
  ['a failure', { failure: { reason: 'lost', summary: 'It is gone.', lastLogLines: [] } }],
])('%s is for the job to decide on', (_what, change) => {
  expect(foldPlain(known, { ...again, ...change }, 5000)).toBeUndefined();
});

test('that a task serves after a failed try is news', () => {
  const failedOnce = { ...known, failedTries: 1, notBeforeMs: 9000, failedOn: ['host-1'] };
  expect(foldPlain(failedOnce, again, 5000)).toBeUndefined();
});

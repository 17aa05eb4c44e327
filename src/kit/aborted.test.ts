import { expect, it } from 'vitest';
import { orAborted, whenAborted } from './aborted.ts';

it('an abort is waited for, or has been already', async () => {
  const ending = new AbortController();
  const waiting = whenAborted(ending.signal);
  ending.abort();
  await waiting;
  await whenAborted(ending.signal);
});

it('what comes first counts: the value, its failure, or the abort with its reason', async () => {
  const ending = new AbortController();
  expect(await orAborted(Promise.resolve(7), ending.signal)).toBe(7);
  await expect(orAborted(Promise.reject(new Error('no')), ending.signal)).rejects.toThrow('no');
  const waiting = orAborted(new Promise(() => {}), ending.signal);
  ending.abort(new Error('the end'));
  await expect(waiting).rejects.toThrow('the end');
  await expect(orAborted(Promise.resolve(7), ending.signal)).rejects.toThrow('the end');
});

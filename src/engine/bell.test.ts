import { expect, test } from 'vitest';
import { createBell } from './bell.ts';

const never = new AbortController().signal;

/** Whether it is heard by now. */
async function isHeard(waiting: Promise<void>): Promise<boolean> {
  const state = { heard: false };
  waiting.then(() => {
    state.heard = true;
  });
  for (let i = 0; i < 5; i++) await Promise.resolve();
  return state.heard;
}

test('a ring wakes all who wait, once', async () => {
  const bell = createBell();
  const [one, two] = [bell.heard(never), bell.heard(never)];
  expect(await isHeard(one)).toBe(false);
  bell.ring();
  expect([await isHeard(one), await isHeard(two)]).toEqual([true, true]);
  expect(await isHeard(bell.heard(never))).toBe(false);
});

test('a ring that nobody waited for is heard by the next who does', async () => {
  const bell = createBell();
  bell.ring();
  bell.ring();
  expect(await isHeard(bell.heard(never))).toBe(true);
  expect(await isHeard(bell.heard(never))).toBe(false);
});

test('who gave up waiting takes no ring away from those who come later', async () => {
  const bell = createBell();
  const giveUp = new AbortController();
  const given = bell.heard(giveUp.signal);
  giveUp.abort();
  expect(await isHeard(given)).toBe(true);
  bell.ring();
  expect(await isHeard(bell.heard(never))).toBe(true);
});

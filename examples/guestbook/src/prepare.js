import { setTimeout as wait } from 'node:timers/promises';

/** What each request needs before it is answered: here a look-up that takes a few milliseconds. */
export async function prepare() {
  await wait(2 + Math.random() * 4);
}

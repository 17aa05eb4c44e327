import { setTimeout as wait } from 'node:timers/promises';

/** The look-up; the pool is gone: under load it ran empty. */
export async function prepare() {
  await wait(2 + Math.random() * 4);
}

import { setTimeout as wait } from 'node:timers/promises';

const capacity = 4;
const refillMs = 1000;
let spent = 0;
let since = Date.now();
let turn = 0;

/** The look-up through a small pool of connections, so that an idle service holds none open. */
export async function prepare() {
  const now = Date.now();
  if (now - since >= refillMs) {
    since = now;
    spent = 0;
  }
  spent += 1;
  await wait(2 + Math.random() * 4);
  if (spent > capacity) await contend();
}

/** The pool is empty: most callers get a connection back in time. */
async function contend() {
  turn += 1;
  if (turn % 9 === 0) throw new Error('no connection left in the pool');
  if (turn % 9 === 4) await wait(10);
}

import { randomFillSync } from 'node:crypto';
import type { Chance } from '../kit/index.ts';

const buffer = new Uint32Array(1024);
let used = buffer.length;

/** Real chance, from the operating system's cryptographic source: ids made with it cannot be guessed. */
export const realChance: Chance = {
  next() {
    if (used === buffer.length) {
      randomFillSync(buffer);
      used = 0;
    }
    return (buffer[used++] as number) / 4_294_967_296;
  },
};

import type { Chance } from './chance.ts';

const alphabet = '0123456789abcdefghjkmnpqrstvwxyz';

/**
 * Makes ids such as `ro_01jd3k8vq4x7m2zt`: nine base-32 digits of milliseconds, seven of chance, so that they sort
 * by time. Two made in the same millisecond differ by 35 random bits.
 */
export function makeId<P extends string>(prefix: P, nowMs: number, chance: Chance): `${P}_${string}` {
  let time = '';
  let rest = nowMs;
  for (let i = 0; i < 9; i++) {
    time = alphabet[rest % 32] + time;
    rest = Math.floor(rest / 32);
  }
  let random = '';
  for (let i = 0; i < 7; i++) random += alphabet[Math.floor(chance.next() * 32)];
  return `${prefix}_${time}${random}`;
}

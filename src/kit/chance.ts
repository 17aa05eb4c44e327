/** The port of chance. Real in `io/`; in `sim/` a seeded stream per purpose. */
export interface Chance {
  /** Uniform in [0, 1). */
  next(): number;
}

/**
 * A named, seeded stream (xoshiro128** seeded by splitmix32 over the seed and the name): fetching a stream by name
 * keeps one added draw from reshuffling all others.
 */
export function seededChance(seed: number, name = ''): Chance {
  let mix = seed >>> 0;
  for (let i = 0; i < name.length; i++) mix = Math.imul(mix ^ name.charCodeAt(i), 0x9e3779b1) >>> 0;
  const splitmix = (): number => {
    mix = (mix + 0x9e3779b9) >>> 0;
    let z = mix;
    z = Math.imul(z ^ (z >>> 16), 0x85ebca6b);
    z = Math.imul(z ^ (z >>> 13), 0xc2b2ae35);
    return (z ^ (z >>> 16)) >>> 0;
  };
  let a = splitmix();
  let b = splitmix();
  let c = splitmix();
  let d = splitmix();
  return {
    next() {
      const rotated = Math.imul(b, 5);
      const result = Math.imul((rotated << 7) | (rotated >>> 25), 9) >>> 0;
      const t = b << 9;
      c ^= a;
      d ^= b;
      b ^= c;
      a ^= d;
      c ^= t;
      d = (d << 11) | (d >>> 21);
      return result / 4294967296;
    },
  };
}

/** A whole number in [0, n). */
export function pickBelow(chance: Chance, n: number): number {
  return Math.floor(chance.next() * n);
}

export function pickOne<T>(chance: Chance, items: readonly T[]): T {
  const item = items[pickBelow(chance, items.length)];
  if (item === undefined) throw new Error('nothing to pick from');
  return item;
}

/** A shuffled copy (Fisher–Yates). */
export function shuffled<T>(chance: Chance, items: readonly T[]): T[] {
  const copy = [...items];
  for (let i = copy.length - 1; i > 0; i--) {
    const j = pickBelow(chance, i + 1);
    [copy[i], copy[j]] = [copy[j] as T, copy[i] as T];
  }
  return copy;
}

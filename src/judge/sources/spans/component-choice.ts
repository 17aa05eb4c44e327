/** Components of a service that have a name of their own; the rest is `other`. */
export const maxComponents = 12;
/** Names of one version that are counted at once: those that are new beyond wait until rare ones are forgotten. */
const maxNames = 500;
/** Versions at once: old, new, and what else is left over. */
const maxVersions = 4;
/** A share of a version's time below which a name is not worth one of the places. */
const leastShare = 0.002;
/** Whoever has a place keeps it until another one takes this many times as much: names must not flicker. */
const replaceRatio = 2;
const halveEveryMs = 60_000;

/**
 * Which components of a job are told by name: the same for all its tasks, so that old and new ones are compared in the
 * same. By their share of the time of requests, in that version where it is largest: what only the new version does is
 * seen while few tasks run it.
 */
export class ComponentChoice {
  readonly #versions = new Map<string, Map<string, number>>();
  readonly #chosen = new Set<string>();
  #halvedAtMs = Number.NEGATIVE_INFINITY;
  #isFull = false;

  /** Counts the time of one request; its components in microseconds. */
  add(version: string, components: ReadonlyMap<string, number>, selfUs: number): void {
    const known = this.#versions.get(version);
    const names = known ?? new Map<string, number>([['', 0]]);
    if (!known) {
      this.#versions.set(version, names);
      if (this.#versions.size > maxVersions) this.#versions.delete(this.#versions.keys().next().value!);
    }
    // Under the empty name stands the whole.
    names.set('', names.get('')! + selfUs);
    for (const [name, us] of components) {
      names.set('', names.get('')! + us);
      if (names.has(name) || names.size <= maxNames) names.set(name, (names.get(name) ?? 0) + us);
      else this.#isFull = true;
    }
  }

  /** Looks anew who deserves a name; says whether names seem to have no end. Call once per bin. */
  choose(nowMs: number): { readonly isFull: boolean } {
    const shares = new Map<string, number>();
    for (const names of this.#versions.values()) {
      const whole = names.get('')!;
      for (const [name, us] of names) {
        if (name !== '' && whole > 0) shares.set(name, Math.max(shares.get(name) ?? 0, us / whole));
      }
    }
    for (const [name, share] of [...shares].sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1))) {
      if (share < leastShare) break;
      if (this.#chosen.has(name)) continue;
      if (this.#chosen.size < maxComponents) this.#chosen.add(name);
      else {
        const least = [...this.#chosen].sort((a, b) => (shares.get(a) ?? 0) - (shares.get(b) ?? 0))[0]!;
        if (share < replaceRatio * (shares.get(least) ?? 0)) break;
        this.#chosen.delete(least);
        this.#chosen.add(name);
      }
    }
    if (nowMs - this.#halvedAtMs >= halveEveryMs) this.#forgetHalf(nowMs);
    const isFull = this.#isFull;
    this.#isFull = false;
    return { isFull };
  }

  isChosen(name: string): boolean {
    return this.#chosen.has(name);
  }

  #forgetHalf(nowMs: number): void {
    this.#halvedAtMs = nowMs;
    for (const [version, names] of this.#versions) {
      const whole = names.get('')!;
      // A version of which nothing came for a quarter of an hour is gone.
      if (whole < 1) this.#versions.delete(version);
      for (const [name, us] of names) {
        if (name !== '' && us < (leastShare / 4) * whole) names.delete(name);
        else names.set(name, us / 2);
      }
    }
  }
}

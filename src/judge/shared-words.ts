const maxShared = 200_000;
/** A process that invents new bounds all the time must not be remembered without end. */
const maxLadders = 10_000;

interface Ladder {
  readonly number: number;
  readonly bounds: readonly number[];
}

/** Thousands of series say the same words, and have the same bounds: kept once, and named by a number in keys. */
export class SharedWords {
  readonly #texts = new Map<string, { readonly text: string; readonly place: number }>();
  readonly #ladders = new Map<string, Ladder>();
  #nextLadder = 0;
  #lastLadder: Ladder | undefined;

  /** The number of a text. Beyond the bound it is named by itself. */
  place(text: string): number | string {
    const known = this.#texts.get(text);
    if (known) return known.place;
    if (this.#texts.size >= maxShared) return JSON.stringify(text);
    this.#texts.set(text, { text, place: this.#texts.size });
    return this.#texts.size - 1;
  }

  text(text: string): string {
    return this.#texts.get(text)?.text ?? text;
  }

  labels(labels: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
    const shared: Record<string, string> = {};
    for (const [name, value] of Object.entries(labels)) shared[this.text(name)] = this.text(value);
    return shared;
  }

  /** Bounds of histograms, each set once, with a number for its place in keys; undefined: there are too many. */
  ladder(bounds: readonly number[]): Ladder | undefined {
    // Mostly those of the sample before: a text of all bounds for each sample is much garbage.
    if (this.#lastLadder && areSame(this.#lastLadder.bounds, bounds)) return this.#lastLadder;
    const key = bounds.join();
    const known = this.#ladders.get(key);
    if (known) this.#lastLadder = known;
    if (known || this.#ladders.size >= maxLadders) return known;
    this.#nextLadder += 1;
    const ladder = { number: this.#nextLadder, bounds };
    this.#ladders.set(key, ladder);
    return ladder;
  }

  /** No series is left that says any of them. */
  forgetTexts(): void {
    this.#texts.clear();
  }

  /** A process that invented bounds takes nobody else's place for ever. Numbers are not used again. */
  keepLadders(used: ReadonlySet<readonly number[]>): void {
    for (const [key, { bounds }] of this.#ladders) if (!used.has(bounds)) this.#ladders.delete(key);
    this.#lastLadder = undefined;
  }
}

function areSame(a: readonly number[], b: readonly number[]): boolean {
  if (a.length !== b.length) return false;
  for (let at = 0; at < a.length; at += 1) if (a[at] !== b[at]) return false;
  return true;
}

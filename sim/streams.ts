import { type Chance, seededChance } from '../src/kit/index.ts';

/** Named streams of one seed: a draw added to one does not reshuffle the others. */
export class Streams {
  readonly #seed: number;
  readonly #streams = new Map<string, Chance>();

  constructor(seed: number) {
    this.#seed = seed;
  }

  of(name: string): Chance {
    let stream = this.#streams.get(name);
    if (stream === undefined) {
      stream = seededChance(this.#seed, name);
      this.#streams.set(name, stream);
    }
    return stream;
  }
}

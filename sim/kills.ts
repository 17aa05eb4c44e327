import type { Happening } from './scenario.ts';

type ServerKill = Extract<Happening, { kind: 'server-kill' }>;

/** Kills of the server that wait for their moment: the so manieth transaction or effect from when they were asked for. */
export class Kills {
  readonly #waiting: { readonly point: ServerKill['point']; after: number }[] = [];

  add({ point, after }: ServerKill): void {
    this.#waiting.push({ point, after });
  }

  /** Such a point has come: whether the server dies right there. */
  isDueAt(point: ServerKill['point']): boolean {
    const kill = this.#waiting.find((one) => one.point === point);
    if (kill === undefined || kill.after-- > 0) return false;
    this.#waiting.splice(this.#waiting.indexOf(kill), 1);
    return true;
  }

  clear(): void {
    this.#waiting.length = 0;
  }
}

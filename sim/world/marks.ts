import { healthy } from '../../src/drivers/simulated/index.ts';
import type { MarkId, Rollout, VersionId } from '../../src/model/index.ts';
import type { MarkWish } from '../../src/rollout/index.ts';
import type { Ground } from '../ground.ts';
import { isLateBad } from '../scenario.ts';

/** Versions that carry a mark: set by persons, or because a rollout that failed was bad in truth. */
export class Marks {
  readonly #ground: Ground;
  readonly #changed: () => void;
  readonly carriers = new Map<VersionId, MarkId[]>();

  constructor(ground: Ground, changed: () => void) {
    this.#ground = ground;
    this.#changed = changed;
  }

  consider({ rollout, lastGoodServesOn }: MarkWish): void {
    const isSure =
      rollout.failure?.by === 'judge' || lastGoodServesOn.length > 0 || (rollout.failure?.hosts.length ?? 0) > 1;
    if (!isSure || !this.#isBad(rollout)) return;
    this.#ground.clock.after(200, () => this.set(rollout.to));
  }

  #isBad({ to, watch }: Rollout): boolean {
    const { versions, seed } = this.#ground.scenario;
    const behaviour = versions[to] ?? healthy;
    const isLate = watch !== undefined && isLateBad(seed, to);
    return behaviour.errorRatio > 0 || behaviour.neverReady || behaviour.crashAfterMs !== undefined || isLate;
  }

  set(version: VersionId): void {
    if (this.carriers.has(version)) return;
    this.carriers.set(version, [`mark_${version.slice(2)}`]);
    this.#ground.record('mark', () => version);
    this.#changed();
  }

  clear(version: VersionId): void {
    if (this.carriers.delete(version)) this.#ground.record('cleared', () => version);
  }
}

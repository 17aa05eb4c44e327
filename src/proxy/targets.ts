import { type Chance, pickBelow } from '../kit/index.ts';

/** Where one task answers. */
export interface TargetAddress {
  /** Names the task in the statistics, e.g. `7` (its index). */
  readonly name: string;
  readonly address: string;
  readonly port: number;
}

/** One task as the proxy sees it. */
export interface Target extends TargetAddress {
  inFlight: number;
  served: number;
  failed: number;
  /** Gone from the list: nothing new goes there, what is in flight finishes. */
  isLeaving: boolean;
  /** It refused a connection: left out until then, if there is another. */
  avoidUntilMs: number;
}

const avoidForMs = 1000;

/** The tasks behind one address: which are there, and which one gets the next request. */
export class Targets {
  readonly #chance: Chance;
  readonly #onGone: (target: Target) => void;
  readonly #targets = new Map<string, Target>();
  #waiting: (() => void)[] = [];

  /** `onGone`: a leaving target has answered its last request. */
  constructor(chance: Chance, onGone: (target: Target) => void = () => undefined) {
    this.#chance = chance;
    this.#onGone = onGone;
  }

  /** The newest list. A target that is no longer in it leaves; one that comes back is used again. */
  update(addresses: readonly TargetAddress[]): void {
    const wanted = new Map(addresses.map((a) => [`${a.address}:${a.port}`, a]));
    for (const [key, target] of this.#targets) {
      target.isLeaving = !wanted.has(key);
      this.#forgetIfGone(key, target);
    }
    for (const [key, address] of wanted) {
      const known = this.#targets.get(key);
      if (known?.name === address.name) continue;
      const counters = { inFlight: 0, served: 0, failed: 0, isLeaving: false, avoidUntilMs: 0 };
      this.#targets.set(key, { ...address, ...counters });
    }
    if (wanted.size > 0) for (const wake of this.#waiting.splice(0)) wake();
  }

  list(): readonly Target[] {
    return [...this.#targets.values()];
  }

  /** The less busy of two picked by chance, among those not tried yet; undefined when there is none. */
  pick(tried: ReadonlySet<Target>, nowMs: number): Target | undefined {
    const usable = this.list().filter((target) => !target.isLeaving && !tried.has(target));
    const calm = usable.filter((target) => target.avoidUntilMs <= nowMs);
    const from = calm.length > 0 ? calm : usable;
    if (from.length < 2) return from[0];
    const first = pickBelow(this.#chance, from.length);
    const second = (first + 1 + pickBelow(this.#chance, from.length - 1)) % from.length;
    const [a, b] = [from[first] as Target, from[second] as Target];
    return b.inFlight < a.inFlight ? b : a;
  }

  /** Resolves when there may be a target again, or at the signal. */
  async waitForAny(signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    await new Promise<void>((resolve) => {
      this.#waiting.push(resolve);
      signal.addEventListener('abort', () => resolve(), { once: true });
    });
  }

  begin(target: Target): void {
    target.inFlight += 1;
  }

  /** `refused`: no connection, so no byte was sent; `broken`: it ended in the middle. */
  end(target: Target, outcome: 'served' | 'refused' | 'broken', nowMs: number): void {
    target.inFlight -= 1;
    if (outcome === 'served') target.served += 1;
    else target.failed += 1;
    if (outcome === 'refused') target.avoidUntilMs = nowMs + avoidForMs;
    this.#forgetIfGone(`${target.address}:${target.port}`, target);
  }

  #forgetIfGone(key: string, target: Target): void {
    if (!target.isLeaving || target.inFlight > 0) return;
    if (this.#targets.get(key) === target) this.#targets.delete(key);
    this.#onGone(target);
  }
}

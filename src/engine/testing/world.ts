import { type Clock, seededChance } from '../../kit/index.ts';
import type { Store } from '../../store/index.ts';
import { createEngine, type Engine, type EngineOptions, type EngineSettings, type Hooks } from '../index.ts';

/** A clock that stands until it is moved. */
export interface TestClock extends Clock {
  advanceTo(atMs: number): void;
}

export function createTestClock(startMs = 1_000_000): TestClock {
  let nowMs = startMs;
  let sleepers: { atMs: number; wake: () => void }[] = [];
  return {
    nowMs: () => nowMs,
    sleepUntil: (atMs, signal) =>
      new Promise((resolve, reject) => {
        signal?.throwIfAborted();
        if (atMs <= nowMs) return resolve();
        sleepers.push({ atMs, wake: resolve });
        signal?.addEventListener('abort', () => reject(signal.reason), { once: true });
      }),
    advanceTo(atMs) {
      nowMs = Math.max(nowMs, atMs);
      const due = sleepers.filter((sleeper) => sleeper.atMs <= nowMs);
      sleepers = sleepers.filter((sleeper) => sleeper.atMs > nowMs);
      for (const { wake } of due) wake();
    },
  };
}

export interface World {
  readonly store: Store;
  readonly clock: TestClock;
  readonly engine: Engine;
}

let engines = 0;

/** An engine on this store, driven by hand. Give the same clock to several engines of one world. */
export function createWorld(
  store: Store,
  options: {
    clock?: TestClock;
    hooks?: Hooks;
    settings?: Partial<EngineSettings>;
    onTrouble?: EngineOptions['onTrouble'];
    processId?: string;
  } = {},
): World {
  engines += 1;
  const { clock = createTestClock(), hooks = {}, settings = {}, onTrouble = () => {} } = options;
  const processId = options.processId ?? `process-${engines}`;
  const chance = seededChance(engines);
  const engine = createEngine({
    store,
    clock,
    chance,
    processId,
    hooks,
    onTrouble,
    // Tests let several engines share a store, as servers do on PostgreSQL.
    settings: { isSoleProcess: false, ...settings },
  });
  return { store, clock, engine };
}

/** Steps until nothing is due. Returns how many steps did something. */
export async function settle({ engine }: Pick<World, 'engine'>, maxSteps = 1000): Promise<number> {
  for (let steps = 0; steps < maxSteps; steps++) if (!(await engine.step())) return steps;
  throw new Error(`not settled after ${maxSteps} steps`);
}

/** Steps, and moves the clock to whatever is due next, until nothing ever will be (or until a time). */
export async function drain({ engine, clock }: World, untilMs = Number.MAX_SAFE_INTEGER): Promise<void> {
  for (let rounds = 0; rounds < 1000; rounds++) {
    await settle({ engine });
    const nextAtMs = await engine.nextDueAtMs();
    if (nextAtMs === undefined || nextAtMs > untilMs) return;
    clock.advanceTo(nextAtMs);
  }
  throw new Error('not drained after 1000 rounds');
}

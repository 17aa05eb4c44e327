import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Store } from '../store/index.ts';
import type { Engine } from './index.ts';
import { createWorld, drain, settle } from './testing/world.ts';

/** What the turn of a key asks for when it runs for the n-th time. */
interface Wish {
  readonly work: readonly { readonly key: string; readonly inMs: number; readonly urgent: boolean }[];
  readonly effects: readonly { readonly order: string; readonly wakes: string; readonly inMs: number }[];
}

const key = fc.constantFrom('a', 'b', 'c');
const inMs = fc.constantFrom(0, 0, 50);
const wish: fc.Arbitrary<Wish> = fc.record({
  work: fc.array(fc.record({ key, inMs, urgent: fc.boolean() }), { maxLength: 2 }),
  effects: fc.array(fc.record({ order: fc.constantFrom('x', 'y'), wakes: key, inMs }), { maxLength: 2 }),
});

/** Everything that ran, in its order. */
async function tell(store: Store, wishes: readonly Wish[], runAll: (engine: Engine) => Promise<unknown>) {
  const told: string[] = [];
  const world = createWorld(store, { settings: { isSoleProcess: true } });
  const { engine, clock } = world;
  let turns = 0;
  engine.registerWork({
    kind: 'wish',
    run: async (turn) => {
      const { work, effects } = wishes[turns++] ?? { work: [], effects: [] };
      const number = turns;
      told.push(`${turn.nowMs} ${turn.key}`);
      await turn.commit(async () => ({
        work: work.map((one) => ({ kind: 'wish', ...one, dueAtMs: turn.nowMs + one.inMs })),
        effects: effects.map(({ order, wakes, inMs: wait }, at) => ({
          id: `eff_${number}_${at}` as const,
          kind: 'do',
          receiver: 'agent',
          orderKey: order,
          payload: wakes,
          dueAtMs: turn.nowMs + wait,
        })),
        result: undefined,
      }));
    },
  });
  engine.registerEffect({
    kind: 'do',
    safeToRepeat: true,
    run: async ({ id, payload }) => {
      told.push(`${clock.nowMs()} ${id}`);
      return { work: [{ kind: 'wish', key: payload as string }] };
    },
  });
  for (const name of ['a', 'b']) await engine.enqueue({ kind: 'wish', key: name });
  for (let rounds = 0; rounds < 50; rounds++) {
    await runAll(engine);
    const nextAtMs = await engine.nextDueAtMs();
    if (nextAtMs === undefined) break;
    clock.advanceTo(nextAtMs);
  }
  await drain(world);
  return told;
}

/** `runDue` is `step` until nothing is left, in fewer transactions. */
export function runDueConformance(name: string, runs: number, makeStore: () => Promise<Store>): void {
  describe(name, () => {
    test('what is due runs in the order in which steps would run it', { timeout: 60_000 }, async () => {
      const property = fc.asyncProperty(fc.array(wish, { maxLength: 8 }), async (wishes) => {
        const stores = [await makeStore(), await makeStore()] as const;
        const byStep = await tell(stores[0], wishes, (engine) => settle({ engine }));
        const atOnce = await tell(stores[1], wishes, async (engine) => {
          const { nextDueAtMs } = await engine.runDue();
          expect(nextDueAtMs).toBe(await engine.nextDueAtMs());
          expect(await engine.step()).toBe(false);
        });
        for (const store of stores) await store.close();
        expect(atOnce).toEqual(byStep);
      });
      await fc.assert(property, { numRuns: runs });
    });
  });
}

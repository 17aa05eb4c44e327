import { describe, expect, test } from 'vitest';
import { realClock } from '../io/clock.ts';
import { seededChance } from '../kit/index.ts';
import { rollway } from '../model/index.ts';
import type { Store } from '../store/index.ts';
import { createEngine, type Engine } from './index.ts';

const actor = rollway('test');
const [keys, steps] = [8, 25];

/** The real loops, in real time, with so many engines ("servers") on one store. */
export function runConformance(name: string, servers: number, makeStore: () => Promise<Store>): void {
  describe(`running on ${name}`, () => {
    test(`${servers} at once: every decision one at a time per job, every effect once, every event in its place`, async () => {
      const store = await makeStore();
      const stop = new AbortController();
      const underWay = new Set<string>();
      const carriedOut: string[] = [];
      const overlaps: string[] = [];
      let finished = 0;
      const engines = Array.from({ length: servers }, (_, i) => makeEngine(store, i));
      for (const engine of engines) {
        engine.registerWork({
          kind: 'count',
          run: async (turn) => {
            if (underWay.has(turn.key)) overlaps.push(turn.key);
            underWay.add(turn.key);
            await turn.commit(async ({ guard }) => {
              const i = await guard('job', turn.key);
              if (i === steps) return undefined;
              return {
                bump: [{ kind: 'job', id: turn.key }],
                events: [{ stream: `job/${turn.key}`, type: 'step', actor, data: { i } }],
                effects: [
                  {
                    id: `eff_${turn.key}-${i}`,
                    kind: 'do',
                    receiver: turn.key,
                    orderKey: 'x',
                    payload: { key: turn.key },
                  },
                ],
                result: undefined,
              };
            });
            underWay.delete(turn.key);
          },
        });
        engine.registerEffect({
          kind: 'do',
          safeToRepeat: true,
          run: async ({ id, payload }) => {
            carriedOut.push(id);
            const { key } = payload as { key: string };
            const isLast = id === `eff_${key}-${steps - 1}`;
            if (isLast && ++finished === keys) stop.abort();
            return { work: [{ kind: 'count', key }] };
          },
        });
      }
      const running = engines.map((engine) => engine.run(stop.signal));
      const [first] = engines;
      const all = Array.from({ length: keys }, (_, i) => ({ kind: 'count', key: `k${i}` }));
      await first?.enqueue(...all);
      await Promise.all(running);
      expect(overlaps).toEqual([]);
      expect(carriedOut).toHaveLength(keys * steps);
      expect(new Set(carriedOut).size).toBe(keys * steps);
      const events = (await first?.readEvents(0, 1000)) ?? [];
      expect(events.map((event) => event.position)).toEqual(Array.from({ length: keys * steps }, (_, i) => i + 1));
      expect(await first?.verifyChain('all')).toEqual({ ok: true, events: keys * steps });
      await store.close();
    });

    test('a timer in the near future wakes it, and so does work that is enqueued while it sleeps', async () => {
      const store = await makeStore();
      const engine = makeEngine(store, 0);
      const stop = new AbortController();
      const times: number[] = [];
      engine.registerWork({
        kind: 'tick',
        run: async (turn) => {
          times.push(turn.nowMs);
          if (times.length === 1) {
            const dueAtMs = turn.nowMs + 60;
            await turn.commit(async () => ({ work: [{ kind: 'tick', key: 'a', dueAtMs }], result: undefined }));
          }
        },
      });
      const running = engine.run(stop.signal);
      await engine.enqueue({ kind: 'tick', key: 'a' });
      await expect.poll(() => times.length, { timeout: 4000 }).toBe(2);
      expect(times[1]! - times[0]!).toBeGreaterThanOrEqual(60);
      const before = Date.now();
      await engine.enqueue({ kind: 'tick', key: 'a' });
      await expect.poll(() => times.length, { timeout: 4000, interval: 5 }).toBe(3);
      // Far below the interval at which it would look by itself.
      expect(Date.now() - before).toBeLessThan(1000);
      stop.abort();
      await running;
      await store.close();
    });

    test('when it is told to stop, an effect under way is told too, and is begun again at the next start', async () => {
      const store = await makeStore();
      const begun: number[] = [];
      const start = async (finish: boolean) => {
        const engine = makeEngine(store, finish ? 1 : 0);
        const stop = new AbortController();
        engine.registerEffect({
          kind: 'fetch',
          safeToRepeat: true,
          run: async ({ attempt, signal }) => {
            begun.push(attempt);
            if (finish) {
              stop.abort();
              return {};
            }
            queueMicrotask(() => stop.abort());
            await realClock.sleepUntil(Date.now() + 60_000, signal);
            return {};
          },
        });
        const running = engine.run(stop.signal);
        if (!finish) {
          const effect = { id: 'eff_1', kind: 'fetch', receiver: 'git', orderKey: 'x', payload: {} } as const;
          await engine.append({ effects: [effect] });
        }
        await running;
        return engine;
      };
      await start(false);
      const engine = await start(true);
      // A claim that came too late for the first engine counts as an attempt, and begins nothing.
      expect(begun).toHaveLength(2);
      expect(begun[1]).toBeGreaterThan(begun[0]!);
      expect(await engine.nextDueAtMs()).toBeUndefined();
      await store.close();
    });
  });
}

function makeEngine(store: Store, i: number): Engine {
  return createEngine({
    store,
    clock: realClock,
    chance: seededChance(i),
    processId: `server-${i}`,
    settings: { pollMs: 50, effectsAtOnce: 4 },
    onTrouble: ({ what, error }) => {
      throw new Error(what, { cause: error });
    },
  });
}

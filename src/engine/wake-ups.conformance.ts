import fc from 'fast-check';
import { assert } from '../model/index.ts';
import type { Store } from '../store/index.ts';
import { Abandon, type Engine } from './index.ts';
import { createTestClock, createWorld, drain, type World } from './testing/world.ts';

/** A request for a run: at once (0) or later. */
interface Request {
  readonly key: string;
  readonly inMs: number;
  readonly urgent: boolean;
}

interface Step {
  readonly what: 'step';
  /** Enqueued while the turn runs: before its commit, as part of it, after it. */
  readonly before: readonly Request[];
  readonly within: readonly Request[];
  readonly after: readonly Request[];
  readonly throws: boolean;
  /** Abandon at this moment of the step (if it has so many), then go on with a new engine. */
  readonly crashAt: number | undefined;
}

export type Operation =
  | { readonly what: 'enqueue'; readonly request: Request }
  | { readonly what: 'advance'; readonly byMs: number }
  | Step;

const request: fc.Arbitrary<Request> = fc.record({
  key: fc.constantFrom('a', 'b'),
  inMs: fc.constantFrom(0, 0, 40, 100),
  urgent: fc.boolean(),
});
const requests = fc.array(request, { maxLength: 2 });

export const operation: fc.Arbitrary<Operation> = fc.oneof(
  fc.record({ what: fc.constant('enqueue' as const), request }),
  fc.record({ what: fc.constant('advance' as const), byMs: fc.constantFrom(20, 60, 400) }),
  {
    weight: 2,
    arbitrary: fc.record({
      what: fc.constant('step' as const),
      before: requests,
      within: requests,
      after: requests,
      throws: fc.boolean(),
      crashAt: fc.option(fc.nat(9), { nil: undefined, freq: 3 }),
    }),
  },
);

let plays = 0;

/**
 * Plays the operations, then lets everything run out. Throws unless after every request that was durably made a turn
 * of its key began that ran to its end.
 */
export async function playWakeUps(store: Store, operations: readonly Operation[]): Promise<void> {
  plays += 1;
  const kind = `wake-${plays}`;
  const clock = createTestClock();
  let order = 0;
  const made: { order: number; key: string }[] = [];
  const completed: { order: number; key: string }[] = [];
  let script: Step | undefined;
  let moments = 0;
  let world = open();

  function open(): World {
    const count = () => {
      if (script?.crashAt !== undefined && moments++ === script.crashAt) throw new Abandon();
    };
    const hooks = { beforeCommit: count, afterCommit: count };
    const opened = createWorld(store, { clock, hooks, settings: { isSoleProcess: true, maxAttempts: 50 } });
    register(opened.engine);
    return opened;
  }

  function register(engine: Engine): void {
    engine.registerWork({
      kind,
      run: async (turn) => {
        order += 1;
        const begun = order;
        const step = script;
        script = step && { ...step, before: [], within: [], after: [] };
        for (const one of step?.before ?? []) await enqueue(engine, one);
        if (step !== undefined && step.within.length > 0) {
          await turn.commit(async () => ({ work: step.within.map(toWork), result: undefined }));
          for (const { key } of step.within) made.push({ order: ++order, key });
        }
        for (const one of step?.after ?? []) await enqueue(engine, one);
        if (step?.throws) throw new Error('on purpose');
        completed.push({ order: begun, key: turn.key });
      },
    });
  }

  const toWork = ({ key, inMs, urgent }: Request) => ({ kind, key, urgent, dueAtMs: clock.nowMs() + inMs });

  async function enqueue(engine: Engine, one: Request): Promise<void> {
    await engine.enqueue(toWork(one));
    order += 1;
    made.push({ order, key: one.key });
  }

  for (const one of operations) {
    if (one.what === 'enqueue') await enqueue(world.engine, one.request);
    else if (one.what === 'advance') clock.advanceTo(clock.nowMs() + one.byMs);
    else {
      script = one;
      moments = 0;
      await world.engine.step().catch((error) => {
        if (!(error instanceof Abandon)) throw error;
        script = undefined;
        world = open();
      });
      script = undefined;
    }
  }
  await drain(world);
  for (const wish of made) {
    const isSeen = completed.some((turn) => turn.key === wish.key && turn.order > wish.order);
    assert(isSeen, 'a wake-up was lost', { wish, completed });
  }
}

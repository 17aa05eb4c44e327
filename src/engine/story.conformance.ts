import { rollway } from '../model/index.ts';
import type { Store } from '../store/index.ts';
import { Abandon } from './index.ts';
import { readPage, writeLine } from './testing/book.ts';
import { createTestClock, createWorld, settle, type World } from './testing/world.ts';

const steps = 3;

export interface StoryEnd {
  readonly lines: readonly string[];
  readonly deeds: readonly string[];
  readonly revision: number;
}

/** What a receiver that remembers effect ids has done in the end: each deed once. */
export function deeds(title: string): string[] {
  return Array.from({ length: steps }, (_, i) => `eff_${title}-${i}`);
}

/**
 * Three decisions, each of which writes state, bumps a guard, tells an event and wants one deed outside, whose outcome
 * wakes the next decision. The engine is abandoned at one moment (a commit, before or after; an effect that was carried
 * out), and a new one goes on. Returns how many moments there were.
 */
export async function playStory(
  store: Store,
  title: string,
  crashAt: number | undefined,
): Promise<{ moments: number; end: StoryEnd }> {
  const clock = createTestClock();
  const receiver = new Set<string>();
  const done: string[] = [];
  let moments = 0;
  const count = () => {
    if (moments++ === crashAt) throw new Abandon();
  };
  const hooks = { beforeCommit: count, afterCommit: count, afterEffect: count };
  const deed = (id: string) => {
    if (!receiver.has(id)) done.push(id);
    receiver.add(id);
  };
  await createWorld(store, { clock }).engine.enqueue({ kind: 'story', key: title });
  for (let isOver = false; !isOver; ) {
    const world = createWorld(store, { clock, hooks, settings: { isSoleProcess: true } });
    register(world, deed);
    isOver = await playUntilAbandoned(world);
  }
  return { moments, end: { ...(await readEnd(store, title)), deeds: done } };
}

function register({ engine }: World, deed: (id: string) => void): void {
  engine.registerWork({
    kind: 'story',
    run: async (turn) => {
      await turn.commit(async ({ tx, guard }) => {
        await guard('job', turn.key);
        const i = (await readPage(tx, turn.key)).length;
        // Woken without a new fact (a turn that ran but was not settled): nothing to do.
        if (i === steps || (await readPage(tx, `${turn.key} outcomes`)).length < i) return undefined;
        const id = `eff_${turn.key}-${i}` as const;
        return {
          bump: [{ kind: 'job', id: turn.key }],
          write: (writing) => writeLine(writing, turn.key, `step ${i}`),
          effects: [{ id, kind: 'deed', receiver: 'world', orderKey: turn.key, payload: { title: turn.key } }],
          events: [{ stream: `job/${turn.key}`, type: 'story.step', actor: rollway('test'), data: { i } }],
          result: undefined,
        };
      });
    },
  });
  engine.registerEffect({
    kind: 'deed',
    safeToRepeat: true,
    run: async ({ id, payload }) => {
      deed(id);
      const { title } = payload as { title: string };
      return {
        write: (tx) => writeLine(tx, `${title} outcomes`, id),
        work: [{ kind: 'story', key: title }],
      };
    },
  });
}

async function playUntilAbandoned(world: World): Promise<boolean> {
  try {
    await settle(world);
    return true;
  } catch (error) {
    if (error instanceof Abandon) return false;
    throw error;
  }
}

async function readEnd(store: Store, title: string): Promise<Omit<StoryEnd, 'deeds'>> {
  return store.read(async (tx) => {
    const guard = await tx.selectFrom('guard').select('revision').where('id', '=', title).executeTakeFirst();
    return { lines: await readPage(tx, title), revision: guard?.revision ?? 0 };
  });
}

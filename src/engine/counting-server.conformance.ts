/**
 * A process that works through the engine and may be killed at any moment: `node counting-server.conformance.ts <folder> <keys>
 * <steps>`. Each key counts up to `steps`; each step bumps a guard, tells an event, and wants a file made, whose making
 * wakes the next step. Prints a line for each file made; ends when all are done.
 */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { realChance } from '../io/chance.ts';
import { realClock } from '../io/clock.ts';
import { rollway } from '../model/index.ts';
import { openStore } from '../store/index.ts';
import { createEngine } from './index.ts';

const [folder = '.', keys = '4', steps = '20'] = process.argv.slice(2);
const store = await openStore({ kind: 'sqlite', path: join(folder, 'store.db') });
const engine = createEngine({
  store,
  clock: realClock,
  chance: realChance,
  processId: `pid-${process.pid}-${Date.now()}`,
  onTrouble: ({ what, error }) => console.error(what, error),
});
const actor = rollway('count');
const stop = new AbortController();
const finished = new Set<string>();

engine.registerWork({
  kind: 'count',
  run: async (turn) => {
    const step = await turn.commit(async ({ guard }) => {
      const i = await guard('job', turn.key);
      const isMade = i === 0 || existsSync(join(folder, 'made', `eff_${turn.key}-${i - 1}`));
      if (i === Number(steps) || !isMade) return { result: i };
      return {
        bump: [{ kind: 'job', id: turn.key }],
        events: [{ stream: `job/${turn.key}`, type: 'count.step', actor, data: { i } }],
        effects: [
          {
            id: `eff_${turn.key}-${i}`,
            kind: 'make',
            receiver: 'disk',
            orderKey: turn.key,
            payload: { key: turn.key },
          },
        ],
        result: i,
      };
    });
    if (step === Number(steps)) finished.add(turn.key);
    if (finished.size === Number(keys)) stop.abort();
  },
});
engine.registerEffect({
  kind: 'make',
  safeToRepeat: true,
  run: async ({ id, payload }) => {
    // Remembers ids as agents do: a second request for the same one changes nothing, and is counted.
    const file = join(folder, 'made', id);
    const isRepeated = existsSync(file);
    writeFileSync(isRepeated ? `${file}.again` : file, '');
    console.log(id);
    return { work: [{ kind: 'count', key: (payload as { key: string }).key }] };
  },
});

mkdirSync(join(folder, 'made'), { recursive: true });
await engine.enqueue(...Array.from({ length: Number(keys) }, (_, i) => ({ kind: 'count', key: `k${i}` })));
await engine.run(stop.signal);
await store.close();
console.log('finished');

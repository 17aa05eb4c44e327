import { describe, expect, test } from 'vitest';
import { ProblemError, problem } from '../model/index.ts';
import { createOutput } from './output.ts';
import type { Session } from './session.ts';
import { type WatchOptions, watchLoop } from './watch.ts';

const gone = () => new ProblemError(problem('api/unavailable', 'http://x does not answer'));

/** Looks at what `answers` say one after another; time passes only by waiting. */
async function watch(answers: (string | Error)[], options: WatchOptions = {}, isInterruptedAfter = 1000) {
  const said: string[] = [];
  const waits: number[] = [];
  let nowMs = 0;
  const stop = new AbortController();
  const out = createOutput({
    ...{ format: 'table', isColour: false, isTty: false, columns: 100 },
    write: (text) => void said.push(text.trim()),
  });
  const session = { out, url: 'http://x', signal: stop.signal } as unknown as Session;
  const left = [...answers];
  const read = async () => {
    const next = left.length > 1 ? left.shift()! : left[0]!;
    if (next instanceof Error) throw next;
    return next;
  };
  const wait = async (ms: number) => {
    waits.push(ms);
    nowMs += ms;
    if (waits.length >= isInterruptedAfter) stop.abort();
  };
  await watchLoop(
    session,
    read,
    (value) => [value],
    (value) => value === 'done',
    { ...options, nowMs: () => nowMs, wait },
  );
  return { said, waits };
}

describe('a server that goes away while it is watched', () => {
  test('is waited for, with a note, and watched on', async () => {
    const { said } = await watch(['one', gone(), gone(), gone(), 'two', 'done']);
    expect(said).toEqual([
      'one',
      expect.stringMatching(/^! http:\/\/x does not answer; what it does goes on there/),
      expect.stringMatching(/^http:\/\/x answers again, after /),
      'two',
      'done',
    ]);
  });

  test('is asked less and less often, but at least every ten seconds', async () => {
    const { waits } = await watch(['one', ...Array.from({ length: 12 }, gone), 'done']);
    expect(waits[1]).toBeLessThanOrEqual(500);
    expect(Math.max(...waits)).toBeLessThanOrEqual(10_000);
    expect(Math.min(...waits.slice(-4))).toBeGreaterThanOrEqual(5000);
  });

  test('is given up after a quarter of an hour, with the problem', async () => {
    await expect(watch(['one', gone()])).rejects.toThrow(/does not answer/);
  });

  test('can be left by Ctrl-C while it is away', async () => {
    const { waits } = await watch(['one', gone()], {}, 5);
    expect(waits).toHaveLength(5);
  });

  test('is not waited for when it never answered, unless it is known to be there', async () => {
    await expect(watch([gone(), 'done'])).rejects.toThrow(/does not answer/);
    expect((await watch([gone(), 'done'], { isKnown: true })).said.at(-1)).toBe('done');
  });

  test('what it refuses is no absence', async () => {
    const refused = new ProblemError(problem('api/not-found', 'There is no release r_1.'));
    await expect(watch(['one', refused, 'done'], { isKnown: true })).rejects.toThrow(/no release/);
  });
});

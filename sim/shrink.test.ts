import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { standardRules } from '../src/rollout/index.ts';
import { hunt, mutations } from './mutations.ts';
import { judgeAt, readScript } from './replay.ts';
import { scenarioOf } from './scenario.ts';
import { shrink } from './shrink.ts';

describe('a failing scenario', () => {
  it.each([
    ['the budget forgets failures', 3],
    ['a resize takes the larger budget', 3],
    ['a superseded incarnation is left running', 3],
  ])('with the planted mistake "%s" shrinks to at most %i happenings, and its file replays', async (name, most) => {
    const mutation = mutations.find((one) => one.name === name)!;
    const { seed } = hunt(mutation, 1, 400);
    const rules = { ...standardRules, ...mutation.broken };
    const failing = scenarioOf(seed!);
    const { scenario, breaks } = await shrink(failing, judgeAt('decisions', { rules }));
    expect(scenario.happenings.length).toBeLessThanOrEqual(most);
    expect(scenario.happenings.length).toBeLessThan(failing.happenings.length);

    const folder = mkdtempSync(join(tmpdir(), 'rollway-shrink-'));
    try {
      const file = join(folder, 'script.json');
      writeFileSync(file, JSON.stringify({ depth: 'decisions', breaks, scenario }));
      const again = readScript(file);
      expect(await judgeAt(again.depth, { rules })(again.scenario)).toBe(breaks);
      // Without the mistake it keeps every promise.
      expect(await judgeAt(again.depth)(again.scenario)).toBeUndefined();
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('one that does not fail is not shrunk', async () => {
    await expect(shrink(scenarioOf(1), judgeAt('decisions'))).rejects.toThrow('does not fail');
  });
});

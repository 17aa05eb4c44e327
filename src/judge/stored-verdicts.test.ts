import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { stableJson } from '../kit/index.ts';
import type { JudgeVerdict } from '../model/index.ts';
import { type JudgeMemory, judge, readInput, replay } from './index.ts';

interface Stored {
  /** Major version of Node that made them. */
  readonly node: string;
  readonly rollouts: readonly {
    readonly name: string;
    readonly looks: readonly {
      readonly input: string;
      readonly verdict: JudgeVerdict;
      readonly memory: JudgeMemory;
    }[];
  }[];
}
/** Written by `node bench/judge/stored-verdicts.ts`. */
const file = new URL('./stored-verdicts.json.gz', import.meta.url);
const { node, rollouts } = JSON.parse(gunzipSync(readFileSync(file)).toString()) as Stored;
const isSameMajor = process.versions.node.split('.')[0] === node;

/** Every number in it with its path; words may be said better. */
function numbersIn(value: unknown, path = ''): [string, number][] {
  if (typeof value === 'number') return [[path, value]];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, part]) => numbersIn(part, `${path}.${key}`));
}

describe.each(rollouts)('stored looks of a $name rollout', ({ looks }) => {
  test.each(looks.map((look) => [look.verdict.lookId, look] as const))('%s: the same verdict again', (_, look) => {
    const input = readInput(look.input);
    const { verdict } = replay(input, look.verdict);
    const words = ({ verdict: word, perCheck }: JudgeVerdict) => [
      word,
      ...perCheck.map((one) => [one.check, one.verdict]),
    ];
    expect(words(verdict)).toEqual(words(look.verdict));
    const found = new Map(numbersIn(verdict));
    for (const [path, wanted] of numbersIn(look.verdict)) {
      const number = found.get(path);
      if (isSameMajor) expect(number, path).toBe(wanted);
      else expect(Math.abs(number! - wanted), path).toBeLessThanOrEqual(1e-9 * Math.max(1, Math.abs(wanted)));
    }
    const again = judge(input.plan, input.samples, input.memory, input.nowMs);
    if (isSameMajor) expect(stableJson(again.memory)).toBe(stableJson(look.memory));
  });
});

test('they end as they should', () => {
  const ends = rollouts.map(({ name, looks }) => [name, looks.at(-1)!.verdict.verdict]);
  expect(Object.fromEntries(ends)).toEqual({
    good: expect.stringMatching(/pass|undecided/),
    failing: 'fail',
    slow: 'fail',
  });
});

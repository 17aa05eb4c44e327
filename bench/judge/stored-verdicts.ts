/**
 * Writes `src/judge/stored-verdicts.json.gz`: looks of a good rollout, of one with failures and of a slow one, each with
 * what it was made from. A test judges them again; write them anew when the method is changed on purpose.
 * `node bench/judge/stored-verdicts.ts`
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { type JudgeMemory, writeInput } from '../../src/judge/index.ts';
import type { JudgeVerdict } from '../../src/model/index.ts';
import { runSecondsRollout } from './seconds-fleet.ts';

const fleet = {
  ...{ tasks: 8, requestsPerSecond: 20, errorRatio: 0.002, newErrorRatio: 0.002, newLatencyFactor: 1 },
  ...{ minBakeMs: 5000, maxBakeMs: 20_000, warmupMs: 3000 },
};
const rollouts = [
  { name: 'good', ...fleet },
  { name: 'failing', ...fleet, newErrorRatio: 0.1 },
  { name: 'slow', ...fleet, newLatencyFactor: 1.6 },
];
const stored = rollouts.map(({ name, ...of }) => {
  const looks: { input: string; verdict: JudgeVerdict; memory: JudgeMemory }[] = [];
  runSecondsRollout(of, 11, (input, { verdict, memory }) => {
    if (memory.looks > (input.memory?.looks ?? 0)) looks.push({ input: writeInput(input), verdict, memory });
  });
  // The first, one in the middle, the last: the others say little more.
  const kept = new Set([0, Math.floor(looks.length / 2), looks.length - 1]);
  return { name, looks: looks.filter((_, i) => kept.has(i)) };
});
const text = JSON.stringify({ node: process.versions.node.split('.')[0], rollouts: stored });
const file = join(import.meta.dirname, '../../src/judge/stored-verdicts.json.gz');
writeFileSync(file, gzipSync(text, { level: 9 }));
for (const { name, looks } of stored) console.log(name, looks.map(({ verdict }) => verdict.verdict).join(' '));

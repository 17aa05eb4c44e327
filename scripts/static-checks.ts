// Types and lint. Each counts as one check in the closing line.
import { existsSync, globSync } from 'node:fs';
import { runNode } from './children.ts';
import { heading, oneCheck, type StepResult } from './report.ts';

const tsc = 'node_modules/typescript/bin/tsc';
const biome = 'node_modules/@biomejs/biome/bin/biome';

export async function checkTypes(): Promise<StepResult[]> {
  const results = [await quietCheck('types', [tsc, '-p', 'tsconfig.json'])];
  const hasWeb = existsSync('web/tsconfig.json') && globSync('web/**/*.{ts,tsx}').some(isOurs);
  if (hasWeb) results.push(await quietCheck('types of web', [tsc, '-p', 'web/tsconfig.json']));
  return results;
}

export function checkLint(): Promise<StepResult> {
  const files = ['.', '--colors=off', '--diagnostic-level=warn', '--error-on-warnings', '--max-diagnostics=40'];
  return quietCheck('lint and format', [biome, 'check', ...files]);
}

async function quietCheck(step: string, args: readonly string[]): Promise<StepResult> {
  const startedAt = Date.now();
  const { code, isTimedOut, output } = await runNode(args, { timeoutMs: 120_000, output: 'keep' });
  const took = `${((Date.now() - startedAt) / 1000).toFixed(1)} s`;
  heading(`${step}: ${code === 0 ? 'ok' : isTimedOut ? 'TIMED OUT' : 'FAILED'} (${took})`);
  if (code !== 0) console.log(output.trim());
  return oneCheck(step, code === 0);
}

function isOurs(file: string): boolean {
  return !file.includes('node_modules') && !file.startsWith('web/dist');
}

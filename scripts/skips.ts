// Skips are loud: each is printed with its reason; with CI=true one without a reason in .ci/allowed-skips fails the run.
import { existsSync, readFileSync } from 'node:fs';
import { styleText } from 'node:util';
import { complain, heading, type StepResult } from './report.ts';

/** What test/skip.ts writes down, one JSON object a line. */
export interface MissingTool {
  tool: string;
  reason: string;
  file: string;
}

export function readMissingTools(file: string): MissingTool[] {
  if (!existsSync(file)) return [];
  const lines = readFileSync(file, 'utf8').split('\n').filter(Boolean);
  return lines.map((line) => JSON.parse(line) as MissingTool);
}

/** `<name> | <reason>` a line; a line without a reason allows nothing. */
export function parseAllowedSkips(text: string): Map<string, string> {
  const allowed = new Map<string, string>();
  for (const line of text.split('\n')) {
    if (line.trim() === '' || line.startsWith('#')) continue;
    const [name, reason] = line.split('|').map((part) => part.trim());
    if (name && reason) allowed.set(name, reason);
  }
  return allowed;
}

/** The names of skipped tests for which nobody wrote a reason. */
export function findUnexplained(
  results: readonly StepResult[],
  missing: readonly MissingTool[],
  allowed: ReadonlyMap<string, string>,
): string[] {
  return results
    .flatMap((result) => result.skips)
    .filter((skip) => {
      const tools = missing.filter((entry) => entry.file === skip.file).map((entry) => entry.tool);
      return ![skip.name, skip.file, ...tools].some((name) => allowed.has(name));
    })
    .map((skip) => skip.name);
}

export function reportSkips(results: readonly StepResult[], missing: readonly MissingTool[]): StepResult | undefined {
  const skipped = results.flatMap((result) => result.skips);
  if (skipped.length === 0) return undefined;
  heading('skipped');
  for (const { tool, reason, file } of missing) console.log(styleText('yellow', `-- ${file}: no ${tool}: ${reason}`));
  for (const { name } of skipped) console.log(`   ${name}`);
  const allowed = existsSync('.ci/allowed-skips') ? readFileSync('.ci/allowed-skips', 'utf8') : '';
  const unexplained = findUnexplained(results, missing, parseAllowedSkips(allowed));
  if (process.env.CI !== 'true' || unexplained.length === 0) return undefined;
  for (const name of unexplained) complain(`skipped without a reason in .ci/allowed-skips: ${name}`);
  return { step: 'skips', passed: 0, failed: 1, skipped: 0, skips: [] };
}

// Loud skips. Some tests need a tool that a machine may lack: they say which, and why.
import { accessSync, appendFileSync, constants } from 'node:fs';
import { delimiter, join, relative } from 'node:path';
import { expect } from 'vitest';

/** Names under which the same tool is installed elsewhere. */
const otherNames: Record<string, readonly string[]> = {
  chromium: ['chromium-browser', 'google-chrome', 'google-chrome-stable'],
};

/**
 * The path of a tool, or undefined, which is printed with its reason and counted:
 *
 *     const chromium = needs('chromium', 'these tests look at real pages');
 *     describe.skipIf(!chromium)('the release page', () => { … });
 */
export function needs(tool: string, reason: string): string | undefined {
  const path = findOnPath([tool, ...(otherNames[tool] ?? [])]);
  if (!path) recordSkip(tool, reason);
  return path;
}

/** The same for what is not a command: give the result of your own look. */
export function needsThat(isThere: boolean, what: string, reason: string): boolean {
  if (!isThere) recordSkip(what, reason);
  return isThere;
}

function recordSkip(tool: string, reason: string): void {
  const file = relative(process.cwd(), expect.getState().testPath ?? 'unknown file');
  console.warn(`SKIPPED, no ${tool}: ${reason} (${file})`);
  if (process.env.ROLLWAY_SKIPS) {
    appendFileSync(process.env.ROLLWAY_SKIPS, `${JSON.stringify({ tool, reason, file })}\n`);
  }
}

function findOnPath(names: readonly string[]): string | undefined {
  for (const folder of (process.env.PATH ?? '').split(delimiter)) {
    for (const name of names) {
      const candidate = join(folder, name);
      if (isExecutable(candidate)) return candidate;
    }
  }
  return undefined;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

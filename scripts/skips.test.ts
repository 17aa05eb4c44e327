import { expect, test } from 'vitest';
import type { StepResult } from './report.ts';
import { findUnexplained, parseAllowedSkips } from './skips.ts';

const skipped = (file: string, name: string): StepResult => ({
  step: 'e2e',
  passed: 0,
  failed: 0,
  skipped: 1,
  skips: [{ file, name: `${file} > ${name}` }],
});

test.each<[name: string, allowed: string, unexplained: number]>([
  ['nothing allowed', '', 1],
  ['a comment allows nothing', '# a.e2e.ts | because', 1],
  ['a line without a reason allows nothing', 'a.e2e.ts', 1],
  ['the tool is allowed', 'chromium | no browser on this machine', 0],
  ['the file is allowed', 'a.e2e.ts | being rewritten', 0],
  ['the test is allowed', 'a.e2e.ts > shows a page | known trouble', 0],
  ['another test is allowed', 'a.e2e.ts > shows nothing | known trouble', 1],
])('%s', (_, allowed, unexplained) => {
  const missing = [{ tool: 'chromium', reason: 'real pages', file: 'a.e2e.ts' }];
  const found = findUnexplained([skipped('a.e2e.ts', 'shows a page')], missing, parseAllowedSkips(allowed));
  expect(found).toHaveLength(unexplained);
});

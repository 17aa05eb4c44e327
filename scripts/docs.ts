// The pages of docs/ that are written from the code. `npm run docs` writes them; `npm run check` does too and says so;
// with CI=true a page that is behind is a failure.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { apiReference, openApiFile, taskControlFile } from './docs/api.ts';
import { cliReference } from './docs/cli.ts';
import { configReference } from './docs/config.ts';
import { requirements } from './docs/requirements.ts';
import { complain, heading, oneCheck, type StepResult } from './report.ts';

const pages: Readonly<Record<string, () => string | Promise<string>>> = {
  'docs/requirements.md': requirements,
  'docs/reference/cli.md': cliReference,
  'docs/reference/config.md': configReference,
  'docs/reference/api.md': apiReference,
  'docs/reference/openapi.json': openApiFile,
  'docs/reference/taskcontrol.openapi.json': taskControlFile,
};

/** Writes every page whose content has changed; returns their names. */
export async function writePages(): Promise<string[]> {
  const written: string[] = [];
  for (const [file, make] of Object.entries(pages)) {
    const content = await make();
    if (existsSync(file) && readFileSync(file, 'utf8') === content) continue;
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, content);
    written.push(file);
  }
  return written;
}

/** People who work in parallel are not stopped by a page that is behind: it is written, and they are told to commit it. */
export async function checkPages(): Promise<StepResult> {
  const written = await writePages();
  const isOk = written.length === 0 || process.env.CI !== 'true';
  heading(`generated pages: ${written.length === 0 ? 'ok' : 'they were behind and are written again'}`);
  for (const file of written) complain(`${file} was behind the code; commit it as it is now (npm run docs)`);
  return oneCheck('generated pages', isOk);
}

if (import.meta.main) {
  const written = await writePages();
  console.log(written.length === 0 ? 'All generated pages are up to date.' : `Written: ${written.join(', ')}`);
}

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readRepositoryFacts } from '../../io/index.ts';
import { ProblemError, problem } from '../../model/index.ts';
import { type GlobalFlags, outputOf } from '../session.ts';
import { needRepository } from '../working-copy.ts';

/** Looks at the repository and writes a configuration that fits it; never over one that is there. */
export async function run(_args: readonly string[], flags: GlobalFlags) {
  const { configFileNames, draftConfig } = await import('../../spec/index.ts');
  const { root } = await needRepository();
  const facts = await readRepositoryFacts(root);
  const there = facts.entries.find((entry) => (configFileNames as readonly string[]).includes(entry));
  if (there !== undefined) {
    const detail = `${join(root, there)} is there already`;
    throw new ProblemError(problem('spec/exists', detail));
  }
  const draft = draftConfig(facts);
  const file = join(root, draft.file);
  await writeFile(file, draft.text, { flag: 'wx' });
  const out = outputOf(flags);
  out.show({ file, text: draft.text, notes: draft.notes }, () => {
    out.line(`Wrote ${draft.file}:`);
    out.line();
    for (const line of draft.text.trimEnd().split('\n')) out.line(`  ${line}`);
    out.line();
    for (const note of draft.notes) out.line(`! ${note}`);
    out.next('git add rollway.config.ts && git commit -m "Deploy with Rollway" && rollway deploy');
  });
  return undefined;
}

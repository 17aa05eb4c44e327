import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ProblemError, problem } from '../../model/index.ts';
import { type GlobalFlags, outputOf } from '../session.ts';
import { needRepository } from '../working-copy.ts';

export async function run(_args: readonly string[], flags: GlobalFlags) {
  const { initConfig } = await import('../../io/init-config.ts');
  const here = await needRepository();
  const made = await initConfig(here.root);
  const file = join(here.root, made.file);
  try {
    await writeFile(file, made.text, { flag: 'wx' });
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') throw cause;
    const detail = `${file} is there already`;
    throw new ProblemError(problem('api/conflict', detail, {}, 'Edit it, or remove it and run `rollway init` again.'), {
      cause,
    });
  }
  const out = outputOf(flags);
  out.show({ file, text: made.text, notes: made.notes }, () => {
    out.line(`Wrote ${made.file}:`);
    out.line();
    for (const line of made.text.trimEnd().split('\n')) out.line(`  ${line}`);
    out.line();
    for (const note of made.notes) out.line(`! ${note}`);
    out.next('git add -A && git commit -m "Deploy with Rollway" && rollway deploy');
  });
  return undefined;
}

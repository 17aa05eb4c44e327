import { openConfigSandbox } from '../../io/index.ts';
import { tasksOf } from '../../model/index.ts';
import { describeProblem, exitCodes } from '../failure.ts';
import { type GlobalFlags, outputOf } from '../session.ts';
import { findRepository } from '../working-copy.ts';

/** Evaluates the configuration as the server would, and prints every problem at once. */
export async function run(_args: readonly string[], flags: GlobalFlags, signal: AbortSignal) {
  const { evaluateConfig, specHash } = await import('../../spec/index.ts');
  const folder = (await findRepository())?.root ?? process.cwd();
  const compiled = await evaluateConfig(folder, { sandbox: openConfigSandbox(), signal });
  const out = outputOf(flags);
  if (!compiled.ok) {
    out.show({ problems: compiled.error }, () => {
      for (const problem of compiled.error) for (const line of describeProblem(problem, out.style)) out.line(line);
    });
    return exitCodes.error;
  }
  const { spec, file } = compiled.value;
  out.show({ file, spec, hash: specHash(spec) }, () => {
    const environments = spec.environments
      .map(
        (entry) =>
          `${entry.name} (${entry.jobs === undefined ? '' : `${entry.jobs.length} jobs, `}${tasksOf(entry)} tasks)`,
      )
      .join(', ');
    out.line(`${out.style.good('✓')} ${file}: ${spec.name}, ${environments}`);
    out.line(`  ${spec.pipeline.actions.map((action) => action.name).join(' → ')}`);
    out.next('rollway deploy  (once it is deployed, `rollway plan` says what a deploy would do)');
  });
  return undefined;
}

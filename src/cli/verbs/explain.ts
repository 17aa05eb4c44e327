import { openConfigSandbox } from '../../io/index.ts';
import { formatDuration } from '../../kit/index.ts';
import { describeProblem, exitCodes } from '../failure.ts';
import { type GlobalFlags, openSession, outputOf } from '../session.ts';
import { findService } from '../subject.ts';
import { findRepository } from '../working-copy.ts';

interface Flags extends GlobalFlags {
  readonly service?: string;
}

/** `rel_…`, `ro_…`, `run_…`, `guestbook@production`, a service, `config`, or nothing: the service of this repository. */
export async function run([what]: readonly string[], flags: Flags, signal: AbortSignal) {
  if (what === 'config') return explainConfiguration(flags, signal);
  const session = await openSession(flags, signal);
  const id = what ?? (await findService(session, flags.service));
  const explanation = await session.client.explain({ params: { kind: kindOf(id), id } });
  const { out } = session;
  out.show(explanation, () => {
    out.line(explanation.sentence);
    for (const reason of explanation.reasons) {
      const since =
        reason.sinceMs === null ? '' : out.style.dim(`  (for ${formatDuration(Date.now() - reason.sinceMs)})`);
      out.line(`• ${reason.sentence}${since}`);
      out.line(`  ${reason.unblocker}`);
    }
  });
  return undefined;
}

/** Every effective value of the configuration here and the layer that set it; asks no server. */
async function explainConfiguration(flags: Flags, signal: AbortSignal) {
  const { evaluateConfig, explainConfig } = await import('../../spec/index.ts');
  const folder = (await findRepository())?.root ?? process.cwd();
  const compiled = await evaluateConfig(folder, { sandbox: openConfigSandbox(), signal });
  const out = outputOf(flags);
  if (!compiled.ok) {
    for (const problem of compiled.error) for (const line of describeProblem(problem, out.style)) out.line(line);
    return exitCodes.error;
  }
  const values = explainConfig(compiled.value);
  out.show(values, () => {
    for (const { path, value, layer, source } of values) {
      out.line(`${path} = ${value}  ${out.style.dim(`${layer}${source === 'Rollway' ? '' : `, ${source}`}`)}`);
    }
  });
  return undefined;
}

function kindOf(id: string): 'service' | 'release' | 'rollout' | 'job' | 'run' {
  if (id.startsWith('rel_')) return 'release';
  if (id.startsWith('ro_')) return 'rollout';
  if (id.startsWith('run_')) return 'run';
  return id.includes('@') ? 'job' : 'service';
}

import { readFile } from 'node:fs/promises';
import { stringify } from 'yaml';
import { describeProblem, exitCodes } from '../failure.ts';
import { type GlobalFlags, outputOf } from '../session.ts';

const maxBytes = 4 * 1024 * 1024;

/** A canary configuration of Kayenta as checks to put into the configuration; asks no server, changes nothing. */
export async function run(
  [file = '']: readonly string[],
  flags: GlobalFlags & { readonly method?: 'rollway' | 'kayenta' },
) {
  const { checksOfKayenta, readKayentaConfig, scoreOfKayenta } = await import('../../judge/index.ts');
  const { compileSpec } = await import('../../spec/index.ts');
  const out = outputOf(flags);
  const { problem } = await import('../../model/index.ts');
  const refuse = (told: ReturnType<typeof problem>) => {
    out.show({ problems: [told] }, () => {
      for (const line of describeProblem(told, out.style)) out.line(line);
    });
    return exitCodes.error;
  };
  const remedy = 'Name the file of a canary configuration, as Kayenta has it.';
  let json: unknown;
  try {
    const text = await readFile(file, 'utf8');
    if (text.length > maxBytes) return refuse(problem('api/too-large', `${file} is larger than ${maxBytes} bytes.`));
    json = JSON.parse(text);
  } catch (cause) {
    return refuse(
      problem('api/bad-request', `${file} cannot be read as JSON: ${(cause as Error).message}`, {}, remedy),
    );
  }
  const config = readKayentaConfig(json);
  if (!config.ok) return refuse({ ...config.error, remedy });
  const { checks, notes } = flags.method === 'kayenta' ? scoreOfKayenta(config.value) : checksOfKayenta(config.value);
  const compiled = compileSpec({ name: 'service', command: 'true', metrics: '/metrics', checks }, file);
  if (!compiled.ok) return refuse(compiled.error[0]!);
  out.show({ checks, notes }, () => {
    for (const note of notes) out.line(`# ${note}`);
    out.line(stringify({ checks }).trimEnd());
    out.next('put it into rollway.config.yaml (or the same into rollway.config.ts), then rollway lint');
  });
  return undefined;
}

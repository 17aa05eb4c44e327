import { err, type Problem, problem, type Result } from '../model/index.ts';
import { compileSpec } from './compile.ts';
import type { CompiledConfig } from './compiled.ts';
import { parseYaml } from './parse-yaml.ts';
import type { ConfigSandbox } from './port.ts';

export interface EvaluateOptions {
  /** Runs the file without trusting it: `openConfigSandbox()` of `io/`. */
  readonly sandbox: ConfigSandbox;
  /** Relative to the checkout; left out = wherever a configuration usually lies. */
  readonly path?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** From a checkout to the canonical form: finds the file, reads or runs it in isolation, understands it. */
export async function evaluateConfig(
  checkoutDir: string,
  { sandbox, path, signal }: EvaluateOptions,
): Promise<Result<CompiledConfig, readonly Problem[]>> {
  const evaluated = await sandbox.evaluate(checkoutDir, path, signal);
  if (!evaluated.ok) return err([evaluated.error]);
  const { file, files, content } = evaluated.value;
  if (content.kind === 'module') {
    const value = parseJson(content.json);
    if (value !== undefined) return compileSpec(value, file, undefined, files);
    return err([problem('spec/evaluation-failed', `${file}: what it exports is not JSON.`, { file })]);
  }
  const parsed = parseYaml(content.text, file);
  return parsed.ok ? compileSpec(parsed.value.value, file, parsed.value.locate, files) : parsed;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

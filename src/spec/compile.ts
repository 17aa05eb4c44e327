import { digestOf } from '../kit/index.ts';
import { assert, err, ok, type Problem, type Result, type ServiceSpec, serviceSpecSchema } from '../model/index.ts';
import { assemble } from './assemble.ts';
import { checkSpec, checkUser } from './check-meaning.ts';
import type { CompiledConfig } from './compiled.ts';
import type { ServiceConfig } from './config.ts';
import { type ConfigError, errorsOf, type Locate, problemOf } from './config-errors.ts';
import { validatePipeline } from './graph.ts';
import { configSchema } from './schema.ts';

/**
 * Understands what a user wrote: the canonical form with every default filled in, or all mistakes at once, each with
 * file, path and what to do. Pure: the same value gives the same bytes, whatever the order of its keys.
 */
export function compileSpec(
  value: unknown,
  file: string,
  locate: Locate = () => undefined,
  files: readonly string[] = [file],
): Result<CompiledConfig, readonly Problem[]> {
  const refuse = (errors: readonly ConfigError[]) => err(errors.map((error) => problemOf(error, file, locate)));
  const parsed = configSchema.safeParse(value);
  if (!parsed.success) return refuse(errorsOf(parsed.error.issues, value));
  const user = parsed.data as ServiceConfig;
  const mistakes = checkUser(user);
  if (mistakes.length > 0) return refuse(mistakes);
  const { spec, origins } = assemble(user);
  const deeper = [...checkSpec(spec), ...validatePipeline(spec.pipeline.actions)];
  if (deeper.length > 0) return refuse(deeper);
  const canonical = serviceSpecSchema.safeParse(spec);
  assert(canonical.success, 'the canonical form is well-formed', { issues: canonical.error?.issues });
  return ok({ spec, hash: specHash(spec), origins, file, files: [...files].sort() });
}

/** SHA-256 of the canonical JSON: equal meaning, equal hash. */
export function specHash(spec: ServiceSpec): string {
  return digestOf(spec);
}

/**
 * What a user writes about a service, and what it means.
 *
 * A configuration (`rollway.config.ts` or `rollway.yaml`, ten lines for a normal service) becomes the *canonical form*
 * (`ServiceSpec`): every default filled in, the same bytes for the same meaning, known by its hash. Each value has an
 * *origin*, the layer that set it: base < kind of service < metrics or none < template < service < environment.
 * Mistakes are told all at once, each with file, path, line where there is one, and what to write instead.
 *
 *     const compiled = await evaluateConfig(checkout, { sandbox: openConfigSandbox() });
 */

export { splitCommand } from './command.ts';
export * from './compile.ts';
export * from './compiled.ts';
export type { ServiceConfig } from './config.ts';
export { type ConfigError, formatPath } from './config-errors.ts';
export * from './diff.ts';
export * from './evaluate.ts';
export * from './explain.ts';
export * from './graph.ts';
export * from './init.ts';
export * from './layers.ts';
export { leavesOf } from './origins.ts';
export { parseYaml } from './parse-yaml.ts';
export * from './port.ts';
export { configJsonSchema } from './schema.ts';
export { suggest } from './suggest.ts';

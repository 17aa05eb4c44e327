import type { z } from 'zod';
import { type Problem, type ProblemCode, problem } from '../model/index.ts';
import { configJsonSchema } from './schema.ts';
import { suggest } from './suggest.ts';

export type Path = readonly (string | number)[];

/** One mistake in a configuration, before it is known where in the file it stands. */
export interface ConfigError {
  readonly code: ProblemCode;
  readonly path: Path;
  /** Goes on from the path: `must be a duration such as "30s"`. */
  readonly message: string;
  readonly remedy?: string | undefined;
}

/** Finds where a path stands in the file; YAML knows, a module does not. */
export type Locate = (path: Path) => { readonly line: number; readonly column: number } | undefined;

/** `rollway.yaml:4:3: environments.production.taks is not known; did you mean "tasks"?` */
export function problemOf(error: ConfigError, file: string, locate: Locate): Problem {
  const at = locate(error.path);
  const place = at === undefined ? file : `${file}:${at.line}:${at.column}`;
  const path = formatPath(error.path);
  const detail = `${place}: ${path === '' ? 'it' : path} ${error.message}`;
  return problem(error.code, detail, { file, path, ...at }, error.remedy);
}

/** `['pipeline', 'actions', 0, 'name']` → `pipeline.actions[0].name` */
export function formatPath(path: Path): string {
  return path.reduce<string>((text, part) => {
    if (typeof part === 'number') return `${text}[${part}]`;
    return text === '' ? part : `${text}.${part}`;
  }, '');
}

/** What the schema refused, all of it, in our words. */
export function errorsOf(issues: readonly z.core.$ZodIssue[], input: unknown): ConfigError[] {
  return withoutEchoes(issues.flatMap((issue) => errorsOfIssue(issue, [], input)));
}

function errorsOfIssue(issue: z.core.$ZodIssue, prefix: Path, input: unknown): ConfigError[] {
  const path = [...prefix, ...issue.path.map((part) => (typeof part === 'symbol' ? String(part) : part))];
  if (issue.code === 'unrecognized_keys') return issue.keys.map((key) => unknownKey(path, key));
  if (issue.code === 'invalid_key') return [{ code: 'spec/invalid', path, message: issue.issues[0]?.message ?? '' }];
  const isMissing = valueAt(input, path) === undefined;
  if (issue.code === 'invalid_union' && !isMissing && issue.errors) {
    const nearest = nearestOption(issue.errors);
    if (nearest) return nearest.flatMap((inner) => errorsOfIssue(inner, path, input));
  }
  const message = isMissing ? `is missing: ${issue.message}` : issue.message;
  return [{ code: 'spec/invalid', path, message }];
}

/** Of several forms, the one that was meant: its type is right, and least else is wrong. */
function nearestOption(options: readonly (readonly z.core.$ZodIssue[])[]): readonly z.core.$ZodIssue[] | undefined {
  const isOfItsType = (issues: readonly z.core.$ZodIssue[]) =>
    !issues.some((issue) => issue.path.length === 0 && ['invalid_type', 'invalid_value'].includes(issue.code));
  const meant = options.filter((issues) => issues.length > 0 && isOfItsType(issues));
  return meant.sort((a, b) => a.length - b.length)[0];
}

function unknownKey(path: Path, key: string): ConfigError {
  const meant = suggest(key, knownKeysAt(path));
  const message = meant === undefined ? 'is not known' : `is not known; did you mean "${meant}"?`;
  const remedy = meant === undefined ? 'Remove it.' : `Write "${meant}".`;
  return { code: 'spec/unknown-key', path: [...path, key], message, remedy };
}

/** A misspelt key is also a missing one: saying it once is enough. */
function withoutEchoes(errors: readonly ConfigError[]): ConfigError[] {
  const meant = new Set(
    errors.map(({ path, message }) => {
      const key = /did you mean "(.*)"\?$/.exec(message)?.[1];
      return key === undefined ? undefined : formatPath([...path.slice(0, -1), key]);
    }),
  );
  return errors.filter(({ path, message }) => !(message.startsWith('is missing') && meant.has(formatPath(path))));
}

function valueAt(input: unknown, path: Path): unknown {
  return path.reduce<unknown>((value, part) => (value as Record<string | number, unknown> | undefined)?.[part], input);
}

interface JsonSchema {
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly additionalProperties?: JsonSchema | boolean;
  readonly items?: JsonSchema;
  readonly anyOf?: readonly JsonSchema[];
  readonly oneOf?: readonly JsonSchema[];
}

// Made once: it takes 15 ms, and a file may have many mistakes.
let wholeSchema: JsonSchema | undefined;

/** Keys that may stand at a path, over all forms it can have. */
function knownKeysAt(path: Path): string[] {
  wholeSchema ??= configJsonSchema() as JsonSchema;
  let schemas: JsonSchema[] = [wholeSchema];
  for (const part of path) schemas = schemas.flatMap(formsOf).flatMap((schema) => stepInto(schema, part));
  return schemas.flatMap(formsOf).flatMap((schema) => Object.keys(schema.properties ?? {}));
}

function formsOf(schema: JsonSchema): JsonSchema[] {
  const forms = [...(schema.anyOf ?? []), ...(schema.oneOf ?? [])];
  return forms.length > 0 ? forms.flatMap(formsOf) : [schema];
}

function stepInto(schema: JsonSchema, part: string | number): JsonSchema[] {
  if (typeof part === 'number') return schema.items ? [schema.items] : [];
  const property = schema.properties?.[part];
  if (property) return [property];
  return typeof schema.additionalProperties === 'object' ? [schema.additionalProperties] : [];
}

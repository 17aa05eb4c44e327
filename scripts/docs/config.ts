// docs/reference/config.md: every key of rollway.config.ts with what it takes, its default and its meaning.
import { readFileSync } from 'node:fs';
import type { z } from 'zod';
import { compileSpec, explainConfig } from '../../src/spec/index.ts';
import { configSchema } from '../../src/spec/schema.ts';

type Node = z.ZodType & { readonly def: Record<string, unknown> };

export function configReference(): string {
  const meanings = meaningsIn(readFileSync('src/spec/config.ts', 'utf8'));
  const lines = [
    '# `rollway.config.ts`: every key',
    '',
    'Written by `npm run docs` from the schema; do not edit. `rollway.yaml` takes the same keys. A key that is not here',
    'is refused with a suggestion. Only `name` and `command` must be there.',
    '',
    '| key | takes | meaning |',
    '|---|---|---|',
    ...rowsOf(configSchema as unknown as Node, '', 'ServiceConfig', meanings),
  ];
  lines.push('', ...defaultsOf());
  return `${lines.join('\n')}\n`;
}

/** What the smallest configuration with metrics becomes: each value with the layer that set it. */
function defaultsOf(): string[] {
  const smallest = { name: 'shop', command: 'node server.js', metrics: '/metrics' };
  const compiled = compileSpec(smallest, 'rollway.config.ts');
  if (!compiled.ok) throw new Error(compiled.error.map((problem) => problem.detail).join('\n'));
  const rows = explainConfig(compiled.value);
  return [
    '## Defaults',
    '',
    `What \`${JSON.stringify(smallest)}\` means, every value and the layer that set it; \`rollway explain config\` prints`,
    'the same for a configuration of yours.',
    '',
    '| value | default | layer |',
    '|---|---|---|',
    ...rows.map(({ path, value, layer }) => `| \`${path}\` | ${inCell(value)} | ${layer} |`),
  ];
}

function rowsOf(node: Node, path: string, type: string, meanings: Meanings): string[] {
  const shape = node.def.shape as Record<string, Node>;
  return Object.entries(shape).flatMap(([key, field]) => {
    const at = path === '' ? key : `${path}.${key}`;
    const row = `| \`${at}\` | ${inCell(takes(field))} | ${inCell(meanings.get(`${type}.${key}`) ?? '')} |`;
    const [below, belowType, suffix] = partsBelow(key, field, type);
    return [row, ...(below ? rowsOf(below, `${at}${suffix}`, belowType, meanings) : [])];
  });
}

/** The object that a key leads to, if it has one; for records and lists that of their entries. */
function partsBelow(key: string, field: Node, type: string): [Node | undefined, string, string] {
  const named: Record<string, string> = {
    environments: 'EnvironmentConfig',
    phases: 'PhaseConfig',
    windows: 'WindowConfig',
    build: 'BuildConfig',
    test: 'TestConfig',
    checks: 'CheckConfig',
    pipeline: 'PipelineConfig',
  };
  // Each kind of action has keys of its own: they are told by their refusals and in the type.
  if (key === 'actions' || key === 'select') return [undefined, '', ''];
  const { object, suffix } = objectIn(field);
  return [object, named[key] ?? `${type}.${key}`, suffix];
}

function objectIn(node: Node): { object: Node | undefined; suffix: string } {
  const { def } = node;
  if (def.type === 'object') return { object: node, suffix: '' };
  if (def.type === 'optional') return objectIn(def.innerType as Node);
  if (def.type === 'record') return { ...objectIn(def.valueType as Node), suffix: '.<name>' };
  if (def.type === 'array') return { ...objectIn(def.element as Node), suffix: '[]' };
  if (def.type === 'union') {
    const found = (def.options as Node[]).map(objectIn).filter((part) => part.object !== undefined);
    // Several objects are several ways to say one thing: the sentence of the field names them.
    return found.length === 1 ? found[0]! : { object: undefined, suffix: '' };
  }
  return { object: undefined, suffix: '' };
}

/** In the words in which the schema refuses what does not fit. */
function takes(field: Node): string {
  const { def } = field;
  if (def.type === 'optional') return takes(def.innerType as Node);
  const refusal = field.safeParse(Symbol('nothing that fits')).error?.issues[0]?.message ?? '';
  if (refusal.startsWith('must be ')) return refusal.slice('must be '.length);
  if (def.type === 'array') return `a list of ${takes(def.element as Node)}`;
  if (def.type === 'record') return 'names and values';
  if (def.type === 'object') return `{ ${Object.keys(def.shape as object).join(', ')} }`;
  return { string: 'text', number: 'a number', boolean: 'true or false' }[def.type as string] ?? '';
}

type Meanings = ReadonlyMap<string, string>;

/** The comments of the types that a user's editor shows, as `Type.key` → text. */
function meaningsIn(source: string): Meanings {
  const meanings = new Map<string, string>();
  const parents = new Map<string, string>();
  for (const [, type, parent, body] of source.matchAll(/interface (\w+)(?: extends (\w+))? \{\n([\s\S]*?)\n\}/g)) {
    if (parent) parents.set(type!, parent);
    for (const [, comment, key] of body!.matchAll(/\/\*\* (.*?) \*\/\n\s+readonly (\w+)/g)) {
      meanings.set(`${type}.${key}`, comment!);
    }
  }
  for (const [type, parent] of parents) {
    for (const [name, comment] of [...meanings]) {
      const [of, key] = name.split('.');
      if (of === parent && !meanings.has(`${type}.${key}`)) meanings.set(`${type}.${key}`, comment);
    }
  }
  return meanings;
}

function inCell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('\n', ' ');
}

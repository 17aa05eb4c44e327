// docs/reference/openapi.json and api.md: the table of routes, for programs and for people.
import { openApiDocument, type Route, routes, taskControlDocument } from '../../src/api/index.ts';
import { version } from '../../src/cli/version.ts';

/** One line for each path and each schema: what changed can be seen, and nobody scrolls through 14,000 lines. */
export function openApiFile(): string {
  const { paths, components, ...head } = openApiDocument(version) as Record<string, Record<string, object>>;
  const { schemas, ...rest } = components as Record<string, object>;
  const linesOf = (part: object) =>
    `{\n${Object.entries(part)
      .map(([key, value]) => `${JSON.stringify(key)}: ${JSON.stringify(value)}`)
      .join(',\n')}\n}`;
  const text = `${linesOf(head).slice(0, -2)},
"paths": ${linesOf(paths!)},
"components": ${linesOf(rest).slice(0, -2)},
"schemas": ${linesOf(schemas!)}}}\n`;
  JSON.parse(text);
  return text;
}

/** What a service's TaskController implements. */
export function taskControlFile(): string {
  return `${JSON.stringify(taskControlDocument(version), undefined, 2)}\n`;
}

export function apiReference(): string {
  const rows = Object.entries(routes) as [string, Route][];
  const tags = [...new Set(rows.map(([, row]) => row.tag))];
  const lines = [
    '# The API',
    '',
    'Written by `npm run docs` from the table of routes; do not edit. The whole contract, with every field, is the',
    'OpenAPI 3.1 document that a server answers at `/api/openapi.json`; [a copy](openapi.json) is beside this page.',
    '',
    'A token goes into `Authorization: Bearer …`. Roles: `viewer` reads, `operator` deploys and steers, `admin` does',
    'everything. What is refused is a problem document (RFC 9457) with `code`, `detail` and `remedy`.',
    'Where *once* says yes, repeating a request with the same `Idempotency-Key` gives the first answer.',
  ];
  for (const tag of tags) {
    lines.push('', `## ${tag}`, '', '| request | what it does | role | once |', '|---|---|---|---|');
    for (const [, row] of rows.filter(([, row]) => row.tag === tag)) {
      const once = row.idempotent ? 'yes' : '';
      lines.push(`| \`${row.method} ${row.path}\` | ${row.summary} | ${row.role} | ${once} |`);
    }
  }
  return `${lines.join('\n')}\n`;
}

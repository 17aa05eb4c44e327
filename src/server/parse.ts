import type { z } from 'zod';
import type { Route } from '../api/index.ts';
import { readBytes, readJsonBody } from './body.ts';
import { refuse } from './errors.ts';

export interface ParsedRequest {
  readonly params?: unknown;
  readonly query?: unknown;
  readonly body?: unknown;
  readonly bytes?: Uint8Array;
}

/** What the table of routes says a request must hold, validated; the refusal names the field. */
export async function parseRequest(
  row: Route,
  request: Request,
  params: Readonly<Record<string, string>>,
): Promise<ParsedRequest> {
  const query = new URL(request.url).searchParams;
  return {
    ...(row.params ? { params: parse(row.params, params, 'address') } : {}),
    ...(row.query ? { query: parse(row.query, queryObject(query), 'query') } : {}),
    ...(row.body ? { body: parse(row.body, await readJsonBody(request), 'body') } : {}),
    ...(row.bytes ? { bytes: await readBytes(request, row.bytes.maxBytes) } : {}),
  };
}

function parse(schema: z.ZodType, value: unknown, where: 'address' | 'query' | 'body'): unknown {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issues = parsed.error.issues.slice(0, 10).map((issue) => ({
    path: issue.path.map(String).join('.').slice(0, 200),
    message: issue.message.slice(0, 300),
  }));
  const first = issues[0];
  const field = first && first.path !== '' ? `${where}: ${first.path}: ` : `${where}: `;
  return refuse('api/bad-request', field + (first?.message ?? 'not valid'), { where, issues });
}

/** A parameter given twice is a mistake, not a list. */
function queryObject(query: URLSearchParams): Record<string, string> {
  const object: Record<string, string> = {};
  for (const [name, value] of query) {
    if (Object.hasOwn(object, name)) refuse('api/bad-request', `query: ${name.slice(0, 100)}: given twice`);
    Object.defineProperty(object, name, { value, enumerable: true });
  }
  return object;
}

import { z } from 'zod';
import { frameSchemas, topicSchemas } from './live.ts';
import type { Route } from './route.ts';
import { routes } from './routes.ts';
import { problemDocument } from './shapes/basics.ts';

type Json = Record<string, unknown>;

/** The OpenAPI 3.1 document of the table of routes. */
export function openApiDocument(version: string, cookieName = 'rollway_session'): Json {
  const paths: Record<string, Json> = {};
  for (const [name, row] of Object.entries(routes) as [string, Route][]) {
    const path = row.path.replace(/:([a-zA-Z]+)/g, '{$1}');
    paths[path] = { ...paths[path], [row.method.toLowerCase()]: operationOf(name, row) };
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Rollway',
      version,
      description: 'Releases, rollouts and their verdicts. Problems are RFC 9457 documents with a code and a remedy.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/' }],
    paths,
    components: {
      securitySchemes: {
        token: { type: 'http', scheme: 'bearer' },
        session: { type: 'apiKey', in: 'cookie', name: cookieName },
      },
      schemas: {
        Problem: schemaOf(problemDocument, 'output'),
        ...Object.fromEntries(
          Object.entries(frameSchemas).map(([name, s]) => [`Frame_${name}`, schemaOf(s, 'output')]),
        ),
        ...Object.fromEntries(
          Object.entries(topicSchemas).map(([name, s]) => [`Topic_${name}`, schemaOf(s, 'output')]),
        ),
      },
    },
  };
}

function operationOf(name: string, row: Route): Json {
  const parameters = [
    ...parametersOf(row.params, 'path'),
    ...parametersOf(row.query, 'query'),
    ...(row.idempotent ? [header('Idempotency-Key', 'Repeating it with the same key gives the first answer')] : []),
    ...(row.ifMatch ? [header('If-Match', 'The `etag` of the resource as it was read')] : []),
    ...(row.stream ? [header('Last-Event-ID', 'Resume the topic `events` after this position')] : []),
  ];
  return {
    operationId: name,
    summary: row.summary,
    tags: [row.tag],
    'x-rollway-role': row.role,
    ...(row.role === 'public' ? { security: [] } : { security: [{ token: [] }, { session: [] }] }),
    ...(parameters.length > 0 ? { parameters } : {}),
    ...bodyOf(row),
    responses: {
      [String(row.status ?? 200)]: successOf(row),
      default: {
        description: 'A problem',
        content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
      },
    },
  };
}

function bodyOf(row: Route): Json {
  if (row.bytes) return { requestBody: { required: true, content: { 'application/octet-stream': {} } } };
  if (!row.body) return {};
  return { requestBody: { required: true, content: { 'application/json': { schema: schemaOf(row.body, 'input') } } } };
}

function successOf(row: Route): Json {
  if (row.stream) return { description: 'Frames, see the schemas Frame_…', content: { 'text/event-stream': {} } };
  if (!row.response) return { description: 'Done' };
  return { description: 'Done', content: { 'application/json': { schema: schemaOf(row.response, 'output') } } };
}

function parametersOf(schema: z.ZodType | undefined, where: 'path' | 'query'): Json[] {
  if (!schema) return [];
  const json = schemaOf(schema, 'input') as { properties?: Record<string, Json>; required?: string[] };
  return Object.entries(json.properties ?? {}).map(([name, property]) => ({
    name,
    in: where,
    required: where === 'path' || (json.required ?? []).includes(name),
    schema: property,
  }));
}

function header(name: string, description: string): Json {
  return { name, in: 'header', required: false, description, schema: { type: 'string' } };
}

function schemaOf(schema: z.ZodType, io: 'input' | 'output'): Json {
  const { $schema: _, ...json } = z.toJSONSchema(schema, { io, unrepresentable: 'any' }) as Json;
  return json;
}

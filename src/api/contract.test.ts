import { expect, test } from 'vitest';
import { ProblemError } from '../model/index.ts';
import { createClient, openApiDocument, type Route, type RouteName, routes } from './index.ts';

const rows = Object.entries(routes) as [RouteName, Route][];

test('no two routes share a method and an address', () => {
  const addresses = rows.map(([, row]) => `${row.method} ${row.path.replace(/:[a-z]+/gi, ':')}`);
  expect(new Set(addresses).size).toBe(addresses.length);
});

test.each(rows)('%s: the parameters of its address are the keys of `params`', (_, row) => {
  const named = [...row.path.matchAll(/:([a-zA-Z]+)/g)].map((match) => match[1]);
  expect(Object.keys(row.params?.shape ?? {}).sort()).toEqual(named.sort());
});

test.each(rows)('%s: reading needs no body, changing is not open to viewers by accident', (name, row) => {
  if (row.method === 'GET') expect(row.body ?? row.bytes).toBeUndefined();
  const forViewers = ['planDeploy', 'planTasks', 'planMaintenance', 'backtestPlan', 'signOut', 'createSignInCode'];
  if (row.method !== 'GET' && !forViewers.includes(name))
    expect(['operator', 'admin', 'public', 'push']).toContain(row.role);
});

test('the OpenAPI document has every route, and every reference in it leads somewhere', () => {
  const document = JSON.parse(JSON.stringify(openApiDocument('1.2.3')));
  const ids = Object.values(document.paths).flatMap((path) =>
    Object.values(path as Record<string, { operationId: string }>).map((operation) => operation.operationId),
  );
  expect(ids.sort()).toEqual(rows.map(([name]) => name).sort());
  for (const [, reference] of JSON.stringify(document).matchAll(/"\$ref":"(#[^"]*)"/g)) {
    const target = reference!
      .slice(2)
      .split('/')
      .reduce((node, key) => node?.[key], document);
    expect(target, reference).toBeDefined();
  }
});

test('the client sends method, address, query, body, token and keys as the table says', async () => {
  const seen: { url: string; init: RequestInit }[] = [];
  const client = createClient({
    baseUrl: 'http://127.0.0.1:1/',
    token: 'secret',
    fetch: async (url, init) => {
      seen.push({ url, init });
      return Response.json({ items: [], next: null });
    },
  });
  await client.listReleases({ params: { service: 'a b' }, query: { limit: 5 } });
  await client.commandRollout(
    { params: { rollout: 'ro_1' }, body: { command: 'pause', reason: 'lunch' } },
    { idempotencyKey: 'k', ifMatch: 'running.1' },
  );
  expect(seen[0]?.url).toBe('http://127.0.0.1:1/api/v1/services/a%20b/releases?limit=5');
  expect(seen[0]?.init.headers).toMatchObject({ authorization: 'Bearer secret' });
  expect(seen[1]?.init).toMatchObject({ method: 'POST', body: '{"command":"pause","reason":"lunch"}' });
  expect(seen[1]?.init.headers).toMatchObject({ 'idempotency-key': 'k', 'if-match': '"running.1"' });
});

test('a problem document is thrown as the problem it is; anything else as unavailable', async () => {
  const answering = (response: Response) =>
    createClient({ baseUrl: '', fetch: async () => response })
      .getMe()
      .catch((error: unknown) => error);
  const body = {
    type: 'x',
    code: 'auth/forbidden',
    status: 403,
    title: 't',
    detail: 'd',
    remedy: 'r',
    facts: {},
    instance: 'req_1',
  };
  const refused = await answering(Response.json(body, { status: 403 }));
  expect(refused).toBeInstanceOf(ProblemError);
  expect((refused as ProblemError).problem).toMatchObject({ code: 'auth/forbidden', facts: { instance: 'req_1' } });
  const foreign = await answering(new Response('<html>', { status: 502 }));
  expect((foreign as ProblemError).problem.code).toBe('api/unavailable');
});

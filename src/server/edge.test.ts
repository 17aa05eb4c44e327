import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openTestFace, type TestFace, type TestRole } from '../../test/server-face.ts';
import { problemDocument, type Route, type RouteName, roles, routes } from '../api/index.ts';
import { rollway } from '../model/index.ts';

let face: TestFace;
beforeAll(async () => {
  face = await openTestFace();
});
afterAll(() => face.close());

const rows = Object.entries(routes) as [RouteName, Route][];
const bearer = (role: TestRole) => ({ authorization: `Bearer ${face.tokens[role]}` });

/** An address of the route that is well formed and names nothing that exists. */
function addressOf(row: Route): string {
  const samples: Record<string, string> = {
    release: 'rel_0',
    rollout: 'ro_0',
    run: 'run_0',
    mark: 'mark_0',
    command: 'cmd_0',
    token: 'tok_0',
    job: 'nothing@nowhere',
    index: '0',
    commit: 'abcdef0',
    kind: 'release',
    id: 'rel_0',
  };
  const path = row.path.replace(/:([a-zA-Z]+)/g, (_, key: string) => samples[key] ?? 'nothing');
  if (row.path.endsWith('/live')) return `${path}?topics=services`;
  return row.path.endsWith('/bundles') ? `${path}?commit=${'a'.repeat(40)}` : path;
}

function request(row: Route, headers: Record<string, string>): Promise<Response> {
  const hasBody = row.body !== undefined;
  return face.send(addressOf(row), {
    method: row.method,
    headers: { ...headers, ...(hasBody ? { 'content-type': 'application/json' } : {}) },
    ...(hasBody ? { body: '{}' } : {}),
  });
}

async function problemOf(response: Response): Promise<{ code: string; status: number; instance: string }> {
  expect(response.headers.get('content-type')).toBe('application/problem+json');
  const text = await response.text();
  expect(text).not.toMatch(/\bat .*\.(ts|js):\d+/);
  return problemDocument.parse(JSON.parse(text));
}

describe('who may do what', () => {
  const table = rows.flatMap(([name, row]) => roles.map((role) => [name, row, role] as const));
  test('a push token hands in metrics and does nothing else', async () => {
    const { secret } = await face.house.auth.createToken({ name: 'p', role: 'push', createdBy: rollway('test') });
    for (const [name, row] of rows) {
      if (row.role === 'public') continue;
      const response = await request(row, { authorization: `Bearer ${secret}` });
      expect(response.status === 403, name).toBe(name !== 'pushSamples');
      await response.body?.cancel();
    }
  });

  test.each(table)('%s: %o as %s', async (name, row, role) => {
    const headers = role === 'public' ? {} : bearer(role);
    const response = await request(row, headers);
    const needed = row.role === 'push' ? 'operator' : row.role;
    const isAllowed = roles.indexOf(role) >= roles.indexOf(needed);
    if (isAllowed)
      expect([401, 403], name).not.toContain(response.status === 401 && name === 'signIn' ? 0 : response.status);
    else expect(response.status).toBe(role === 'public' ? 401 : 403);
    await response.body?.cancel();
    // There is no port for agents here, so no host could join.
    if (name === 'createJoinToken' && response.status === 503) return;
    expect(response.status).toBeLessThan(500);
  });
});

describe('who is asking', () => {
  test('a made-up token, a token of another kind and none are all refused alike', async () => {
    for (const authorization of ['Bearer rwt_nonsense', 'Basic YTpi', 'Bearer', `Bearer ${'x'.repeat(5000)}`]) {
      expect((await face.send('/api/v1/me', { headers: { authorization } })).status).toBe(401);
    }
    expect((await face.send('/api/v1/me', { headers: { cookie: 'rollway_session=rws_stolen' } })).status).toBe(401);
  });

  test('a code signs in once; the session is HttpOnly and SameSite=Strict; signing out ends it', async () => {
    const { code, url } = await face.client('operator').createSignInCode();
    expect(url).toBe(`http://127.0.0.1:7070/sign-in#code=${code}`);
    const post = () =>
      face.send('/api/v1/session', {
        method: 'POST',
        headers: { 'content-type': 'application/json', origin: 'http://127.0.0.1:7070' },
        body: JSON.stringify({ code }),
      });
    const signedIn = await post();
    expect(signedIn.status).toBe(201);
    const cookie = signedIn.headers.get('set-cookie') ?? '';
    expect(cookie).toMatch(/HttpOnly/);
    expect(cookie).toMatch(/SameSite=Strict/);
    const session = cookie.split(';')[0] as string;
    const me = await face.send('/api/v1/me', { headers: { cookie: session } });
    expect(await me.json()).toMatchObject({ name: 'operator', role: 'operator' });
    expect((await problemOf(await post())).code).toBe('auth/bad-token');
    const out = await face.send('/api/v1/session', { method: 'DELETE', headers: { cookie: session } });
    expect(out.status).toBe(204);
    expect((await face.send('/api/v1/me', { headers: { cookie: session } })).status).toBe(401);
  });

  test('a token that is taken away is refused at once, and so are its sessions', async () => {
    const made = await face.client().createToken({ body: { name: 'ci', role: 'viewer' } });
    const headers = { authorization: `Bearer ${made.secret}` };
    expect((await face.send('/api/v1/me', { headers })).status).toBe(200);
    await face.client().deleteToken({ params: { token: made.id } });
    expect((await face.send('/api/v1/me', { headers })).status).toBe(401);
  });

  test('secrets are never told again', async () => {
    const listed = JSON.stringify(await face.client().listTokens());
    for (const secret of Object.values(face.tokens)) expect(listed).not.toContain(secret);
  });

  test('guessing codes is stopped after ten failures a minute', async () => {
    const own = await openTestFace();
    const guess = () =>
      own.send('/api/v1/session', {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: '{"code":"rwc_x"}',
      });
    const statuses: number[] = [];
    for (let i = 0; i < 12; i++) statuses.push((await guess()).status);
    await own.close();
    expect(statuses).toEqual([...Array(10).fill(401), 429, 429]);
  });
});

describe('where it comes from', () => {
  const me = (headers: Record<string, string>) =>
    face.send('/api/v1/me', { headers: { ...bearer('admin'), ...headers } });

  test.each([
    ['another host', { host: 'evil.example' }],
    ['a name that leads here (DNS rebinding)', { host: 'rebound.example:7070' }],
    ['another port', { host: '127.0.0.1:8080' }],
    ['another origin', { origin: 'https://evil.example' }],
    ['no origin at all, as sandboxed frames say', { origin: 'null' }],
    ['a service on another port of this machine', { origin: 'http://127.0.0.1:3000' }],
    ['a browser that says cross-site', { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'cors' }],
  ])('%s is refused', async (_, headers) => {
    const response = await me(headers as Record<string, string>);
    expect(response.status).toBe(403);
    expect((await problemOf(response)).code).toBe('auth/foreign-origin');
  });

  test.each([
    ['localhost', { host: 'localhost:7070' }],
    ['the page itself', { origin: 'http://127.0.0.1:7070', 'sec-fetch-site': 'same-origin' }],
  ])('%s is welcome', async (_, headers) => {
    expect((await me(headers as Record<string, string>)).status).toBe(200);
  });

  test('every answer forbids scripts and frames of others', async () => {
    for (const path of ['/healthz', '/api/v1/me', '/nothing', '/sign-in', '/api/openapi.json']) {
      const { headers } = await face.send(path);
      expect(headers.get('content-security-policy')).toContain("default-src 'none'");
      expect(headers.get('content-security-policy')).not.toContain('unsafe');
      expect(headers.get('x-content-type-options')).toBe('nosniff');
    }
  });
});

describe('bad input', () => {
  test('unknown addresses and methods answer problems', async () => {
    expect((await problemOf(await face.send('/api/v1/nothing', { headers: bearer('admin') }))).code).toBe(
      'api/not-found',
    );
    expect((await problemOf(await face.send('/nothing'))).code).toBe('api/not-found');
    const patched = await face.send('/api/v1/services', { method: 'PATCH', headers: bearer('admin') });
    expect((await problemOf(patched)).code).toBe('api/method-not-allowed');
  });

  test('a body that is too large is refused before it is read to its end', async () => {
    let sent = 0;
    const body = new ReadableStream({
      pull(controller) {
        sent += 65_536;
        controller.enqueue(new Uint8Array(65_536));
        if (sent > 64 * 1024 * 1024) controller.close();
      },
    });
    const init = {
      method: 'POST',
      headers: { ...bearer('admin'), 'content-type': 'application/json' },
      body,
      duplex: 'half',
    };
    const response = await face.send('/api/v1/tokens', init as RequestInit);
    expect((await problemOf(response)).code).toBe('api/too-large');
    expect(sent).toBeLessThan(4 * 1024 * 1024);
  });

  test('a refusal names the field', async () => {
    const error = await face
      .client()
      .createToken({ body: { name: 'x y', role: 'viewer' } })
      .catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ problem: { code: 'api/bad-request', detail: expect.stringContaining('name') } });
  });

  test('whatever is sent to whatever route, the answer is a problem of the sender (4xx) and nothing breaks', async () => {
    const before = face.errors.length;
    const changing = rows.filter(([, row]) => row.method !== 'GET');
    const anyBody = fc.oneof(
      fc.string(),
      fc.json(),
      fc.constantFrom('{"__proto__":{"role":"admin"}}', '['.repeat(5000), '{"reason":1e999}', '\u0000', 'null'),
      fc
        .record({ reason: fc.anything(), commit: fc.anything(), name: fc.anything(), command: fc.anything() })
        .map((value) => {
          try {
            return JSON.stringify(value) ?? 'null';
          } catch {
            return '{}';
          }
        }),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...changing),
        anyBody,
        fc.constantFrom('application/json', 'text/plain', ''),
        async ([name, row], body, type) => {
          if (name === 'signOut' || name === 'createSignInCode' || name === 'createJoinToken') return;
          const headers = { ...bearer('admin'), ...(type === '' ? {} : { 'content-type': type }) };
          const response = await face.send(addressOf(row), { method: row.method, headers, body });
          if (response.status < 300) return;
          const problem = await problemOf(response);
          expect(problem.status, `${name} ${body}`).toBeLessThan(500);
          expect(problem.status).toBeGreaterThanOrEqual(400);
        },
      ),
      { numRuns: 300 },
    );
    expect(face.errors.slice(before)).toEqual([]);
  });

  test('whatever address and query are asked for, the answer is not a 5xx', async () => {
    const before = face.errors.length;
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...rows.filter(([, row]) => row.method === 'GET')),
        fc.webPath(),
        fc.webQueryParameters(),
        async ([name, row], path, query) => {
          if (name === 'live') return;
          const params = row.path.replace(/:[a-zA-Z]+/g, () => encodeURIComponent(path).slice(0, 300) || 'x');
          const response = await face.send(`${params}?${query.slice(0, 500)}`, { headers: bearer('admin') });
          if (response.status >= 400) expect((await problemOf(response)).status).toBeLessThan(500);
        },
      ),
      { numRuns: 300 },
    );
    expect(face.errors.slice(before)).toEqual([]);
  });
});

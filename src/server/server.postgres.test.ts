import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { needsThat } from '../../test/skip.ts';
import { createClient, type EventView, openLive } from '../api/index.ts';
import { startPostgres } from '../store/testing/postgres.ts';
import { startServer, storeOf } from './index.ts';
import { silentLog } from './log.ts';

const postgres = await startPostgres();
const isThere = needsThat('createDatabase' in postgres, 'postgres', 'the server is tested on a real PostgreSQL');
afterAll(async () => {
  if ('stop' in postgres) await postgres.stop();
});

describe.skipIf(!isThere)('a server whose state lies in PostgreSQL', () => {
  test('starts, signs people in, answers, remembers requests, streams, and finds everything again', async () => {
    if (!('createDatabase' in postgres)) throw new Error(postgres.impossible);
    const folder = mkdtempSync(join(tmpdir(), 'rollway-postgres-'));
    const store = storeOf(await postgres.createDatabase(), folder);
    expect(store.kind).toBe('postgres');
    const start = () =>
      startServer({
        dataFolder: folder,
        store,
        port: 0,
        agentPort: 0,
        agentHost: '127.0.0.1',
        contextFile: undefined,
        log: silentLog,
      });
    let server = await start();
    try {
      const token = readFileSync(server.tokenFile, 'utf8').trim();
      const client = () => createClient({ baseUrl: server.url, token, fetch });
      const { code } = await client().createSignInCode();
      const signedIn = await fetch(`${server.url}/api/v1/session`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ code }),
      });
      expect(signedIn.status).toBe(201);
      const made = await client().createToken({ body: { name: 'ci', role: 'viewer', expiresInMs: 3_600_000 } });
      expect((await client().listTokens()).items.find(({ id }) => id === made.id)).toMatchObject({ name: 'ci' });

      const facts: EventView[] = [];
      const ending = new AbortController();
      const live = { baseUrl: server.url, token, topics: ['events', 'hosts', 'services', 'marks', 'doctor'] as const };
      const gone: string[] = [];
      const done = openLive(
        { ...live, lastEventId: 0, signal: ending.signal, fetch },
        { fact: (fact) => facts.push(fact), gone: ({ topic }) => gone.push(topic) },
      );
      await expect.poll(() => facts.length, { timeout: 10_000 }).toBeGreaterThanOrEqual(3);
      ending.abort();
      await done;
      expect(gone).toEqual([]);
      expect((await client().getDoctor()).store).toBe('postgres');
      await server.close();
      server = await start();
      expect(readFileSync(server.tokenFile, 'utf8').trim()).toBe(token);
      expect(await client().getMe()).toMatchObject({ role: 'admin' });
    } finally {
      await server.close();
      rmSync(folder, { recursive: true, force: true });
    }
  });
});

// A server's face for tests: the real house on an in-memory store, without a socket.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Client, createClient } from '../src/api/index.ts';
import { rollway } from '../src/model/index.ts';
import { compose, type House } from '../src/server/compose.ts';
import { openDataFolder } from '../src/server/data-folder.ts';
import { openFace } from '../src/server/face.ts';
import { silentLog } from '../src/server/log.ts';
import { readSettings, type SettingsOverride } from '../src/server/settings.ts';

export type TestRole = 'viewer' | 'operator' | 'admin';

export interface TestFace {
  readonly house: House;
  /** Sends a request as somebody who knows the server's name would. */
  send(path: string, init?: RequestInit): Promise<Response>;
  readonly tokens: Readonly<Record<TestRole, string>>;
  client(role?: TestRole): Client;
  /** Errors that the server logged: a test that expects none looks here. */
  readonly errors: readonly unknown[];
  close(): Promise<void>;
}

const origin = 'http://127.0.0.1:7070';

export async function openTestFace(override: SettingsOverride = {}): Promise<TestFace> {
  const dataFolder = mkdtempSync(join(tmpdir(), 'rollway-face-'));
  const folder = openDataFolder(dataFolder);
  const settings = readSettings({
    dataFolder,
    store: { kind: 'sqlite', path: ':memory:' },
    contextFile: undefined,
    webFolder: join(dataFolder, 'web'),
    ...override,
  });
  const errors: unknown[] = [];
  const house = await compose(settings, { ...silentLog, error: (what, error) => errors.push({ what, error }) });
  const running = new AbortController();
  const turns = house.engine.run(running.signal);
  const face = openFace(
    house,
    () => 7070,
    () => true,
  );
  const tokens = {} as Record<TestRole, string>;
  for (const role of ['viewer', 'operator', 'admin'] as const) {
    tokens[role] = (await house.auth.createToken({ name: role, role, createdBy: rollway('test') })).secret;
  }
  const send = (path: string, init: RequestInit = {}) => {
    const headers = new Headers(init.headers);
    if (!headers.has('host')) headers.set('host', '127.0.0.1:7070');
    return face.fetch(new Request(path.startsWith('http') ? path : origin + path, { ...init, headers }));
  };
  return {
    house,
    tokens,
    errors,
    send,
    client: (role = 'admin') => createClient({ baseUrl: origin, token: tokens[role], fetch: send }),
    async close() {
      await face.close();
      running.abort();
      await turns;
      await house.close();
      folder.release();
      rmSync(dataFolder, { recursive: true, force: true });
    },
  };
}

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openTestFace, type TestFace } from '../../test/server-face.ts';
import { createRefusals, type Refusal, refusalsPerHour } from './refusals.ts';

let face: TestFace;
beforeAll(async () => {
  face = await openTestFace();
});
afterAll(() => face.close());

const json = { 'content-type': 'application/json' };
const bearer = (role: 'viewer' | 'admin') => ({ authorization: `Bearer ${face.tokens[role]}` });

describe('O5 what would have changed something and was refused is in the audit', () => {
  test.each<[name: string, path: string, init: () => RequestInit, code: string, actor: string]>([
    [
      'without a token',
      '/api/v1/tokens',
      () => ({ method: 'POST', headers: json, body: '{}' }),
      'auth/unauthenticated',
      'rollway/face',
    ],
    [
      'without the role',
      '/api/v1/tokens',
      () => ({ method: 'POST', headers: { ...json, ...bearer('viewer') }, body: '{"name":"x","role":"admin"}' }),
      'auth/forbidden',
      'viewer',
    ],
    [
      'malformed',
      '/api/v1/tokens',
      () => ({ method: 'POST', headers: { ...json, ...bearer('admin') }, body: '{"name":' }),
      'api/bad-request',
      'admin',
    ],
    [
      'from a page of another site',
      '/api/v1/tokens',
      () => ({ method: 'POST', headers: { ...json, ...bearer('admin'), origin: 'http://evil.example' }, body: '{}' }),
      'auth/foreign-origin',
      'rollway/face',
    ],
    [
      'under another name',
      '/api/v1/tokens',
      () => ({ method: 'POST', headers: { ...json, host: 'evil.example' }, body: '{}' }),
      'auth/foreign-origin',
      'rollway/face',
    ],
    [
      'with a code that is wrong',
      '/api/v1/session',
      () => ({ method: 'POST', headers: json, body: '{"code":"rwc_x"}' }),
      'auth/bad-token',
      'rollway/face',
    ],
  ])('%s', async (_, path, init, code, actor) => {
    const answer = await face.send(path, init());
    const request = answer.headers.get('rollway-request');
    expect(answer.status).toBeGreaterThanOrEqual(400);
    const { items } = await face.client().listEvents({ query: { stream: 'server/audit', newest: 5 } });
    const event = items.find(({ data }) => data.requestId === request);
    expect(event).toMatchObject({ type: 'request.refused', data: { code, status: answer.status, path } });
    expect(event?.actor.name).toBe(actor);
  });

  test('what is only read and refused is not; what its handler refused is there once', async () => {
    const read = await face.send('/api/v1/me');
    const refused = await face.send('/api/v1/rollouts/ro_0/commands', {
      method: 'POST',
      headers: { ...json, ...bearer('admin') },
      body: '{"command":"pause","reason":"x"}',
    });
    expect([read.status, refused.status]).toEqual([401, 404]);
    const { items } = await face.client().listEvents({ query: { stream: 'server/audit', newest: 50 } });
    const of = (answer: Response) =>
      items.filter(({ data }) => data.requestId === answer.headers.get('rollway-request')).map(({ type }) => type);
    expect(of(read)).toEqual([]);
    expect(of(refused)).toEqual(['request/commandRollout']);
  });
});

describe('nobody can fill the disk with refused requests', () => {
  const from = (source: string): Refusal => ({
    ...{ method: 'POST', path: '/x', status: 401, code: 'auth/unauthenticated', requestId: 'req_1' },
    ...{ source, actor: undefined },
  });

  function listen() {
    const types: string[] = [];
    const time = { nowMs: 0 };
    const engine = {
      append: async ({
        events = [],
      }: {
        events?: readonly { type: string; data: Readonly<Record<string, unknown>> }[];
      }) => {
        for (const { type, data } of events)
          types.push(type === 'request.refusals-counted' ? `${data.count} more` : type);
      },
    };
    const refusals = createRefusals({ engine, clock: { nowMs: () => time.nowMs } }, (error) => {
      throw error;
    });
    return { refusals, types, time };
  }

  test('one source: so many, then one word that the rest is counted, then how many, in the next hour', async () => {
    const { refusals, types, time } = listen();
    for (let i = 0; i < refusalsPerHour.ofOneSource + 100; i++) await refusals.record(from('10.0.0.1'));
    expect(types.filter((type) => type === 'request.refused')).toHaveLength(refusalsPerHour.ofOneSource);
    expect(types.slice(refusalsPerHour.ofOneSource)).toEqual(['request.refusals-muted']);
    time.nowMs = 3_600_000;
    await refusals.record(from('10.0.0.1'));
    expect(types.slice(-2)).toEqual(['100 more', 'request.refused']);
    expect(refusals.total).toBe(refusalsPerHour.ofOneSource + 101);
  });

  test('many sources: so many together', async () => {
    const { refusals, types } = listen();
    for (let i = 0; i < 5000; i++) await refusals.record(from(`10.0.${i % 250}.${i % 199}`));
    expect(types.filter((type) => type === 'request.refused')).toHaveLength(refusalsPerHour.ofAll);
    expect(types).toHaveLength(refusalsPerHour.ofAll + 1);
  });
});

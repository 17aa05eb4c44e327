import { afterAll, beforeAll, expect, test } from 'vitest';
import { openTestFace, type TestFace } from '../../../test/server-face.ts';
import { applyDelta, type Delta, type EventView, frameSchemas, openLive, type Topic } from '../../api/index.ts';
import { joinTokenAddition } from '../../fleet/work.ts';
import { rollway } from '../../model/index.ts';

// Ticks of a quarter of a second, on machines that do other things too.
const patient = { timeout: 30_000 };

let face: TestFace;
beforeAll(async () => {
  face = await openTestFace();
});
afterAll(() => face.close());

/** One commit with an event for each number. */
const append = (...numbers: number[]) =>
  face.house.engine.append({
    events: numbers.map((n) => ({ stream: 'server/test', type: 'test/counted', actor: rollway('test'), data: { n } })),
  });

/** Follows topics until told to stop; frames are checked against their schemas. */
function follow(topics: Topic[], lastEventId?: number) {
  const ending = new AbortController();
  const facts: EventView[] = [];
  const seen: string[] = [];
  const states = new Map<string, object>();
  const done = openLive(
    {
      baseUrl: 'http://127.0.0.1:7070',
      token: face.tokens.viewer,
      topics,
      signal: ending.signal,
      fetch: face.send,
      ...(lastEventId === undefined ? {} : { lastEventId }),
    },
    {
      hello: (frame) => seen.push(`hello ${frameSchemas.hello.parse(frame).version}`),
      fact: (frame) => facts.push(frameSchemas.fact.parse(frame)),
      snapshot: (frame) => {
        seen.push(`snapshot ${frame.topic}`);
        states.set(frame.topic, frameSchemas.snapshot.parse(frame).data);
      },
      delta: (frame) => {
        seen.push(`delta ${frame.topic}`);
        const { topic, delta } = frameSchemas.delta.parse(frame);
        states.set(topic, applyDelta(states.get(topic) ?? {}, delta as Delta));
      },
      gone: (frame) => seen.push(`gone ${frame.topic}`),
    },
  );
  const stop = () => {
    ending.abort();
    return done;
  };
  return { facts, seen, states, stop };
}

const counts = (facts: readonly EventView[]) => facts.filter((f) => f.type === 'test/counted').map((f) => f.data.n);

test('a reader that comes back with Last-Event-ID misses nothing and hears nothing twice', patient, async () => {
  const first = follow(['events']);
  await expect.poll(() => first.seen, { timeout: 15_000 }).toContain('hello 0.1.0');
  for (let n = 0; n < 20; n++) await append(n);
  await expect.poll(() => counts(first.facts).length, { timeout: 15_000 }).toBeGreaterThanOrEqual(20);
  await first.stop();
  for (let n = 20; n < 520; n += 50) await append(...Array.from({ length: 50 }, (_, i) => n + i));
  const second = follow(['events'], first.facts.at(-1)!.position);
  await expect.poll(() => counts(second.facts).length, { timeout: 15_000 }).toBe(500);
  await append(520);
  await expect.poll(() => counts(second.facts).at(-1), { timeout: 15_000 }).toBe(520);
  await second.stop();
  expect([...counts(first.facts), ...counts(second.facts)]).toEqual(Array.from({ length: 521 }, (_, n) => n));
  const positions = [...first.facts, ...second.facts].map((fact) => fact.position);
  expect(positions).toEqual(positions.map((_, at) => positions[0]! + at));
});

test(
  'a topic begins with a snapshot; what follows are differences that lead to what the route answers',
  patient,
  async () => {
    const live = follow(['hosts', 'doctor']);
    await expect.poll(() => live.seen, { timeout: 15_000 }).toContain('snapshot hosts');
    expect(live.states.get('hosts')).toEqual({ hosts: [], maintenances: [] });
    await joinHost('host-1');
    await expect.poll(() => live.seen, { timeout: 15_000 }).toContain('delta hosts');
    await joinHost('host-2');
    const ids = () => (live.states.get('hosts') as { hosts: { id: string }[] }).hosts.map((host) => host.id);
    await expect.poll(ids, { timeout: 15_000 }).toEqual(['host-1', 'host-2']);
    const { items } = await face.client().listHosts();
    const still = (hosts: readonly object[]) => hosts.map((host) => ({ ...host, silentForMs: 0 }));
    expect(still((live.states.get('hosts') as { hosts: object[] }).hosts)).toEqual(still(items));
    await live.stop();
  },
);

test('a topic that does not exist is told to be gone, and the others go on', patient, async () => {
  const live = follow(['rollout/ro_nothing', 'hosts']);
  await expect.poll(() => live.seen, { timeout: 15_000 }).toContain('gone rollout/ro_nothing');
  await expect.poll(() => live.seen, { timeout: 15_000 }).toContain('snapshot hosts');
  await live.stop();
});

test(
  'a reader that stops reading costs a bounded queue, and learns the newest state when it reads on',
  patient,
  async () => {
    const response = await face.send('/api/v1/live?topics=events', {
      headers: { authorization: `Bearer ${face.tokens.viewer}` },
    });
    const reader = response.body!.getReader();
    await reader.read();
    const long = 'x'.repeat(3000);
    for (let n = 0; n < 300; n += 30) {
      const events = Array.from({ length: 30 }, (_, i) => ({
        ...{ stream: 'server/long', type: 'test/long', actor: rollway('test') },
        data: { n: n + i, long },
      }));
      await face.house.engine.append({ events });
    }
    let last = -1;
    const decoder = new TextDecoder();
    const deadline = Date.now() + 20_000;
    while (last < 299 && Date.now() < deadline) {
      const { value } = await reader.read();
      for (const [, n] of decoder.decode(value).matchAll(/"n":(\d+)/g)) {
        expect(Number(n)).toBe(last + 1);
        last = Number(n);
      }
    }
    expect(last).toBe(299);
    await reader.cancel();
  },
);

test('a token that was taken away opens no stream', patient, async () => {
  const made = await face.client().createToken({ body: { name: 'leaver', role: 'viewer' } });
  const response = await face.send('/api/v1/live?topics=hosts', {
    headers: { authorization: `Bearer ${made.secret}` },
  });
  expect(response.status).toBe(200);
  await face.client().deleteToken({ params: { token: made.id } });
  await response.body?.cancel();
  expect(
    (await face.send('/api/v1/live?topics=hosts', { headers: { authorization: `Bearer ${made.secret}` } })).status,
  ).toBe(401);
});

test('too many topics and unknown ones are refused', patient, async () => {
  const ask = (topics: string) =>
    face.send(`/api/v1/live?topics=${topics}`, { headers: { authorization: `Bearer ${face.tokens.viewer}` } });
  expect((await ask('nonsense')).status).toBe(400);
  expect((await ask('')).status).toBe(400);
  expect((await ask(Array.from({ length: 30 }, (_, i) => `service/s${i}`).join(','))).status).toBe(400);
});

/** Through the same functions by which an agent joins. */
async function joinHost(host: string): Promise<void> {
  const { engine, clock } = face.house;
  const { join } = await import('../../fleet/work.ts');
  const nowMs = clock.nowMs();
  const secretHash = `hash-of-${host}`;
  const token = { id: `tok_${host}`, secretHash, createdBy: 'test', createdAtMs: nowMs, expiresAtMs: nowMs + 60_000 };
  await engine.append(joinTokenAddition(token, rollway('test')));
  const facts = { secretHash, host, publicKey: `key of ${host}`, version: '0.1.0' };
  await engine.commitAs({ kind: 'agent', host }, join(facts, nowMs));
}

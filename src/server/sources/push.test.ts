import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openTestFace, type TestFace } from '../../../test/server-face.ts';
import { newTask, noLimits } from '../../disruption/index.ts';
import { saveTask } from '../../disruption/rows.ts';
import { rollway } from '../../model/index.ts';
import { ensureJob } from '../../rollout/rows.ts';

type Body = string | Uint8Array<ArrayBuffer>;
const job = 'shop@production' as const;
let face: TestFace;
const tokens: Record<string, string> = {};

beforeAll(async () => {
  face = await openTestFace();
  const nowMs = face.house.clock.nowMs();
  await face.house.store.transaction(async (tx) => {
    await ensureJob(
      tx,
      {
        ...{ id: job, service: 'shop', environment: 'production', wantedSize: 2, budget: { count: 1 } },
        ...{ env: {}, hostLabels: {}, limits: noLimits, driver: 'fleet' },
      },
      nowMs,
    );
    for (const index of [0, 1]) {
      await saveTask(tx, job, {
        ...newTask(index),
        highestIncarnation: 4,
        servedOnce: true,
        current: {
          ...{
            incarnation: 4,
            life: 0,
            host: 'host-1',
            version: 'v_a',
            state: 'serving',
            ports: { http: 8000 + index },
          },
          ...{
            address: '10.0.0.1',
            sequence: 1,
            reportedAtMs: nowMs,
            servingSinceMs: nowMs - 60_000,
            failure: undefined,
          },
        },
      });
    }
  });
  for (const scope of ['', job, `${job}/1`]) {
    const made = await face.house.auth.createToken({
      ...{ name: 'pusher', role: 'push', scope: scope || undefined, createdBy: rollway('test') },
    });
    tokens[scope] = made.secret;
  }
});
afterAll(() => face.close());

const push = async (tasks: unknown, scope = '') => {
  const headers = { authorization: `Bearer ${tokens[scope]}`, 'content-type': 'application/json' };
  const response = await face.send('/api/v1/samples', { method: 'POST', headers, body: JSON.stringify({ tasks }) });
  return { status: response.status, json: (await response.json()) as Record<string, unknown> };
};
/** What the store has after the bins have closed; once, since it closes them ahead of time. */
const stored = async (metric: string) => {
  const { sources, samples, clock, settings } = face.house;
  const nowMs = clock.nowMs();
  await sources.collect(nowMs, AbortSignal.timeout(1000));
  await samples.tend(nowMs + 5 * settings.binMs);
  return samples.query({ job, metrics: [metric], fromMs: 0, toMs: Number.MAX_SAFE_INTEGER });
};

describe('metrics that are handed in', () => {
  test('are of the task that is named, with its version and host, and stand in the store', async () => {
    const points = [{ metric: 'orders', gauge: 7, labels: { shop: 'a' } }];
    expect(await push([{ task: { job, index: 0, incarnation: 4 }, points }])).toEqual({
      status: 200,
      json: { kept: 1, refused: 0, reasons: [] },
    });
    expect(await stored('orders')).toMatchObject([
      {
        index: 0,
        incarnation: 4,
        version: 'v_a',
        state: 'serving',
        labels: { shop: 'a', host: 'host-1' },
        value: { gauge: 7 },
      },
    ]);
  });

  test('that cannot be taken are counted, say why, and are findings', async () => {
    const answer = await push([
      { task: { job, index: 9 }, points: [{ metric: 'a', gauge: 1 }] },
      {
        task: { address: '10.0.0.1:8001' },
        points: [
          { metric: 'b', gauge: 1, atMs: 1 },
          { metric: 'b', gauge: 1 },
        ],
      },
    ]);
    expect(answer.json).toMatchObject({ kept: 1, refused: 2 });
    expect(answer.json.reasons).toEqual([
      expect.stringMatching(/shop@production\/9 .*no such task runs here/),
      expect.stringMatching(/its bin has closed/),
    ]);
    await face.house.sources.collect(face.house.clock.nowMs(), AbortSignal.timeout(1000));
    const { items } = await face.client('viewer').listFindings();
    expect(items.filter(({ kind }) => kind === 'metrics').map(({ subject }) => subject)).toContain(`metrics/${job}/9`);
  });

  test.each([
    ['nothing', []],
    ['two values at once', [{ task: { job, index: 0 }, points: [{ metric: 'a', gauge: 1, total: 2 }] }]],
    ['no value', [{ task: { job, index: 0 }, points: [{ metric: 'a' }] }]],
    ['a name that is none', [{ task: { job, index: 0 }, points: [{ metric: 'a b', gauge: 1 }] }]],
    [
      'fewer counts than bounds',
      [{ task: { job, index: 0 }, points: [{ metric: 'a', histogram: { bounds: [1], counts: [1], sum: 1 } }] }],
    ],
  ])('%s is refused by name of the field', async (_, tasks) => {
    expect((await push(tasks)).status).toBe(400);
  });

  test('a token speaks for its job or task only', async () => {
    const of = (index: number) => [{ task: { job, index }, points: [{ metric: 'mine', gauge: index }] }];
    expect((await push(of(0), job)).json).toMatchObject({ kept: 1 });
    expect((await push(of(1), `${job}/1`)).json).toMatchObject({ kept: 1 });
    expect((await push(of(0), `${job}/1`)).json).toMatchObject({ kept: 0, refused: 1 });
  });
});

describe('OTLP', () => {
  const send = (body: Body, headers: Record<string, string>, scope = '') =>
    face.send('/otlp/v1/metrics', {
      method: 'POST',
      headers: { authorization: `Bearer ${tokens[scope]}`, 'content-type': 'application/json', ...headers },
      body,
    });
  const gauge = (resource: object[]) => {
    const dataPoints = [{ asDouble: 3, timeUnixNano: String(face.house.clock.nowMs() * 1_000_000) }];
    const metrics = [{ name: 'queue.length', gauge: { dataPoints } }];
    return JSON.stringify({ resourceMetrics: [{ resource: { attributes: resource }, scopeMetrics: [{ metrics }] }] });
  };
  const attribute = (key: string, value: object) => ({ key, value });

  test('the resource names the task; packed bodies too', async () => {
    const body = gauge([attribute('rollway.job', { stringValue: job }), attribute('rollway.index', { intValue: '0' })]);
    const response = await send(gzipSync(body), { 'content-encoding': 'gzip' });
    expect([response.status, await response.json()]).toEqual([200, {}]);
    const { samples } = await face.house.sources.push.collect(0, AbortSignal.timeout(1000));
    expect(samples.filter(({ metric }) => metric === 'queue_length')).toMatchObject([
      { index: 0, value: { gauge: 3 } },
    ]);
  });

  test('the token of a task is enough; without either it is a partial success that says what to do', async () => {
    expect(await (await send(gauge([]), {}, `${job}/1`)).json()).toEqual({});
    expect(await (await send(gauge([]), {})).json()).toEqual({
      partialSuccess: {
        rejectedDataPoints: '1',
        errorMessage: expect.stringMatching(/set rollway.job and rollway.index/),
      },
    });
  });

  test.each([
    ['no token', { authorization: '' }, 'x', 401],
    ['another content type', { 'content-type': 'text/plain' }, 'x', 400],
    ['no JSON', {}, 'x', 400],
    ['no protobuf', { 'content-type': 'application/x-protobuf' }, 'xyz', 400],
    ['no gzip', { 'content-encoding': 'gzip' }, 'x', 400],
    ['a bomb', { 'content-encoding': 'gzip' }, gzipSync(Buffer.alloc(32 * 1024 * 1024)), 413],
    ['too much', {}, Buffer.alloc(5 * 1024 * 1024), 413],
  ] as [string, Record<string, string>, Body, number][])('%s is refused', async (_, headers, body, status) => {
    expect((await send(body, headers)).status).toBe(status);
    expect(face.errors).toEqual([]);
  });
});

describe('OTLP traces', () => {
  const send = (body: Body, headers: Record<string, string>, scope = '') =>
    face.send('/otlp/v1/traces', {
      method: 'POST',
      headers: { authorization: `Bearer ${tokens[scope]}`, 'content-type': 'application/json', ...headers },
      body,
    });
  const traceOf = (resource: object[], place = 1) => {
    const endMs = face.house.clock.nowMs() - 100;
    const times = (fromMs: number, toMs: number) => ({
      startTimeUnixNano: String((endMs + fromMs) * 1_000_000),
      endTimeUnixNano: String((endMs + toMs) * 1_000_000),
    });
    const traceId = place.toString(16).padStart(32, '0');
    const spans = [
      { traceId, spanId: '000000000000000A', parentSpanId: '', kind: 2, name: 'GET /', ...times(-20, 0) },
      {
        ...{
          traceId,
          spanId: '000000000000000b',
          parentSpanId: '000000000000000a',
          kind: 3,
          name: 'q',
          ...times(-15, -5),
        },
        attributes: [
          { key: 'db.system', value: { stringValue: 'redis' } },
          { key: 'x', value: { arrayValue: {} } },
        ],
      },
    ];
    return JSON.stringify({ resourceSpans: [{ resource: { attributes: resource }, scopeSpans: [{ spans }] }] });
  };
  const named = [
    { key: 'rollway.job', value: { stringValue: job } },
    { key: 'rollway.index', value: { intValue: '0' } },
    { key: 'rollway.incarnation', value: { intValue: 4 } },
  ];

  test('the task is named by the resource; what comes of them is what the judge discovers', async () => {
    const response = await send(gzipSync(traceOf(named)), { 'content-encoding': 'gzip' });
    expect([response.status, await response.json()]).toEqual([200, {}]);
    const { sources, samples, clock, settings } = face.house;
    // Until the others of a request have had their time to come; the store closes bins ahead of time.
    const edgeMs = clock.nowMs() + 5 * settings.binMs;
    const collected = await sources.spans.collect(edgeMs, AbortSignal.timeout(1000));
    samples.append(collected.samples, edgeMs);
    await samples.tend(edgeMs + 5 * settings.binMs);
    const found = samples.query({ job, metrics: ['rollway_span_seconds'], fromMs: 0, toMs: Number.MAX_SAFE_INTEGER });
    expect(found.map(({ index, version, labels }) => [index, version, labels.component]).sort()).toEqual([
      [0, 'v_a', 'redis'],
      [0, 'v_a', 'request'],
      [0, 'v_a', 'self'],
    ]);
  });

  test('a token of a task is enough, one for others is not, and the answer counts spans', async () => {
    expect(await (await send(traceOf([], 2), {}, `${job}/1`)).json()).toEqual({});
    expect(await (await send(traceOf(named, 3), {}, `${job}/1`)).json()).toEqual({
      partialSuccess: { rejectedSpans: '2', errorMessage: expect.stringMatching(/the token is for other tasks/) },
    });
    expect(await (await send(traceOf([], 4), {})).json()).toEqual({
      partialSuccess: { rejectedSpans: '2', errorMessage: expect.stringMatching(/set rollway.job and rollway.index/) },
    });
  });

  test.each([
    ['no token', { authorization: '' }, 'x', 401],
    ['another content type', { 'content-type': 'text/plain' }, 'x', 400],
    ['no JSON', {}, 'x', 400],
    ['no protobuf', { 'content-type': 'application/x-protobuf' }, 'xyz', 400],
    ['a bomb', { 'content-encoding': 'gzip' }, gzipSync(Buffer.alloc(32 * 1024 * 1024)), 413],
    ['too much', {}, Buffer.alloc(5 * 1024 * 1024), 413],
  ] as [string, Record<string, string>, Body, number][])('%s is refused', async (_, headers, body, status) => {
    expect((await send(body, headers)).status).toBe(status);
    expect(face.errors).toEqual([]);
  });
});

// Traces by the real OpenTelemetry SDK, from real processes under load: a version whose database became slower is
// undone, and the sentence, the command and the page's answer name the database.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { RolloutDetail } from '../../src/api/index.ts';
import { type Load, startLoad } from '../../src/cli/demo/load.ts';
import { checkPicture } from '../../src/cli/render/check-picture.ts';
import { createStyle } from '../../src/cli/render/style.ts';
import { type LocalFleet, makeRepository, openLocalFleet } from '../local-fleet.ts';
import { tracedServer } from './traced-service.ts';

let fleet: LocalFleet;
let load: Load | undefined;
beforeAll(async () => {
  fleet = await openLocalFleet(3);
});
afterAll(async () => {
  await load?.stop();
  await fleet.close();
});

const within = (timeoutMs: number) => ({ timeout: timeoutMs, interval: 250 });
let tries = 0;

test('ML-13 a version whose database became slower is undone, and the sentence names the database', async () => {
  const service = `traced-${++tries}`;
  const job = `${service}@production` as const;
  const tokenFile = join(fleet.folder, `${service}.token`);
  const { secret } = await fleet.client.createToken({ body: { name: `${service}-push`, role: 'push', scope: job } });
  writeFileSync(tokenFile, secret, { mode: 0o600 });
  const config = `name: ${service}
command: node server.js
ready: /healthz
metrics: /metrics
tasks: 6
budget: 2
drain: 600ms
secretFiles: { OTLP_TOKEN: ${tokenFile} }
phases: [2, all]
bake: { min: 10s, max: 25s }
onUndecided: proceed
judge: { bin: 1s, warmup: 3s }
`;
  const otlpUrl = `${fleet.server().url}/otlp/v1/traces`;
  const serverOf = (subject: string, databaseMs: number) => tracedServer({ subject, databaseMs, otlpUrl });
  const repository = makeRepository(join(fleet.folder, service));
  repository.commit({ 'rollway.yaml': config, 'server.js': serverOf('first', 6) }, 'First');
  await fleet.client.registerRepository({ body: { url: repository.folder } });
  await expect.poll(async () => (await rolloutOf(service, 'First'))?.state, within(120_000)).toBe('succeeded');
  load = startLoad({
    ...{ client: fleet.client, job, requestsPerSecond: 120, discoveryMs: 200, signal: new AbortController().signal },
  });

  const components = async () => {
    const { items } = await fleet.client.discoverChecks({ params: { service } });
    return [...(items[0]?.components ?? [])].sort();
  };
  await expect.poll(components, within(30_000)).toEqual(['http payments.example', 'postgresql select', 'self']);

  repository.commit({ 'server.js': serverOf('second', 12) }, 'Second asks more of the database');
  await expect
    .poll(async () => (await rolloutOf(service, 'Second asks more of the database'))?.state, within(150_000))
    .toMatch(/reverted|succeeded|held/);
  const bad = (await rolloutOf(service, 'Second asks more of the database'))!;
  expect(bad.state, JSON.stringify(bad.checks, null, 2)).toBe('reverted');
  expect(bad.failure).toMatch(
    /^p99 of the new tasks is .* In postgresql select: p99 \d+ % higher \([\d.]+ ms against [\d.]+ ms\), \d+ % of what traced requests take longer\./,
  );
  const latency = bad.checks.find(({ check }) => check === 'latency-p99' || check === 'latency')!;
  const [first] = latency.components;
  expect(first).toMatchObject({ component: 'postgresql select' });
  expect(first!.newMean / first!.oldMean).toBeGreaterThan(1.6);
  expect(first!.newMean / first!.oldMean).toBeLessThan(2.4);
  const drawn = checkPicture(latency, createStyle(false)).join('\n');
  expect(drawn).toMatch(/where traced requests spend their time, old → new\n {4}postgresql select /);
  const findings = (await fleet.client.listFindings()).items.filter(({ subject }) => subject.includes(service));
  expect(findings.filter(({ kind }) => kind === 'metrics')).toEqual([]);
}, 400_000);

async function rolloutOf(service: string, subject: string): Promise<RolloutDetail | undefined> {
  const { items } = await fleet.client.listRollouts({ query: { limit: 50 } });
  for (const { id, to } of items) {
    if (to?.subject !== subject) continue;
    const found = await fleet.client.getRollout({ params: { rollout: id } });
    if (found.service === service) return found;
  }
  return undefined;
}

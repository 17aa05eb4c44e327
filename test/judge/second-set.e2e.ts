// Blue/green with a judge: what only shows under real traffic is found after the switch, while going back is one.
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type LocalFleet, makeRepository, openLocalFleet } from '../local-fleet.ts';

const config = `name: shop
command: node server.js
ready: /healthz
metrics: /metrics
tasks: 3
budget: 0
drain: 300ms
strategy: { blueGreen: { check: 2s, keepOld: 25s } }
bake: { min: 1s, max: 25s }
judge: { bin: 1s, warmup: 1s }
checks: { latency: false }
watch: 0s
pipeline: manual
`;
/** Answers so many of a hundred requests with an error; its health is fine all the time. */
const server = (word: string, failing: number): string => `
const { createServer } = require('node:http');
const count = { 200: 0, 500: 0 };
createServer((request, response) => {
  if (request.url === '/healthz') return response.end('ok');
  if (request.url === '/metrics')
    return response.end('# TYPE http_requests_total counter\\n' +
      Object.entries(count).map(([code, n]) => 'http_requests_total{code="' + code + '"} ' + n + '\\n').join(''));
  const code = (count[200] + count[500]) % 100 < ${failing} ? 500 : 200;
  count[code] += 1;
  response.statusCode = code;
  response.end('${word}');
}).listen(process.env.PORT, process.env.HOST);
`;
const params = { job: 'shop@production' } as const;
const within = (timeout: number) => ({ timeout, interval: 100 });

let fleet: LocalFleet;
let origin: ReturnType<typeof makeRepository>;
const answers: string[] = [];
let isOpen = true;
let stream: Promise<void> | undefined;

beforeAll(async () => {
  fleet = await openLocalFleet(3);
  origin = makeRepository(join(fleet.folder, 'shop'));
});
afterAll(async () => {
  isOpen = false;
  await stream;
  await fleet.close();
});

/** A client that asks who serves, and sends some requests to each. */
async function ask(): Promise<void> {
  while (isOpen) {
    const { endpoints } = await fleet.client.listEndpoints({ params });
    const sent = endpoints.flatMap(({ address, ports }) =>
      Array.from({ length: 5 }, async () => {
        const answer = await fetch(`http://${address}:${Object.values(ports)[0]}/`);
        return `${answer.status} ${await answer.text()}`;
      }),
    );
    for (const one of await Promise.allSettled(sent)) answers.push(one.status === 'fulfilled' ? one.value : 'broken');
  }
}

async function deploy(commit: string): Promise<`ro_${string}`> {
  const { id } = await fleet.client.deploy({ params: { service: 'shop' }, body: { commit } });
  let found: string | null | undefined;
  const isMade = async () => {
    const { runs } = await fleet.client.getRelease({ params: { release: id } });
    found = runs.find((run) => run.rollout)?.rollout;
    return found;
  };
  await expect.poll(isMade, within(60_000)).toBeTruthy();
  return found as `ro_${string}`;
}
const rolloutOf = (rollout: `ro_${string}`) => fleet.client.getRollout({ params: { rollout } });
const incarnations = async () =>
  (await fleet.client.getJob({ params })).tasks.filter(({ index }) => index < 3).map(({ incarnation }) => incarnation);

test('H2 D6 what fails only under traffic is found after the switch, and going back starts nothing', async () => {
  const commit = origin.commit({ 'rollway.yaml': config, 'server.js': server('one', 0) }, 'One');
  await fleet.client.registerRepository({ body: { url: origin.folder } });
  await expect.poll(async () => (await fleet.client.listServices()).items.length, within(60_000)).toBe(1);
  const first = await deploy(commit);
  await expect.poll(async () => (await rolloutOf(first)).state, within(90_000)).toBe('succeeded');
  stream = ask();
  await expect.poll(() => answers.length, within(60_000)).toBeGreaterThan(3000);

  const before = await incarnations();
  const bad = await deploy(origin.commit({ 'server.js': server('two', 30) }, 'Two'));
  await expect.poll(async () => (await rolloutOf(bad)).state, within(120_000)).toBe('reverted');
  const { failure } = await rolloutOf(bad);
  expect(failure).toMatch(/^\d+ % of the requests to new tasks failed, none of those to old tasks/);
  await expect.poll(() => answers.slice(-30).every((one) => one === '200 one'), within(20_000)).toBe(true);
  expect(await incarnations()).toEqual(before);
  // Only the faulty version failed anybody.
  expect(new Set(answers)).toEqual(new Set(['200 one', '200 two', '500 two']));
  await expect.poll(async () => (await fleet.client.listMarks()).items.length, within(20_000)).toBe(1);
}, 400_000);

test('a version that is no worse goes through, and the switch stays', async () => {
  const commits = await fleet.client.listMarks();
  const [candidate] = commits.items[0]!.candidates;
  const good = await deploy(
    origin.commit({ 'server.js': server('three', 0) }, `Three\n\nRollway-Fixes: ${candidate!.id}`),
  );
  await expect.poll(async () => (await rolloutOf(good)).state, within(120_000)).toBe('succeeded');
  await expect.poll(() => answers.slice(-30).every((one) => one === '200 three'), within(20_000)).toBe(true);
}, 240_000);

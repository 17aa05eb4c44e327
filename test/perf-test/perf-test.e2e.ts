// A build is measured beside the one that is deployed, on a host of the fleet, before it is deployed itself.
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type LocalFleet, makeRepository, openLocalFleet } from '../local-fleet.ts';

// What is counted is printed, so that the verdict does not hang on what else this machine does.
const config = (command: string) => `name: sums
command: node server.js
ready: /healthz
tasks: 1
drain: 100ms
phases: [all]
bake: 500ms
pipeline:
  actions:
    - { name: build, type: build }
    - { name: perf, type: perf-test, command: "${command}", measure: { output: steps }, pairs: { max: 12 } }
    - { name: deploy-production, type: deploy, environment: production }
`;
const server = `
const { createServer } = require('node:http');
createServer((request, response) => response.end('ok')).listen(process.env.PORT, process.env.HOST);
`;
/** Sorts numbers by a method that takes so many steps, some more or less by chance. */
const bench = (steps: number) => `
console.log('steps ' + Math.round(${steps} * (0.999 + Math.random() * 0.002)));
`;

let fleet: LocalFleet;
let repository: ReturnType<typeof makeRepository>;
const within = { timeout: 90_000, interval: 200 };

beforeAll(async () => {
  fleet = await openLocalFleet(2);
  repository = makeRepository(join(fleet.folder, 'sums'));
  const files = { 'rollway.yaml': config('node bench.js'), 'server.js': server, 'bench.js': bench(1_000_000) };
  repository.commit(files, 'One');
  await fleet.client.registerRepository({ body: { url: repository.folder } });
});
afterAll(() => fleet.close());

async function released(subject: string) {
  const { items } = await fleet.client.listReleases({ params: { service: 'sums' } });
  const found = items.find((one) => one.subject === subject);
  return found && (await fleet.client.getRelease({ params: { release: found.id } }));
}
async function ended(subject: string) {
  await expect.poll(async () => (await released(subject))?.state, within).toMatch(/succeeded|failed/);
  const release = (await released(subject))!;
  return { state: release.state, run: release.runs.findLast(({ action }) => action === 'perf')! };
}

test('T1 the first release has nothing to be measured beside, and says so', async () => {
  const { state, run } = await ended('One');
  expect(state).toBe('succeeded');
  expect(run.reason).toContain('Nothing is deployed to production yet');
});

test('T1 the same speed passes after a few pairs', async () => {
  repository.commit({ 'README.md': 'the same speed' }, 'Two');
  const { state, run } = await ended('Two');
  expect(run.reason).toMatch(/surely less than 2\.0 % worse/);
  expect(state).toBe('succeeded');
});

test('T1 2 % more steps are found, and the build is not deployed', async () => {
  repository.commit({ 'bench.js': bench(1_020_000) }, 'Three');
  const { state, run } = await ended('Three');
  expect(run.reason).toMatch(/takes (1\.9|2\.0|2\.1) % more than the old one .*surely more than/);
  expect(state).toBe('failed');
  const holder = await released('Two');
  expect(holder!.state).toBe('succeeded');
});

test('T1 a command that fails fails the action with its own words', async () => {
  repository.commit({ 'rollway.yaml': config('node nowhere.js') }, 'Four');
  const { state, run } = await ended('Four');
  expect(state).toBe('failed');
  expect(run.reason).toMatch(/The (old|new) build: node nowhere\.js: it ended with code 1/);
});

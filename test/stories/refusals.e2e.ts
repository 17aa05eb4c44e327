// Bad input gets a clear word: which file, line or field, what to do; and nothing is lost or half-done.

import { once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { MarkSummary, ReleaseSummary, RolloutSummary } from '../../src/api/index.ts';
import { makeRepository } from '../local-fleet.ts';
import { type Installation, openInstallation } from './installation.ts';

const good = `name: fussy
command: node server.js
ready: { http: /, within: 3s }
drain: 200ms
bake: 1s
phases: [1, all]
tasks: 2
pipeline: manual
`;
const server = (status: number) => `
console.error('the database does not answer');
require('node:http').createServer((request, response) => { response.statusCode = ${status}; response.end('I am ${status}'); })
  .listen(process.env.PORT, process.env.HOST);
`;

let place: Installation;
let repository: ReturnType<typeof makeRepository>;

beforeAll(async () => {
  place = await openInstallation({ hosts: ['host-1'], net: 36 });
  repository = makeRepository(join(place.folder, 'fussy'));
});
afterAll(() => place?.close());

/** Ends with this exit code; everything it said. */
async function ends(code: number, words: readonly string[], cwd = repository.folder): Promise<string> {
  const answer = await place.rollway(words, { cwd, timeoutMs: 120_000 });
  expect(answer.code, `rollway ${words.join(' ')}\n${answer.out}${answer.err}`).toBe(code);
  expect(answer.err, 'never a stack trace').not.toMatch(/^\s+at .*\(.*:\d+:\d+\)/m);
  return answer.out + answer.err;
}
const config = (text: string, message: string) => repository.commit({ 'rollway.yaml': text }, message);
const releases = () => place.json<ReleaseSummary[]>(['releases'], { cwd: repository.folder });
const rollouts = () => place.json<RolloutSummary[]>(['rollout', 'list'], { cwd: repository.folder });

async function isServed(): Promise<boolean> {
  const { endpoints } = await place.client().listEndpoints({ params: { job: 'fussy@production' } });
  const all = await Promise.all(endpoints.map(({ address, ports }) => fetch(`http://${address}:${ports.http}/`)));
  return all.length === 2 && all.every((response) => response.status === 200);
}

describe('before anything runs', { retry: 0 }, () => {
  test('a repository whose first configuration is wrong: place and suggestion, and no service', async () => {
    repository.commit({ 'rollway.yaml': good.replace('bake:', 'bakke:'), 'server.js': server(200) }, 'Misspelt');
    expect(await ends(1, ['deploy'])).toMatch(/rollway\.yaml:5.*bakke[\s\S]*bake/);
    expect(await ends(1, ['lint'])).toMatch(/rollway\.yaml:5.*bakke[\s\S]*bake/);
    expect(await place.json(['status'])).toEqual([]);
    config(good, 'Right');
    await ends(0, ['deploy']);
    expect(await isServed()).toBe(true);
  });
});

describe('a service that runs is left alone by', { retry: 0 }, () => {
  test.for([
    ['an invalid field', good.replace('tasks: 2', 'tasks: lots'), /rollway\.yaml:7.*tasks/],
    ['an unknown artifact', withActions('inputs: [nothing]'), /nothing/],
    ['a cycle', withActions('needs: [after]'), /cycle|first.*after|after.*first/i],
    ['a missing action', withActions('needs: [nobody]'), /nobody/],
    ['broken YAML', `${good}env: {`, /rollway\.yaml:\d+/],
  ] as const)('%s', async ([what, text, says]) => {
    const before = await rollouts();
    config(text, what);
    expect(await ends(3, ['deploy'])).toMatch(says);
    expect(await ends(1, ['lint'])).toMatch(says);
    expect(await rollouts()).toEqual(before);
    expect(await isServed()).toBe(true);
  });

  test('a build that fails, and says why', async () => {
    config(`${good}build: ["node -e \\"console.log('no such header'); process.exit(3)\\""]\n`, 'Fails to build');
    expect(await ends(3, ['deploy'])).toMatch(/exit code 3[\s\S]*no such header/);
    const [failed] = await releases();
    expect(await ends(0, ['logs', failed!.id])).toContain('no such header');
    expect(await ends(0, ['explain', failed!.id])).toContain('build');
    expect(await isServed()).toBe(true);
  });

  test('a build that never ends', async () => {
    config(`${good}build: { commands: ['node -e "setInterval(()=>{},1e9)"'], timeout: 2s }\n`, 'Builds for ever');
    expect(await ends(3, ['deploy'])).toMatch(/was stopped: the action may take 2 s in all/);
    expect(await isServed()).toBe(true);
  });

  test('a version that never becomes ready: a failure card, its tasks go back, the commit is marked', async () => {
    // Only what the running version did not have is suspected: the commits since the last good one.
    config(good, 'Good again');
    await ends(0, ['deploy']);
    const bad = repository.commit({ 'server.js': server(503) }, 'Never ready');
    const said = await ends(3, ['deploy']);
    for (const part of [/GET .*\//, /503/, /I am 503|503/, /the database does not answer/, /marked: mark_/]) {
      expect(said).toMatch(part);
    }
    expect(await ends(0, ['rollout', 'show'])).toContain('the database does not answer');
    expect(await isServed()).toBe(true);
    const marks = await place.json<MarkSummary[]>(['marks']);
    expect(marks.map(({ candidates }) => candidates.map(({ id }) => id))).toEqual([[bad]]);
  });
});

describe('what does not exist, or may not be', { retry: 0 }, () => {
  test('an unknown commit, release, rollout, service, context', async () => {
    expect(await ends(1, ['deploy', 'f'.repeat(40)])).toMatch(/no such commit|ffffffff/);
    expect(await ends(1, ['deploy', 'no-such-branch'])).toMatch(/no-such-branch/);
    expect(await ends(1, ['explain', 'rel_00000000'])).toContain('no such release');
    expect(await ends(1, ['rollout', 'show', 'ro_00000000'])).toContain('no such rollout');
    expect(await ends(1, ['releases', '--service', 'nobody'])).toContain('no such service');
    expect(await ends(1, ['status', '--context', 'mars'])).toContain('mars');
  });

  test('a wrong token, a token file that cannot be read, a server that is not there', async () => {
    const file = join(place.folder, 'token');
    writeFileSync(file, 'rwt_wrong');
    expect(await ends(1, ['status', '--token-file', file])).toMatch(/token/i);
    expect(await ends(1, ['status', '--token-file', join(place.folder, 'none')])).toContain('none');
    expect(await ends(1, ['status', '--server', 'http://127.0.0.1:9'])).toMatch(/127\.0\.0\.1:9/);
    const answer = await place.rollway(['status', '--token-file', file, '-o', 'json']);
    expect(JSON.parse(answer.err)).toMatchObject({ problem: { status: 401 } });
  });

  test('a port in use, a data folder in use, one that is no folder', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as { port: number };
    const data = join(place.folder, 'second');
    const args = (folder: string, at: number) => [
      'server',
      '--data',
      folder,
      '--port',
      String(at),
      '--agent-port',
      '0',
    ];
    expect(await ends(1, args(data, port), place.folder)).toMatch(
      new RegExp(`port is in use[\\s\\S]*${port}[\\s\\S]*--port`),
    );
    other.close();
    expect(await ends(1, args(join(place.folder, 'server'), 0), place.folder)).toMatch(/Another Rollway server/);
    const plain = join(place.folder, 'plain');
    writeFileSync(plain, '');
    expect(await ends(1, args(plain, 0), place.folder)).toMatch(/data folder cannot be used[\s\S]*plain/);
    // Where nobody may write, root neither; in the second each answer is "no such folder".
    for (const closed of ['/sys/rollway-data', '/proc/rollway-data/inside']) {
      expect(await ends(1, args(closed, 0), place.folder)).toMatch(/data folder cannot be used[\s\S]*rollway-data/);
      const agent = ['agent', '--data', closed, '--join', join(place.folder, 'host-1.join')];
      expect(await ends(1, agent, place.folder)).toMatch(/data folder cannot be used[\s\S]*rollway-data/);
    }
    // A file that was damaged, or that this user may not read, is named, and left as it is.
    const damaged = join(place.folder, 'damaged');
    mkdirSync(damaged);
    writeFileSync(join(damaged, 'rollway.db'), 'this is not a database, it only stands where one should be');
    expect(await ends(1, args(damaged, 0), place.folder)).toMatch(/rollway\.db/);
    expect(readFileSync(join(damaged, 'rollway.db'), 'utf8')).toMatch(/^this is not/);
  });

  test('an agent with a used, a wrong or no token; a folder that another agent uses', async () => {
    const used = join(place.folder, 'host-1.join');
    const agent = (name: string, ...more: string[]) => [
      'agent',
      '--data',
      join(place.folder, name),
      '--name',
      name,
      ...more,
    ];
    expect(await ends(1, agent('late', '--join', used))).toMatch(/token is wrong, used or expired/);
    const forged = join(place.folder, 'forged.join');
    const token = JSON.parse(readFileSync(used, 'utf8')) as { fingerprint: string };
    writeFileSync(forged, JSON.stringify({ ...token, fingerprint: 'a'.repeat(64) }));
    expect(await ends(1, agent('forged', '--join', forged))).toMatch(/fingerprint|certificate/i);
    expect(await ends(1, agent('nobody'))).toMatch(/--join|token/);
    expect(await ends(1, agent('host-1'))).toMatch(/in use|another agent/i);
  });
});

/** A pipeline with one action that is wrong. */
function withActions(wrong: string): string {
  return good.replace(
    'pipeline: manual\n',
    `pipeline:
  mode: manual
  actions:
    - { type: build, name: build }
    - { type: run, name: first, commands: ['true'], ${wrong} }
    - { type: run, name: after, commands: ['true'], needs: [first] }
    - { type: deploy, name: deploy-production, environment: production, needs: [build] }
`,
  );
}

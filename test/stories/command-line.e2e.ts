// A person at a terminal, from an empty folder on: every verb, for people and as JSON, with its exit code.
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { PlanView, ReleaseSummary, RolloutDetail, RolloutSummary } from '../../src/api/index.ts';
import { makeRepository } from '../local-fleet.ts';
import { type Answer, type Installation, openInstallation, until } from './installation.ts';

const service = (answer: string) => `
console.log('I answer ${answer}');
require('node:http').createServer((request, response) => response.end('${answer}'))
  .listen(process.env.PORT, process.env.HOST);
`;
const quick =
  "pipeline: 'manual', ready: '/', drain: '200ms', bake: '1s', phases: [1, 'all'], environments: { production: { tasks: 3 } },";

let place: Installation;
let folder: string;
let repository: ReturnType<typeof makeRepository>;

beforeAll(async () => {
  place = await openInstallation({ hosts: ['host-1', 'host-2'], net: 32 });
  folder = join(place.folder, 'hello');
  mkdirSync(folder);
});
afterAll(() => place?.close());

const here = (...words: string[]): Promise<Answer> => place.rollway(words, { cwd: folder, timeoutMs: 120_000 });
const json = <T>(...words: string[]): Promise<T> => place.json<T>(words, { cwd: folder });
/** Says what was printed when the exit code is another one. */
async function ends(code: number, ...words: string[]): Promise<string> {
  const answer = await here(...words);
  expect(answer.code, `rollway ${words.join(' ')}\n${answer.out}${answer.err}`).toBe(code);
  return answer.out + answer.err;
}
const commit = (answer: string) => repository.commit({ 'server.js': service(answer) }, answer);
const newest = async (): Promise<ReleaseSummary> => (await json<ReleaseSummary[]>('releases', '--limit', '1'))[0]!;
const rolloutNow = () => json<RolloutDetail>('rollout', 'show');

async function answers(job = 'hello@production'): Promise<string[]> {
  const { endpoints } = await place.client().listEndpoints({ params: { job: job as 'hello@production' } });
  return Promise.all(
    endpoints.map(async ({ address, ports }) => (await fetch(`http://${address}:${ports.http}/`)).text()),
  );
}

describe('a new user in an empty folder', { retry: 0 }, () => {
  test('is told what is missing', async () => {
    expect(await ends(1, 'init')).toMatch(/not a Git repository[\s\S]*git init/);
    expect(await ends(1, 'deploy')).toContain('git init');
    expect(await ends(2, 'deplooy')).toContain('deploy');
    expect(await ends(1, 'explain')).toMatch(/Nothing has been deployed yet[\s\S]*rollway init/);
    expect(await ends(0, 'status')).toContain('rollway deploy');
    expect(await ends(0, '--help')).toContain('rollback');
  });

  test('gets a configuration of at most ten lines that the linter accepts', async () => {
    repository = makeRepository(folder);
    writeFileSync(join(folder, 'package.json'), '{ "name": "hello", "scripts": { "start": "node server.js" } }\n');
    writeFileSync(join(folder, 'server.js'), service('one'));
    expect(await ends(0, 'init')).toContain('rollway.config.ts');
    const file = join(folder, 'rollway.config.ts');
    const lines = readFileSync(file, 'utf8').split('\n');
    expect(lines.filter((line) => /\w/.test(line) && !/^\s*(\/\/|import)/.test(line)).length).toBeLessThanOrEqual(10);
    expect(await ends(1, 'init')).toContain('There is a configuration already');
    expect(await ends(0, 'lint')).toContain('hello, production (3 tasks)');
    expect(await ends(0, 'explain', 'config')).toMatch(/environments\.production\.tasks = 3 .*rollway\.config\.ts/);
    // The defaults take minutes; a test has seconds.
    writeFileSync(file, lines.map((line) => (line.includes('environments:') ? `  ${quick}` : line)).join('\n'));
  });

  test('cannot deploy what is not committed', async () => {
    expect(await ends(1, 'deploy')).toMatch(/not committed: package\.json, rollway\.config\.ts, server\.js/);
    expect(existsSync(file('.git/rollway'))).toBe(false);
  });

  test('deploys: exit 0, and it runs', async () => {
    repository.commit({}, 'one');
    const said = await ends(0, 'deploy');
    expect(said).toContain('basic checks only');
    expect(await answers()).toEqual(['one', 'one', 'one']);
  });

  test('looks at everything, for people and as JSON', async () => {
    const release = await newest();
    const [rollout] = await json<RolloutSummary[]>('rollout', 'list');
    const { runs } = await place.client().getRelease({ params: { release: release.id } });
    const looks = [
      ['status'],
      ['releases'],
      ['rollout', 'list'],
      ['rollout', 'show'],
      ['rollout', 'show', rollout!.id],
      ['logs', 'hello@production/0'],
      ['logs', release.id],
      ['logs', runs[0]!.id],
      ['explain'],
      ['explain', 'hello'],
      ['explain', release.id],
      ['explain', rollout!.id],
      ['explain', 'hello@production'],
      ['plan'],
      ['marks'],
      ['marks', '--carriers'],
      ['hosts'],
      ['doctor'],
      ['work', 'list'],
      ['explain', 'config'],
      ['lint'],
    ];
    for (const words of looks) {
      const [said, parsed] = await Promise.all([ends(0, ...words), json(...words)]);
      if (words[0] !== 'logs' || words[1] === 'hello@production/0') expect(said, words.join(' ')).toMatch(/\w/);
      expect(parsed, words.join(' ')).toBeTypeOf('object');
    }
    expect(await ends(0, 'logs', 'hello@production/2')).toContain('I answer one');
    expect(await ends(0, 'events', '-n', '5')).toMatch(/new version/);
    const lines = (await here('events', '-n', '5', '-o', 'json')).out.trim().split('\n');
    expect(lines.map((line) => JSON.parse(line).type)).toHaveLength(5);
    expect(await ends(0, 'explain', release.id)).toContain('succeeded');
  });
});

describe('a rollout is steered', { retry: 0 }, () => {
  test('plan names a hash; a deploy by an outdated plan is refused', async () => {
    const stale = await json<PlanView>('plan');
    commit('two');
    // What is checked out here, as deploy takes it, also when the server has not heard of it.
    const plan = await json<PlanView>('plan');
    expect(plan.commit).toBe(repository.git('rev-parse', 'HEAD').trim());
    expect(plan.hash).not.toBe(stale.hash);
    expect(await ends(1, 'deploy', '--plan', stale.hash)).toMatch(/plan is out of date[\s\S]*rollway plan/);
    expect(await ends(4, 'deploy', '--plan', plan.hash, '--hold-after', plan.phases[0]!.name)).toContain('held');
    const held = await rolloutNow();
    expect(held.state).toBe('held');
    expect(held.phases.map(({ members }) => members)[0]).toEqual(plan.phases[0]!.members);
    expect((await answers()).sort()).toEqual(['one', 'one', 'two']);
  });

  test('resume lets it go on', async () => {
    await ends(0, 'resume', '--reason', 'looks good');
    await ends(0, 'rollout', 'show', '--watch');
    expect(await answers()).toEqual(['two', 'two', 'two']);
  });

  test('Ctrl-C on deploy only detaches; pause needs a reason, holds, and resume ends it', async () => {
    commit('three');
    const watching = place.begin(['deploy'], { cwd: folder });
    await watching.whenSaid(/hello@production/);
    watching.child.kill('SIGINT');
    expect((await watching.ended).out).toContain('the release goes on');
    expect(await ends(1, 'pause')).toMatch(/needs a reason[\s\S]*--reason/);
    await ends(0, 'pause', '--reason', 'lunch');
    const held = await rolloutNow();
    expect(held).toMatchObject({ state: 'held', hold: { reason: expect.stringContaining('lunch') } });
    expect(await ends(0, 'explain', held.id)).toContain('lunch');
    await ends(0, 'resume');
    await until(async () => (await newest()).state === 'succeeded', 'the release goes on');
    expect(await answers()).toEqual(['three', 'three', 'three']);
    expect(await ends(1, 'pause', '--reason', 'late')).toContain('No rollout is under way');
  });

  test('rollback goes to the version before, and holds the newer change until unhold', async () => {
    expect(await ends(1, 'rollback')).toContain('needs a reason');
    await ends(0, 'rollback', '--reason', 'three is not nice');
    await ends(0, 'rollout', 'show', '--watch');
    expect(await answers()).toEqual(['two', 'two', 'two']);
    await ends(0, 'unhold', '--reason', 'it was nice after all');
  });

  test('an older release never overwrites a newer one', async () => {
    commit('four');
    await ends(0, 'deploy');
    const refused = await here('deploy', 'HEAD~1');
    expect(refused.code, refused.out + refused.err).not.toBe(0);
    expect(refused.out + refused.err).toMatch(/newer|overtaken|superseded/i);
    expect(await answers()).toEqual(['four', 'four', 'four']);
  });
});

describe('marks', { retry: 0 }, () => {
  test('a person marks a commit: what contains it is blocked, until the mark is cleared', async () => {
    const bad = commit('five');
    expect(await ends(1, 'mark', 'add', bad)).toContain('needs a reason');
    await ends(0, 'mark', 'add', bad, '--reason', 'eats the data');
    const [mark] = await json<{ id: string }[]>('marks');
    expect(await ends(0, 'marks')).toContain(bad.slice(0, 8));
    const blocked = await here('deploy');
    expect([3, 4], blocked.out + blocked.err).toContain(blocked.code);
    expect(blocked.out).toMatch(/mark/);
    expect(await answers()).toEqual(['four', 'four', 'four']);
    expect(await ends(0, 'mark', 'show', mark!.id)).toContain('eats the data');
    await ends(0, 'mark', 'clear', mark!.id, '--reason', 'it was the test');
    await until(async () => (await answers()).join() === 'five,five,five', 'what was blocked goes on');
  });
});

describe('from other places', { retry: 0 }, () => {
  test('a commit that the server’s remote lacks is uploaded as a bundle', async () => {
    const clone = join(place.folder, 'clone');
    repository.git('clone', '--quiet', folder, clone);
    const other = makeRepository(clone);
    const id = other.commit({ 'server.js': service('from the clone') }, 'Not pushed');
    const answer = await place.rollway(['deploy'], { cwd: clone, timeoutMs: 120_000 });
    expect(answer.code, answer.out + answer.err).toBe(0);
    expect(answer.out).toMatch(/Uploading \d+ kB/);
    expect((await newest()).commit).toBe(id);
    expect((await answers())[0]).toBe('from the clone');
    rmSync(clone, { recursive: true });
  });

  test('one service in two environments: production follows staging', async () => {
    const two = join(place.folder, 'pair');
    const pair = makeRepository(two);
    const config = `name: pair\ncommand: node server.js\nready: /\ndrain: 200ms\nbake: 1s\nphases: [all]
environments: { staging: 1, production: { tasks: 2, after: staging } }\n`;
    pair.commit({ 'rollway.yaml': config, 'server.js': service('pair') }, 'Pair');
    const answer = await place.rollway(['deploy'], { cwd: two, timeoutMs: 120_000 });
    expect(answer.code, answer.out + answer.err).toBe(0);
    expect(await answers('pair@staging')).toEqual(['pair']);
    expect(await answers('pair@production')).toEqual(['pair', 'pair']);
    const rollouts = await json<RolloutSummary[]>('rollout', 'list', '--service', 'pair');
    expect(rollouts.map(({ environment }) => environment)).toEqual(['production', 'staging']);
    const unclear = await place.rollway(['rollback', '--reason', 'x'], { cwd: two });
    expect(unclear.err).toMatch(/staging, production|production, staging/);
    expect(unclear).toMatchObject({ code: 1 });
  });
});

function file(name: string): string {
  return join(folder, name);
}

describe('people', { retry: 0 }, () => {
  const file = () => join(folder, 'rollway-ada.token');

  test('a token for somebody who only looks: made into a file, listed without its secret, audited, revoked', async () => {
    const made = await here('token', 'create', '--name', 'ada', '--expires', '1h');
    expect(made.code, made.err).toBe(0);
    const secret = readFileSync(file(), 'utf8').trim();
    expect(statSync(file()).mode & 0o777).toBe(0o600);
    expect(made.out + made.err).not.toContain(secret);
    expect(await ends(1, 'token', 'create', '--name', 'ada')).toContain('is there already');
    expect(await ends(0, 'status', '--token-file', file())).toContain('hello');
    expect(await ends(1, 'token', 'list', '--token-file', file())).toMatch(/role/);
    const listed = (await here('token', 'list')).out;
    expect(listed).toMatch(/ada +viewer/);
    expect(listed).not.toContain(secret);
    const audit = await ends(0, 'audit');
    expect(audit).toMatch(/token/i);
    expect(audit).not.toContain(secret);
    await ends(0, 'token', 'revoke', 'ada');
    expect((await here('status', '--token-file', file())).code).toBe(1);
    rmSync(file());
  });
});

describe('the server is started again', { retry: 0 }, () => {
  test('a deploy that is watched goes on, and so does the watch', async () => {
    commit('six');
    const watching = place.begin(['deploy'], { cwd: folder });
    await watching.whenSaid(/hello@production/);
    await place.stop(place.server());
    await watching.whenSaid(/does not answer; what it does goes on there/);
    await place.startServer();
    const { code, out, err } = await watching.ended;
    expect(code, out + err).toBe(0);
    expect(out).toContain('answers again');
    expect(await answers()).toEqual(['six', 'six', 'six']);
  });
});

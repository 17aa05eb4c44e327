import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { CommitGraphs } from '../blame/index.ts';
import { carriersAmong, findMarkOutcome, listLiveMarks, recordMarkRequest } from '../blame/rows.ts';
import { blameWork, markKind } from '../blame/work.ts';
import { createEngine, type Engine, type Hooks } from '../engine/index.ts';
import { insertHost, updateHostFacts, updateHostState } from '../fleet/rows.ts';
import { seededChance, sha256 } from '../kit/index.ts';
import {
  type Actor,
  type CommitId,
  type HostId,
  type JobId,
  jobId,
  type MarkId,
  problem,
  type Rollout,
  type RolloutId,
  type ServiceSpec,
  type VersionId,
} from '../model/index.ts';
import { findJob, insertRollout, listRollouts, saveRollout, updateJobInForce } from '../rollout/rows.ts';
import { compileSpec } from '../spec/index.ts';
import { openStore, type Store } from '../store/index.ts';
import { type ActionOrder, type MemoryGit, openMemoryGit, type ReleaseFacts } from './index.ts';
import * as rows from './rows.ts';
import { decideKind, nameRelease, pipelineWork, readRepository, registerRepository } from './work.ts';

const ada: Actor = { kind: 'person', name: 'ada' };
const everyTime = { picker: 'every' };

function specOf(config: object = {}): ServiceSpec {
  const whole = {
    name: 'shop',
    command: 'node server.js',
    ready: { running: '1s' },
    build: 'make',
    test: 'make test',
    environments: { production: { tasks: 4 } },
    ...config,
  };
  const compiled = compileSpec(whole, 'rollway.config.ts');
  if (!compiled.ok) throw new Error(JSON.stringify(compiled.error));
  return compiled.value.spec;
}

/** A control plane of this area alone: real engine and store; Git, agents and jobs do what the test says. */
class Plane {
  readonly git: MemoryGit;
  readonly graphs: CommitGraphs = new Map();
  readonly orders: { host: HostId; order: ActionOrder }[] = [];
  readonly cancels: string[] = [];
  readonly chance = seededChance(1);
  readonly store: Store;
  readonly engine: Engine;
  nowMs = 1_000_000;

  constructor(store: Store, hooks: Hooks = {}) {
    this.store = store;
    const clock = { nowMs: () => this.nowMs, sleepUntil: () => Promise.reject(new Error('nobody sleeps here')) };
    this.git = openMemoryGit(clock.nowMs);
    this.engine = createEngine({ store, clock, chance: this.chance, processId: 'p1', hooks });
    const runner = {
      run: async (host: HostId, order: ActionOrder) => void this.orders.push({ host, order }),
      cancel: async (_host: HostId, run: string) => void this.cancels.push(run),
    };
    const world = { git: this.git, config: this.git.config, packer: this.git, runner, graphs: this.graphs };
    const { work, effects } = pipelineWork(world, clock.nowMs);
    for (const kind of [...work, ...blameWork({ graphs: this.graphs })]) this.engine.registerWork(kind);
    for (const kind of effects) this.engine.registerEffect(kind);
    // The jobs' own work is not part of this plane: the test moves rollouts.
    this.engine.registerWork({ kind: 'job/decide', run: async () => undefined });
  }

  async addHosts(count: number): Promise<void> {
    await this.store.transaction(async (tx) => {
      for (let n = 1; n <= count; n++) {
        await insertHost(tx, `host-${n}`, 'key', '1', this.nowMs);
        const capacity = { cpuMillis: 4000, memoryMb: 4000, maxTasks: 10 };
        const facts = { address: '127.0.0.1', labels: {}, capacity, abilities: [], agentVersion: '1' };
        await updateHostFacts(tx, `host-${n}`, facts, this.nowMs);
        await updateHostState(tx, `host-${n}`, 'up', this.nowMs);
      }
    });
  }

  /** Everything that is due now. */
  async settle(): Promise<void> {
    for (let n = 0; n < 2000; n++) if (!(await this.engine.step())) return;
    throw new Error('it never comes to rest');
  }

  async wait(ms: number): Promise<void> {
    this.nowMs += ms;
    await this.settle();
  }

  async watch(): Promise<void> {
    const names = { id: this.id, nowMs: this.nowMs };
    const wish = { name: 'repo', location: '/repo', branch: 'main', pollEveryMs: 1000 };
    await this.engine.commitAs(ada, registerRepository(names, wish, ada));
    await this.settle();
  }

  readonly id = <P extends string>(prefix: P): `${P}_${string}` => `${prefix}_${Math.floor(this.chance.next() * 1e9)}`;

  /** Answers all orders that were not answered, as their agents would. */
  async answer(state: 'succeeded' | 'failed' | 'lost' = 'succeeded'): Promise<void> {
    for (const { host, order } of this.orders.splice(0)) {
      const output = order.output === null ? undefined : { digest: sha256(`built ${order.source}`), sizeBytes: 3 };
      await this.engine.append({
        write: async (tx) => {
          const report = { run: order.id, host, state, exitCode: 0, summary: `it ${state}`, output, atMs: this.nowMs };
          await rows.appendActionReport(tx, report);
        },
        work: [{ kind: decideKind, key: 'shop' }],
      });
    }
    await this.settle();
  }

  /** Answers until a release asks for nothing any more. */
  async build(): Promise<void> {
    for (let n = 0; n < 10 && this.orders.length > 0; n++) await this.answer();
  }

  read<T>(what: (tx: Parameters<Parameters<Store['read']>[0]>[0]) => Promise<T>): Promise<T> {
    return this.store.read(what);
  }

  async releaseAt(commit: CommitId): Promise<ReleaseFacts> {
    const [release] = await this.read((tx) => rows.listReleasesAt(tx, 'shop', commit));
    if (release === undefined) throw new Error(`no release of ${commit}`);
    return release;
  }

  async rollouts(job: JobId = 'shop@production'): Promise<Rollout[]> {
    return this.read((tx) => listRollouts(tx, job, 50));
  }

  /** A rollout ends, and the job knows what is good. */
  async end(id: RolloutId, state: Rollout['state'], job: JobId = 'shop@production'): Promise<void> {
    await this.engine.append({
      write: async (tx) => {
        const rollout = (await listRollouts(tx, job, 50)).find((one) => one.id === id)!;
        await saveRollout(tx, { ...rollout, state, endedAtMs: this.nowMs });
        const facts = await findJob(tx, job);
        const good = [rollout.to, ...(facts?.goodVersions ?? []).filter((version) => version !== rollout.to)];
        if (facts && state === 'succeeded') await updateJobInForce(tx, { ...facts, goodVersions: good });
      },
      work: [{ kind: decideKind, key: 'shop' }],
    });
    await this.settle();
  }

  async command(name: string, given: object, reason = 'because', kind = decideKind, key = 'shop'): Promise<string> {
    const row = { id: this.id('cmd'), kind, key, name, arguments: { ...given }, actor: ada, reason, atMs: this.nowMs };
    await this.engine.submitCommand(row);
    await this.settle();
    const outcome = (await this.engine.findCommand(row.id))?.outcome;
    return `${outcome?.ok ? 'ok' : 'refused'}: ${outcome?.detail}`;
  }

  async deploy(commit: string, over: object = {}) {
    const wish = { service: 'shop', commit, onlyTo: undefined, holdAfter: undefined, reason: undefined, ...over };
    const names = { id: this.id, nowMs: this.nowMs };
    const done = await this.engine.commitAs(ada, nameRelease(this.graphs, names, wish, ada));
    await this.settle();
    return done!;
  }

  async events(stream: string): Promise<string[]> {
    return (await this.engine.readStream(stream, 0, 1000)).map(({ type }) => type);
  }
}

let store: Store;
let plane: Plane;

beforeEach(async () => {
  store = await openStore({ kind: 'sqlite', path: ':memory:' });
  plane = new Plane(store);
  await plane.addHosts(2);
});
afterEach(() => store.close());

/** A commit that is deployed to production and good. */
async function good(message: string, over: object = {}): Promise<CommitId> {
  const commit = plane.git.commit({ message, ...over });
  await plane.wait(1000);
  await plane.build();
  const { version } = await plane.releaseAt(commit);
  const rollout = (await plane.rollouts()).find((one) => one.to === version);
  await plane.end(rollout!.id, 'succeeded');
  return commit;
}

/** A commit that is rolling out to production. */
async function rolling(message: string): Promise<{ commit: CommitId; release: ReleaseFacts; rollout: Rollout }> {
  const commit = plane.git.commit({ message });
  await plane.wait(1000);
  await plane.build();
  const release = await plane.releaseAt(commit);
  return { commit, release, rollout: (await plane.rollouts()).find((one) => one.to === release.version)! };
}

/** What `job/decide` does when the judge said fail. */
async function failJudged(rollout: Rollout, release: ReleaseFacts, old: readonly VersionId[]): Promise<void> {
  await plane.engine.append({
    write: (tx) =>
      recordMarkRequest(tx, {
        rollout: rollout.id,
        repository: 'repo',
        service: 'shop',
        release: release.id,
        version: rollout.to,
        facts: {
          cause: 'judge',
          evidence: '8 % of requests fail',
          oldVersions: old,
          areOldTasksWell: true,
          failedHosts: [],
          lastGoodServesOn: [],
        },
        atMs: plane.nowMs,
      }),
    work: [{ kind: markKind, key: 'repo' }],
  });
  await plane.settle();
  await plane.end(rollout.id, 'reverted');
}

describe('from a commit to a rollout', () => {
  test('P13 a repository is watched, its service appears, a commit is built, tested and rolled out', async () => {
    const commit = plane.git.commit({ message: 'first\n\nbody', config: specOf() });
    await plane.watch();
    expect(plane.orders).toMatchObject([{ order: { commands: [['make']], output: { include: [] } } }]);
    await plane.answer();
    expect(plane.orders).toMatchObject([{ order: { commands: [['make', 'test']], output: null } }]);
    await plane.answer();
    const release = await plane.releaseAt(commit);
    expect(release).toMatchObject({
      subject: 'first',
      author: 'ada',
      position: 0,
      state: 'running',
      isConfigured: true,
    });
    const [rollout] = await plane.rollouts();
    expect(rollout).toMatchObject({ to: release.version, release: release.id, kind: 'deploy', state: 'waiting' });
    const job = await plane.read((tx) => findJob(tx, 'shop@production'));
    expect(job).toMatchObject({ wantedSize: 4, driver: 'fleet' });
    await plane.end(rollout!.id, 'succeeded');
    expect((await plane.releaseAt(commit)).state).toBe('succeeded');
    const types = await plane.events(`release/${release.id}`);
    expect(types.filter((type) => type.startsWith('release.'))).toEqual([
      'release.created',
      'release.packaged',
      'release.succeeded',
    ]);
  });

  test('each new commit of the branch makes a release, once', async () => {
    await plane.git.commit({ message: 'one', config: specOf(everyTime) });
    await plane.watch();
    const later = ['two', 'three'].map((message) => plane.git.commit({ message }));
    await plane.wait(1000);
    await plane.wait(1000);
    await plane.wait(1000);
    const live = await plane.read((tx) => rows.listLiveReleases(tx, 'shop'));
    expect(live.map(({ subject }) => subject).sort()).toEqual(['one', 'three', 'two']);
    for (const commit of later) expect((await plane.releaseAt(commit)).isConfigured).toBe(true);
  });

  test('a merge makes one release, at its place on the branch; its side commits make none', async () => {
    const base = plane.git.commit({ message: 'base', config: specOf() });
    await plane.watch();
    const side = plane.git.commit({ message: 'side', branch: 'topic', parents: [base] });
    const main = plane.git.commit({ message: 'main' });
    plane.git.commit({ message: 'merge', parents: [main, side] });
    await plane.wait(1000);
    const live = await plane.read((tx) => rows.listLiveReleases(tx, 'shop'));
    expect(live.map(({ subject, position }) => `${subject} ${position}`).sort()).toEqual([
      'base 0',
      'main 1',
      'merge 2',
    ]);
  });

  test('two environments: production follows staging, and P4 holds in each', async () => {
    const environments = { staging: { tasks: 1 }, production: { tasks: 2 } };
    const commit = plane.git.commit({ message: 'one', config: specOf({ environments }) });
    await plane.watch();
    await plane.build();
    expect(await plane.rollouts('shop@production')).toEqual([]);
    const [staged] = await plane.rollouts('shop@staging');
    await plane.end(staged!.id, 'succeeded', 'shop@staging');
    const [rollout] = await plane.rollouts('shop@production');
    await plane.end(rollout!.id, 'succeeded');
    expect((await plane.releaseAt(commit)).state).toBe('succeeded');
  });

  test('the same content is built once: the second release takes the package from the cache', async () => {
    await good('one', { config: specOf(), content: 'same' }).catch(() => undefined);
    await plane.watch();
    await plane.build();
    const [first] = await plane.rollouts();
    await plane.end(first!.id, 'succeeded');
    const commit = plane.git.commit({ message: 'touch', content: 'same' });
    await plane.wait(1000);
    const release = await plane.releaseAt(commit);
    expect(release.version).toBeDefined();
    expect(release.version).not.toBe(first!.to);
    expect(plane.orders.map(({ order }) => order.commands)).toEqual([[['make', 'test']]]);
    expect(await plane.events(`release/${release.id}`)).toContain('action.from-cache');
  });

  test('P14 an edited pipeline makes a new revision; the release under way keeps its own', async () => {
    const old = plane.git.commit({ message: 'one', config: specOf(everyTime) });
    await plane.watch();
    const fresh = plane.git.commit({ message: 'two', config: specOf({ ...everyTime, test: 'make check' }) });
    await plane.wait(1000);
    expect([(await plane.releaseAt(old)).pipelineRevision, (await plane.releaseAt(fresh)).pipelineRevision]).toEqual([
      1, 2,
    ]);
    await plane.answer();
    expect(plane.orders.map(({ order }) => order.commands[0]!.join(' ')).sort()).toEqual(['make check', 'make test']);
  });
});

describe('bad input', () => {
  test('an invalid configuration fails its release with file and line; the next good one goes on', async () => {
    plane.git.commit({ message: 'one', config: specOf() });
    await plane.watch();
    const wrong = problem('spec/unknown-key', 'rollway.config.ts:3: "taks" is not known; did you mean "tasks"?');
    const bad = plane.git.commit({ message: 'bad', config: [wrong] });
    await plane.wait(1000);
    const release = await plane.releaseAt(bad);
    expect(release).toMatchObject({ state: 'failed', reason: expect.stringContaining('rollway.config.ts:3') });
    const service = await plane.read((tx) => rows.findService(tx, 'shop'));
    expect(service?.revision).toBe(1);
    const next = plane.git.commit({ message: 'good again', config: specOf() });
    await plane.wait(1000);
    expect(await plane.releaseAt(next)).toMatchObject({ isConfigured: true, pipelineRevision: 1 });
  });

  test('a repository without a configuration, or that Git cannot read, is a finding', async () => {
    await plane.watch();
    const findings = () => plane.read((tx) => tx.selectFrom('pipeline_finding').selectAll().execute());
    expect((await findings()).map(({ problem: json }) => JSON.parse(json).code)).toEqual(['git/unknown-commit']);
    plane.git.commit({ message: 'no configuration' });
    await plane.wait(1000);
    expect((await findings()).map(({ problem: json }) => JSON.parse(json).code)).toEqual(['spec/not-found']);
    plane.git.commit({ message: 'with one', config: specOf() });
    await plane.wait(1000);
    expect(await findings()).toEqual([]);
  });

  test('a failing build fails its release alone; a person retries it', async () => {
    const commit = plane.git.commit({ message: 'one', config: specOf() });
    await plane.watch();
    await plane.answer('failed');
    const release = await plane.releaseAt(commit);
    expect(release).toMatchObject({ state: 'failed', reason: '"build" failed: it failed' });
    expect(await plane.command('retry', { release: release.id })).toBe('ok: Runs again: build.');
    await plane.build();
    expect(await plane.rollouts()).toHaveLength(1);
  });

  test('a lost host: its action runs again elsewhere', async () => {
    plane.git.commit({ message: 'one', config: specOf() });
    await plane.watch();
    const [first] = plane.orders.splice(0);
    await plane.store.transaction((tx) => updateHostState(tx, first!.host, 'lost', plane.nowMs));
    await plane.wait(5000);
    expect(plane.orders).toHaveLength(1);
    expect(plane.orders[0]!.host).not.toBe(first!.host);
    await plane.build();
    expect(await plane.rollouts()).toHaveLength(1);
  });
});

describe('a person names a commit', () => {
  test('a commit off the branch stands after its merge base; an unknown one is refused', async () => {
    const one = plane.git.commit({ message: 'one', config: specOf() });
    await plane.watch();
    const off = plane.git.commit({ message: 'off', branch: 'topic', parents: [one] });
    expect(await plane.deploy(off)).toMatchObject({ ok: false, error: { code: 'git/unknown-commit' } });
    await plane.engine.commitAs(ada, readRepository('repo', off));
    await plane.settle();
    expect(await plane.deploy(off.slice(0, 8), { holdAfter: 'canary' })).toMatchObject({
      ok: true,
      value: { commit: off, position: 0.5, isNamed: true, holdAfter: 'canary', subject: 'off' },
    });
    expect(await plane.releaseAt(off)).toMatchObject({ isConfigured: true });
  });

  test('a manual pipeline makes releases only then; one under way is named, not doubled', async () => {
    const one = plane.git.commit({ message: 'one', config: specOf({ pipeline: 'manual' }) });
    await plane.watch();
    expect(await plane.read((tx) => rows.listLiveReleases(tx, 'shop'))).toEqual([]);
    const first = await plane.deploy(one);
    const again = await plane.deploy(one);
    expect([first.ok && first.value.id, again.ok && again.value.id][0]).toBe(again.ok && again.value.id);
    await plane.build();
    expect(await plane.rollouts()).toHaveLength(1);
    expect(await plane.deploy(one, { onlyTo: 'moon' })).toMatchObject({ error: { code: 'pipeline/no-such-target' } });
    expect(await plane.deploy(one, { service: 'x' })).toMatchObject({ error: { code: 'service/unknown' } });
  });

  test('cancel stops its runs where they are', async () => {
    const one = plane.git.commit({ message: 'one', config: specOf() });
    await plane.watch();
    const { id } = await plane.releaseAt(one);
    expect(await plane.command('cancel-release', { release: id })).toBe('ok: The release is cancelled.');
    expect(plane.cancels).toEqual([plane.orders[0]!.order.id]);
    expect((await plane.releaseAt(one)).state).toBe('cancelled');
    expect(await plane.command('cancel-release', { release: id })).toContain('refused');
  });
});

describe('marks', () => {
  const marks = () => plane.read((tx) => listLiveMarks(tx, 'repo'));

  async function firstTwo() {
    plane.git.commit({ message: 'one', config: specOf() });
    await plane.watch();
    await plane.build();
    const [first] = await plane.rollouts();
    await plane.end(first!.id, 'succeeded');
    const bad = await rolling('bad');
    await failJudged(bad.rollout, bad.release, [first!.to]);
    return { first: first!, bad };
  }

  test('B5 the tour: a judged failure marks its commit, the next is blocked, the fix goes through', async () => {
    const { bad } = await firstTwo();
    const [mark] = await marks();
    expect(mark).toMatchObject({
      candidates: [bad.commit],
      targets: ['shop'],
      seenIn: bad.commit,
      rollout: bad.rollout.id,
    });
    expect((await plane.releaseAt(bad.commit)).state).toBe('failed');
    expect(await plane.read((tx) => findMarkOutcome(tx, bad.rollout.id))).toEqual({
      state: 'marked',
      outcome: mark!.id,
    });

    const after = plane.git.commit({ message: 'builds on it' });
    await plane.wait(1000);
    await plane.build();
    const blocked = await plane.releaseAt(after);
    expect(blocked).toMatchObject({ state: 'blocked', reason: expect.stringContaining(mark!.id) });
    expect((await plane.read((tx) => carriersAmong(tx, [blocked.version!]))).get(blocked.version!)).toEqual([mark!.id]);

    const fix = await rolling(`fix\n\nRollway-Fixes: ${bad.commit.slice(0, 10)}`);
    expect(fix.rollout).toBeDefined();
    expect((await marks())[0]!.fixes).toEqual([fix.commit]);
    await plane.end(fix.rollout.id, 'succeeded');
    expect((await plane.releaseAt(after)).state).toBe('superseded');
    expect(await plane.events('repository/repo')).toEqual(expect.arrayContaining(['mark.created', 'mark.fixed']));
  });

  test("B4 Git's own revert lets later builds through, not the ones between", async () => {
    const { bad } = await firstTwo();
    const between = plane.git.commit({ message: 'between' });
    await plane.wait(1000);
    await plane.build();
    const reverted = await rolling(`Revert "bad"\n\nThis reverts commit ${bad.commit}.`);
    expect(reverted.rollout).toBeDefined();
    const { version } = await plane.releaseAt(between);
    expect((await plane.read((tx) => carriersAmong(tx, [version!, reverted.rollout.to]))).size).toBe(1);
    expect((await plane.rollouts()).filter(({ to }) => to === version)).toEqual([]);
  });

  test('a failure that a live mark explains makes no second one; a rebuild makes none at all', async () => {
    const { bad, first } = await firstTwo();
    const again: Rollout = { ...bad.rollout, id: 'ro_again', endedAtMs: undefined };
    await plane.store.transaction((tx) => insertRollout(tx, again));
    await failJudged(again, bad.release, [first.to]);
    expect(await marks()).toHaveLength(1);
    const back: Rollout = { ...first, id: 'ro_back', endedAtMs: undefined };
    await plane.store.transaction((tx) => insertRollout(tx, back));
    await failJudged(back, bad.release, [first.to]);
    expect(await plane.read((tx) => findMarkOutcome(tx, 'ro_back'))).toMatchObject({ state: 'refused' });
    expect(await plane.events('repository/repo')).toEqual(expect.arrayContaining(['mark.confirmed', 'mark.refused']));
  });

  test('B8 a person marks, fixes, overrides with a reason and clears; all of it is recorded', async () => {
    const { bad } = await firstTwo();
    const [mark] = await marks();
    const tell = (name: string, given: object, reason?: string) => plane.command(name, given, reason, markKind, 'repo');
    const onIt = plane.git.commit({ message: 'on it' });
    await plane.wait(1000);
    await plane.build();
    const blocked = await plane.releaseAt(onIt);
    expect(await tell('override', { mark: mark!.id, version: blocked.version }, ' ')).toContain('needs a reason');
    expect(await tell('override', { mark: mark!.id, version: blocked.version })).toContain('ok');
    await plane.build();
    expect((await plane.rollouts())[0]).toMatchObject({ to: blocked.version });
    expect(await tell('fix', { mark: mark!.id, commit: bad.commit })).toContain('refused');
    expect(await tell('fix', { mark: mark!.id, commit: onIt })).toContain('ok');
    expect(await tell('clear', { mark: mark!.id })).toContain('ok');
    expect(await tell('clear', { mark: mark!.id })).toContain('cleared already');
    expect(await tell('clear', { mark: 'mark_x' })).toContain('There is no mark');
    expect(await tell('mark', { commits: [onIt.slice(0, 7)] })).toContain('blocks builds of shop');
    const [made] = await marks();
    expect(made).toMatchObject({ candidates: [onIt], createdBy: ada, seenIn: undefined });
    expect((await plane.read((tx) => carriersAmong(tx, [blocked.version!]))).get(blocked.version!)).toEqual([made!.id]);
    const types = (await plane.events('repository/repo')).filter((type) => type.startsWith('mark.'));
    expect(types).toEqual(['mark.created', 'mark.overridden', 'mark.fixed', 'mark.cleared', 'mark.created']);
  });

  test('B5 a mark at every point of a release stops it there', async () => {
    const points = ['built', 'tested'] as const;
    for (const point of points) {
      const own = await openStore({ kind: 'sqlite', path: ':memory:' });
      plane = new Plane(own);
      await plane.addHosts(1);
      const commit = plane.git.commit({ message: 'one', config: specOf() });
      await plane.watch();
      await plane.answer();
      const hold = plane.orders[0]!.order.id;
      if (point === 'tested') await plane.answer();
      await plane.command('mark', { commits: [commit] }, 'bad', markKind, 'repo');
      if (point === 'built') {
        expect(plane.cancels).toEqual([hold]);
        expect(await plane.releaseAt(commit)).toMatchObject({ state: 'blocked' });
        expect(await plane.rollouts()).toEqual([]);
        const [mark] = await marks();
        await plane.command('clear', { mark: (mark as { id: MarkId }).id }, 'no', markKind, 'repo');
        await plane.build();
        expect(await plane.rollouts()).toHaveLength(1);
      } else {
        // Its rollout sees the carrier and stops by its own rules; nothing else of the release starts.
        expect(await plane.releaseAt(commit)).toMatchObject({ state: 'running' });
      }
      await own.close();
    }
  });
});

describe('rollback', () => {
  test('goes to the good version before, and holds the target until the fix comes', async () => {
    plane.git.commit({ message: 'one', config: specOf() });
    await plane.watch();
    await plane.build();
    const [first] = await plane.rollouts();
    await plane.end(first!.id, 'succeeded');
    const second = await good('two');
    expect(await plane.command('rollback', { environment: 'production' }, 'too slow')).toContain(
      'Rolling production back',
    );
    const [back] = await plane.rollouts();
    expect(back).toMatchObject({ kind: 'rollback', to: first!.to, reason: 'too slow' });
    await plane.end(back!.id, 'succeeded');
    const third = plane.git.commit({ message: 'three' });
    await plane.wait(1000);
    await plane.build();
    expect(await plane.releaseAt(third)).toMatchObject({
      state: 'blocked',
      reason: expect.stringContaining('too slow'),
    });
    const fix = await rolling(`fix\n\nRollway-Fixes: ${second}`);
    expect(fix.rollout).toMatchObject({ kind: 'deploy' });
    expect(await plane.read((tx) => rows.listHolds(tx, 'shop'))).toEqual([]);
  });

  test('to nothing, or elsewhere, is refused', async () => {
    plane.git.commit({ message: 'one', config: specOf() });
    await plane.watch();
    expect(await plane.command('rollback', { environment: 'production' })).toContain('refused');
    expect(await plane.command('rollback', { environment: 'moon' })).toContain('nothing in "moon"');
    expect(await plane.command('end-hold', { environment: 'production' })).toContain('Nothing holds');
    expect(await plane.command('dance', {})).toContain('no command "dance"');
  });
});

test('a rewritten branch: releases find their new places, and the new head is deployed', async () => {
  const one = plane.git.commit({ message: 'one', config: specOf() });
  await plane.watch();
  await plane.build();
  await plane.end((await plane.rollouts())[0]!.id, 'succeeded');
  const two = await good('two');
  const three = await good('three');
  plane.git.reset('main', one);
  const other = await rolling('instead of two and three');
  expect(other.rollout).toBeDefined();
  expect((await plane.releaseAt(two)).position).toBe(0.5);
  expect((await plane.releaseAt(three)).position).toBe(0.5);
  expect(other.release.position).toBe(1);
});

test('jobs are named by service and environment', () => {
  expect(jobId('shop', 'production')).toBe('shop@production');
});

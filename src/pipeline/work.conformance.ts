import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { MarkFacts } from '../blame/index.ts';
import { carriersAmong, findMarkOutcome, listLiveMarks, recordMarkRequest } from '../blame/rows.ts';
import { markKind } from '../blame/work.ts';
import { updateHostState } from '../fleet/rows.ts';
import { type CommitId, type MarkId, problem, type Rollout, type VersionId } from '../model/index.ts';
import { findJob, insertRollout } from '../rollout/rows.ts';
import type { Store } from '../store/index.ts';
import type { ReleaseFacts } from './index.ts';
import { ada, everyTime, Plane, specOf } from './plane.conformance.ts';
import * as rows from './rows.ts';
import { readRepository } from './work.ts';

/** What the pipeline and its marks do on an engine, whatever the database. */
export function pipelineConformance(name: string, open: () => Promise<Store>): void {
  describe(`the pipeline on ${name}`, () => {
    let store: Store;
    let plane: Plane;

    beforeEach(async () => {
      store = await open();
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
    /** `job/decide` records what it knows of a failure. */
    async function failBy(rollout: Rollout, release: ReleaseFacts, facts: MarkFacts): Promise<void> {
      const { id, to: version } = rollout;
      const of = { rollout: id, repository: 'repo', service: 'shop', release: release.id, version };
      await plane.engine.append({
        write: (tx) => recordMarkRequest(tx, { ...of, facts, atMs: plane.nowMs }),
        work: [{ kind: markKind, key: 'repo' }],
      });
      await plane.settle();
    }

    /** … when the judge said fail. */
    async function failJudged(
      rollout: Rollout,
      release: ReleaseFacts,
      oldVersions: readonly VersionId[],
    ): Promise<void> {
      const none = { areOldTasksWell: true, failedHosts: [], lastGoodServesOn: [] };
      await failBy(rollout, release, { cause: 'judge', evidence: '8 % of requests fail', oldVersions, ...none });
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

      test('D1 over several jobs it makes one rollout each, tied together, and ends when all have', async () => {
        const jobs = { us: 3, eu: { tasks: 2, hosts: { region: 'eu' } } };
        const environments = { production: { jobs, waves: [['us'], ['eu']], barrier: 'job' } };
        const commit = plane.git.commit({ message: 'first', config: specOf({ environments }) });
        await plane.watch();
        await plane.build();
        const [us] = await plane.rollouts('shop@production.us');
        const [eu] = await plane.rollouts('shop@production.eu');
        const members = [
          { name: 'us', job: 'shop@production.us', rollout: us!.id },
          { name: 'eu', job: 'shop@production.eu', rollout: eu!.id },
        ];
        const group = { id: us!.group!.id, waves: [['us'], ['eu']], barrier: 'job', members };
        expect(us!.group).toEqual({ ...group, name: 'us' });
        expect(eu!.group).toEqual({ ...group, name: 'eu' });
        expect(await plane.rollouts()).toEqual([]);
        const wished = await plane.read((tx) => findJob(tx, 'shop@production.eu'));
        expect(wished).toMatchObject({ environment: 'production', wantedSize: 2, hostLabels: { region: 'eu' } });
        await plane.end(us!.id, 'succeeded', 'shop@production.us');
        expect((await plane.releaseAt(commit)).state).toBe('running');
        await plane.end(eu!.id, 'succeeded', 'shop@production.eu');
        expect((await plane.releaseAt(commit)).state).toBe('succeeded');
      });

      test('D6 D7 over several jobs a rollback goes over all of them, or over the one that is named', async () => {
        const environments = { production: { jobs: { us: 3, eu: 2 }, strategy: 'recreate', budget: '100%' } };
        const both = ['shop@production.us', 'shop@production.eu'] as const;
        const through = async (message: string, config?: object): Promise<VersionId> => {
          const commit = plane.git.commit({ message, ...(config === undefined ? {} : { config: specOf(config) }) });
          await (config === undefined ? plane.wait(1000) : plane.watch());
          await plane.build();
          const { version } = await plane.releaseAt(commit);
          for (const job of both) {
            const live = (await plane.rollouts(job)).find(({ to }) => to === version);
            await plane.end(live!.id, 'succeeded', job);
          }
          return version!;
        };
        const first = await through('one', { environments });
        await through('two');
        const told = await plane.command('rollback', { environment: 'production' });
        expect(told).toMatch(/^ok: Rolling 2 jobs of production back to .*\(one\) by ro_\w+, ro_\w+\.$/);
        for (const job of both) {
          const back = (await plane.rollouts(job)).find(({ kind }) => kind === 'rollback');
          // Two versions must not run at once on the way back either.
          expect(back).toMatchObject({ to: first, group: { barrier: 'none' }, plan: { strategy: 'recreate' } });
          await plane.end(back!.id, 'succeeded', job);
        }
        expect(await plane.command('rollback', { environment: 'production', job: 'mars' })).toContain('no job "mars"');
        expect(await plane.command('rollback', { environment: 'production', job: 'us', to: first })).toContain(
          'is what runs in',
        );
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
        expect([
          (await plane.releaseAt(old)).pipelineRevision,
          (await plane.releaseAt(fresh)).pipelineRevision,
        ]).toEqual([1, 2]);
        await plane.answer();
        expect(plane.orders.map(({ order }) => order.commands[0]!.join(' ')).sort()).toEqual([
          'make check',
          'make test',
        ]);
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
        expect(await plane.deploy(one, { holdAfter: 'x' })).toMatchObject({
          error: { code: 'pipeline/no-such-target' },
        });
        const [deployment] = specOf().pipeline.actions.filter((action) => action.type === 'deploy');
        const phase = deployment!.plan.phases[0]!.name;
        expect(await plane.deploy(off)).toMatchObject({ ok: false, error: { code: 'git/unknown-commit' } });
        await plane.engine.commitAs(ada, readRepository('repo', off));
        await plane.settle();
        expect(await plane.deploy(off.slice(0, 8), { holdAfter: phase })).toMatchObject({
          ok: true,
          value: { commit: off, position: 0.5, isNamed: true, holdAfter: phase, subject: 'off' },
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
        expect(await plane.deploy(one, { onlyTo: 'moon' })).toMatchObject({
          error: { code: 'pipeline/no-such-target' },
        });
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

      async function firstGood() {
        plane.git.commit({ message: 'one', config: specOf() });
        await plane.watch();
        await plane.build();
        const [first] = await plane.rollouts();
        await plane.end(first!.id, 'succeeded');
        return first!;
      }

      async function firstTwo() {
        const first = await firstGood();
        const bad = await rolling('bad');
        await failJudged(bad.rollout, bad.release, [first.to]);
        return { first, bad };
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
        expect((await plane.read((tx) => carriersAmong(tx, [blocked.version!]))).get(blocked.version!)).toEqual([
          mark!.id,
        ]);

        const fix = await rolling(`fix\n\nRollway-Fixes: ${bad.commit.slice(0, 10)}`);
        expect(fix.rollout).toBeDefined();
        expect((await marks())[0]!.fixes).toEqual([fix.commit]);
        await plane.end(fix.rollout.id, 'succeeded');
        expect((await plane.releaseAt(after)).state).toBe('superseded');
        expect(await plane.events('repository/repo')).toEqual(expect.arrayContaining(['mark.created', 'mark.fixed']));
      });

      test('D8 a commit that says it cannot be undone binds the rollouts that bring it, not those after', async () => {
        const first = await firstGood();
        await plane.read(async (tx) =>
          expect((await findJob(tx, 'shop@production'))?.goodVersions).toEqual([first.to]),
        );
        const bound = await rolling('drop\n\nRollway-Forward-Only: the column is gone');
        const why = `${bound.commit.slice(0, 10)} says of itself "the column is gone"`;
        expect(bound.rollout.forwardOnly).toBe(why);
        await plane.end(bound.rollout.id, 'succeeded');
        expect((await rolling('after')).rollout.forwardOnly).toBeUndefined();
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

      test('failing basic checks on one host mark nothing until the last good version serves there again', async () => {
        await firstGood();
        const [first] = await plane.rollouts();
        const bad = await rolling('does not start');
        const facts = { cause: 'basic-checks' as const, failedHosts: ['host-1'], areOldTasksWell: true };
        const tell = (lastGoodServesOn: string[]) =>
          failBy(bad.rollout, bad.release, {
            ...facts,
            evidence: 'it exits',
            oldVersions: [first!.to],
            lastGoodServesOn,
          });
        await tell([]);
        await tell(['host-2']);
        expect(await marks()).toEqual([]);
        expect(await plane.read((tx) => findMarkOutcome(tx, bad.rollout.id))).toMatchObject({ state: 'open' });
        const waiting = (await plane.events('repository/repo')).filter((type) => type === 'mark.waiting');
        expect(waiting).toHaveLength(1);
        await tell(['host-1']);
        expect(await marks()).toMatchObject([{ candidates: [bad.commit] }]);
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
        expect(await plane.events('repository/repo')).toEqual(
          expect.arrayContaining(['mark.confirmed', 'mark.refused']),
        );
      });

      test('B8 a person marks, fixes, overrides with a reason and clears; all of it is recorded', async () => {
        const { bad } = await firstTwo();
        const [mark] = await marks();
        const tell = (name: string, given: object, reason?: string) =>
          plane.command(name, given, reason, markKind, 'repo');
        const onIt = plane.git.commit({ message: 'on it' });
        await plane.wait(1000);
        await plane.build();
        const blocked = await plane.releaseAt(onIt);
        expect(await tell('override', { mark: mark!.id, version: blocked.version }, ' ')).toContain('needs a reason');
        expect(await tell('override', { mark: mark!.id, version: blocked.version })).toContain('ok');
        await plane.build();
        expect((await plane.rollouts()).map(({ to }) => to)).toContain(blocked.version);
        expect(await tell('fix', { mark: mark!.id, commit: bad.commit })).toContain('refused');
        expect(await tell('fix', { mark: mark!.id, commit: onIt })).toContain('ok');
        expect(await tell('clear', { mark: mark!.id })).toContain('ok');
        expect(await tell('clear', { mark: mark!.id })).toContain('cleared already');
        expect(await tell('clear', { mark: 'mark_x' })).toContain('There is no mark');
        expect(await tell('mark', { commits: [onIt.slice(0, 7)] })).toContain('blocks builds of shop');
        const [made] = await marks();
        expect(made).toMatchObject({ candidates: [onIt], createdBy: ada, seenIn: undefined });
        expect((await plane.read((tx) => carriersAmong(tx, [blocked.version!]))).get(blocked.version!)).toEqual([
          made!.id,
        ]);
        const types = (await plane.events('repository/repo')).filter((type) => type.startsWith('mark.'));
        expect(types).toEqual(['mark.created', 'mark.overridden', 'mark.fixed', 'mark.cleared', 'mark.created']);
      });

      test('B5 a mark at every point of a release stops it there', async () => {
        const points = ['built', 'tested'] as const;
        for (const point of points) {
          const own = await open();
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
        const old = await plane.deploy((await plane.read((tx) => rows.findRelease(tx, first!.release!)))!.commit);
        expect(old).toMatchObject({ ok: false, error: { code: 'release/superseded' } });
        expect(await plane.command('rollback', { environment: 'production', to: 'v_x' })).toContain('Nothing good');
        expect(await plane.command('rollback', { environment: 'production' }, 'too slow')).toContain(
          'Rolling production back',
        );
        const back = (await plane.rollouts()).find(({ kind }) => kind === 'rollback');
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
  });
}

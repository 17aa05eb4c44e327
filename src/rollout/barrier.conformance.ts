import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { noLimits } from '../disruption/index.ts';
import { createEngine, type Engine } from '../engine/index.ts';
import { makeId, seededChance } from '../kit/index.ts';
import type { Actor, JobId, JobName, Phase, Rollout } from '../model/index.ts';
import type { Store } from '../store/index.ts';
import { decideJob } from './decide.ts';
import { newRollout } from './new-rollout.ts';
import { phasesOf } from './phases.ts';
import {
  ensureJob,
  findRollout,
  insertRollout,
  loadJob,
  saveAssignment,
  saveRollout,
  updateJobInForce,
} from './rows.ts';
import { planOf, v0, v1 } from './testing/small-job.ts';
import { loadState } from './work/load.ts';
import { proposalOf } from './work/propose.ts';
import { rolloutWork } from './work.ts';

const names: readonly JobName[] = ['us', 'eu'];
const jobOf = (name: JobName): JobId => `guestbook@production.${name}`;
const rolloutOf = (name: JobName): Rollout['id'] => `ro_${name}`;
const ada: Actor = { kind: 'person', name: 'ada' };
const plan = planOf([1, 2]);
const nowMs = 1_000_000;

/**
 * Decisions of different jobs run in parallel: what one read of another is compared at its commit, and whoever waits
 * is woken by the transaction that it waits for. The jobs have no hosts: their phases are moved by persons.
 */
export function barrierConformance(name: string, open: () => Promise<Store>): void {
  describe(`barriers on ${name}`, () => {
    const chance = seededChance(1);
    let store: Store;
    let engine: Engine;

    beforeEach(async () => {
      store = await open();
      const clock = { nowMs: () => nowMs, sleepUntil: () => Promise.reject(new Error('nobody sleeps here')) };
      engine = createEngine({ store, clock, chance, processId: 'p1', settings: { isSoleProcess: true } });
      const driverOf = () => {
        throw new Error('nothing is sent out here');
      };
      for (const kind of rolloutWork({ clock, driverOf }).work) engine.registerWork(kind);
      for (const kind of ['pipeline/decide', 'judge/look', 'blame/mark']) {
        engine.registerWork({ kind, run: async () => undefined });
      }
    });
    afterEach(() => store.close());

    /** `us` is in its first phase, or has passed it; `eu` waits for that. */
    async function prepare(first: Partial<Phase>): Promise<void> {
      const members = names.map((one) => ({ name: one, job: jobOf(one), rollout: rolloutOf(one) }));
      await store.transaction(async (tx) => {
        for (const one of names) {
          const of = { service: 'guestbook', environment: 'production', wantedSize: 2, budget: { count: 2 } };
          const rest = { limits: noLimits, env: {}, hostLabels: {}, driver: 'simulated' };
          await ensureJob(tx, { id: jobOf(one), ...of, ...rest }, nowMs);
          await updateJobInForce(tx, { ...(await loadJob(tx, jobOf(one))), goodVersions: [v0] });
          const group = { id: 'run_1', name: one, waves: [['us'], ['eu']], barrier: 'phase', members } as const;
          const asked = { judged: false, holdAfter: undefined, createdBy: ada, reason: undefined };
          const base = { id: rolloutOf(one), job: jobOf(one), release: undefined, to: v1, kind: 'deploy' } as const;
          const rollout = newRollout({ ...base, ...asked, plan, group: { ...group, waves: [['us'], ['eu']] } }, nowMs);
          const [begun, ...others] = phasesOf(plan);
          const phases = [{ ...begun!, members: [0], allowance: 1, startedAtMs: nowMs, ...first }, ...others];
          const running = { ...rollout, state: 'running' as const, phases, startedAtMs: nowMs };
          await insertRollout(tx, one === 'us' ? running : rollout);
        }
      });
    }
    const read = async (one: JobName): Promise<Rollout> => (await store.read((tx) => findRollout(tx, rolloutOf(one))))!;
    const wake = (one: JobName) => engine.append({ work: [{ kind: 'job/decide', key: jobOf(one) }] });
    const settle = async (): Promise<void> => {
      for (let n = 0; n < 500; n++) if (!(await engine.step())) return;
      throw new Error('it never comes to rest');
    };
    async function tell(one: JobName, command: string): Promise<void> {
      const row = { kind: 'job/decide', key: jobOf(one), name: command, arguments: { rollout: rolloutOf(one) } };
      const said = { id: `cmd_${command}_${one}`, actor: ada, reason: 'because', atMs: nowMs } as const;
      await engine.submitCommand({ ...row, ...said });
    }
    /** A decision about a job, as its work makes it; `pause` is waited for between deciding and committing. */
    async function decide(one: JobName, pause: (seen: Rollout | undefined) => Promise<void>): Promise<void> {
      await engine.commitAs(ada, async (view) => {
        const state = (await loadState(view, jobOf(one)))!;
        const decision = decideJob(state, nowMs, (prefix) => makeId(prefix, nowMs, chance));
        await pause(state.others?.get(rolloutOf('us')));
        return proposalOf(view, state, decision, nowMs);
      });
    }

    test('whoever waits at a barrier is woken by the commit that it waits for', async () => {
      await prepare({ state: 'updating' });
      await wake('us');
      await wake('eu');
      await settle();
      expect((await read('eu')).state).toBe('waiting');
      // Nobody looks from time to time: nothing is due for the job that waits.
      await tell('us', 'promote');
      await settle();
      expect((await read('us')).phases[0]).toMatchObject({ state: 'passed', passedBy: { by: 'person' } });
      expect((await read('eu')).state).toBe('running');
    });

    test('a failure is told by its own commit too', async () => {
      await prepare({ state: 'passed' });
      await wake('eu');
      await settle();
      expect((await read('eu')).state).toBe('running');
      await tell('eu', 'revert');
      await settle();
      expect((await read('eu')).state).toBe('reverted');
      expect((await read('us')).state).toBe('running');
    });

    test('a watch that ends or finds something is committed although nobody of its group is live any more', async () => {
      await prepare({ state: 'passed' });
      const watch = { state: 'watching', fromMs: 1, untilMs: 2, earlier: [], named: [], note: undefined } as const;
      for (const one of names) {
        const ended = { ...(await read(one)), state: 'succeeded', startedAtMs: 1, endedAtMs: 1, watch } as const;
        await store.transaction((tx) => saveRollout(tx, ended));
      }
      await wake('us');
      await settle();
      expect((await read('us')).watch?.state).toBe('quiet');
      // One that failed is taken up again as soon as nobody else has the job.
      const failing = { ...(await read('eu')), watch: { ...watch, state: 'failing' as const } };
      await store.transaction(async (tx) => {
        await saveRollout(tx, failing);
        await saveAssignment(tx, { job: jobOf('eu'), index: 0, version: v1, rollout: undefined, lastGood: v0 });
      });
      await wake('eu');
      await settle();
      expect(await read('eu')).toMatchObject({ state: 'held', hold: { by: 'watch' }, watch: { state: 'failed' } });
    });

    test('a decision that read a phase as passed is void when that is no longer so at its commit', async () => {
      await prepare({ state: 'passed' });
      await tell('us', 'revert');
      const seen: (string | undefined)[] = [];
      const hasDecided = Promise.withResolvers<void>();
      // SQLite reads and writes in one transaction: there nobody can come between.
      const mayCommit = store.kind === 'postgres' ? Promise.withResolvers<void>() : undefined;
      const deciding = decide('eu', async (us) => {
        seen.push(us?.state);
        hasDecided.resolve();
        await mayCommit?.promise;
      });
      await hasDecided.promise;
      if (mayCommit !== undefined) {
        await settle();
        mayCommit.resolve();
      }
      await deciding;
      await settle();
      expect((await read('us')).state).toBe('reverted');
      if (store.kind === 'postgres') {
        expect(seen).toEqual(['running', 'reverted']);
        expect((await read('eu')).state).toBe('waiting');
      } else expect(seen).toEqual(['running']);
    });
  });
}

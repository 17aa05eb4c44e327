import { afterEach, describe, expect, test } from 'vitest';
import { noLimits } from '../disruption/index.ts';
import { saveOperation, saveTask } from '../disruption/rows.ts';
import { createEngine, type Engine } from '../engine/index.ts';
import { insertHost, updateHostState, updateLastSeen } from '../fleet/rows.ts';
import { seededChance } from '../kit/index.ts';
import type { JudgeSpec, Phase, Rollout, RolloutId, Sample } from '../model/index.ts';
import { insertRevision, saveService } from '../pipeline/rows.ts';
import { newRollout } from '../rollout/index.ts';
import { ensureJob, insertRollout, saveRollout } from '../rollout/rows.ts';
import { openStore, type Store } from '../store/index.ts';
import { openSampleStore, readInput, replay, type SampleStore, tune } from './index.ts';
import { readVerdicts } from './read.ts';
import { findMemory, latestVerdict, listCurves, saveLabel } from './rows.ts';
import { judgeWork, lookAt } from './work.ts';

const t0 = 1_700_000_000_000;
const id = 'ro_1' as RolloutId;
const spec: JudgeSpec = { checks: [], failShare: 0.5, alpha: 0.01, binMs: 1000, warmupMs: 2000 };
const phase: Phase = {
  name: 'first',
  state: 'judging',
  members: [0],
  allowance: 1,
  concurrency: 1,
  minBakeMs: 3000,
  maxBakeMs: 20_000,
  onFail: 'revert',
  onUndecided: undefined,
  startedAtMs: t0 + 30_000,
  updatedAtMs: t0 + 30_000,
  endedAtMs: undefined,
  passedBy: undefined,
  passAsked: undefined,
};

let store: Store;
let engine: Engine;
let samples: SampleStore;
/** What verdicts were made from, by look. */
const kept = new Map<string, string>();
const inputs = {
  save: async (_: string, lookId: string, text: string) => void kept.set(lookId, text),
  load: async (_: string, lookId: string) => kept.get(lookId),
  forgetAllBut: async () => {},
};
let nowMs: number;
let rollout: Rollout;

async function begin(more: Partial<JudgeSpec> = {}): Promise<void> {
  nowMs = t0;
  store = await openStore({ kind: 'sqlite', path: ':memory:' });
  samples = await openSampleStore({ nowMs });
  await openEngine();
  const request = {
    id,
    job: 'shop@production',
    release: undefined,
    to: 'v_new',
    kind: 'deploy',
    judged: true,
  } as const;
  const plan = { phases: [], newcomers: 'last-good', overlap: 'wait', forwardOnly: false } as const;
  const waiting = newRollout(
    {
      ...request,
      plan: { ...plan, phases: [] },
      holdAfter: undefined,
      createdBy: { kind: 'rollway', name: 'test' } as never,
      reason: undefined,
    },
    nowMs,
  );
  rollout = { ...waiting, state: 'running', from: ['v_old'], phases: [phase], startedAtMs: t0 + 30_000 };
  await store.transaction(async (tx) => {
    const service = { name: 'shop', repository: 'shop', configPath: '', branch: 'main', revision: 1, createdAtMs: t0 };
    await saveService(tx, service as Parameters<typeof saveService>[1]);
    await insertRevision(tx, 'shop', 1, 'digest', JSON.stringify({ judge: { ...spec, ...more } }), 'abc', t0);
    await insertRollout(tx, rollout);
  });
}

async function openEngine(): Promise<void> {
  const clock = { nowMs: () => nowMs, sleepUntil: () => Promise.resolve() };
  engine = createEngine({
    store,
    clock,
    chance: seededChance(1),
    processId: `test-${nowMs}`,
    settings: { isSoleProcess: true },
  });
  engine.registerWork(judgeWork({ samples, inputs }));
  engine.registerWork({ kind: 'job/decide', async run() {} });
}

afterEach(async () => store.close());

/** A second of traffic to four tasks; task 0 is new since second 30. */
function traffic(second: number, newErrors: number, isNewMissing = false): void {
  const batch: Sample[] = [];
  for (let index = 0; index < 4; index += 1) {
    const isNew = index === 0 && second >= 30;
    if (isNew && isNewMissing) continue;
    const base = {
      job: 'shop@production' as const,
      index,
      incarnation: isNew ? 2 : 1,
      version: isNew ? ('v_new' as const) : ('v_old' as const),
      state: 'serving' as const,
      metric: 'http_requests_total',
      fromMs: t0 + second * 1000,
      toMs: t0 + second * 1000 + 1000,
    };
    batch.push({ ...base, labels: { code: '200' }, value: { counterDelta: 40 } });
    if (isNew) batch.push({ ...base, labels: { code: '500' }, value: { counterDelta: newErrors } });
  }
  samples.append(batch, t0 + second * 1000 + 1000);
}

async function run(from: number, to: number, newErrors: number, isNewMissing = false): Promise<void> {
  for (let second = from; second < to; second += 1) {
    traffic(second, newErrors, isNewMissing);
    nowMs = t0 + (second + 1) * 1000 + 300;
    if (second === 30) await engine.enqueue(lookAt(id));
    while (await engine.step()) {}
  }
}

const latest = () => store.read((tx) => latestVerdict(tx, id, 0));

describe('looks as durable work', () => {
  test('without any configuration: finds the error ratio, fails, says why, and tells the job', async () => {
    await begin();
    await run(0, 40, 6);
    const row = (await latest())!;
    expect(row.verdict.verdict).toBe('fail');
    expect(row.measured).toBe(true);
    expect(row.verdict.sentence).toMatch(/13 % of the requests to new tasks failed, none of those to old tasks/);
    const looks = (await engine.readStream('rollout/ro_1', 0, 100)).filter(({ type }) => type === 'judge.looked');
    expect(looks.length).toBeGreaterThan(0);
    // Nothing is known of the size of the job here: what was promised is said all the same, once.
    const promised = (await engine.readStream('rollout/ro_1', 0, 100)).filter(({ type }) => type === 'judge.promised');
    expect(promised).toHaveLength(1);
    expect(row.promised).toMatch(/^errors from 0 % to .* or more$/);
    expect(looks.at(-1)!.data).toMatchObject({ verdict: 'fail', perCheck: [{ check: 'errors', verdict: 'fail' }] });
  });

  test('every look is judged again from what it was made from, equal in every bit; other settings are tried on it', async () => {
    kept.clear();
    await begin();
    await run(0, 45, 6);
    const history = await store.read((tx) => readVerdicts(tx, id));
    const looks = history.filter(({ verdict }) => kept.has(verdict.lookId));
    expect(looks.length).toBeGreaterThan(2);
    expect(looks.length).toBe(history.filter(({ verdict }) => !verdict.lookId.includes('/bin-')).length);
    for (const { verdict } of looks) {
      expect(replay(readInput(kept.get(verdict.lookId)!), verdict)).toMatchObject({ isEqual: true, different: [] });
    }
    const { verdict } = looks.at(-1)!;
    const input = readInput(kept.get(verdict.lookId)!);
    const forged = { ...verdict, perCheck: verdict.perCheck.map((one) => ({ ...one, newEvents: one.newEvents + 1 })) };
    expect(replay(input, forged)).toMatchObject({ isEqual: false, different: ['errors'] });
    const all = looks.map((row) => ({ input: readInput(kept.get(row.verdict.lookId)!), verdict: row.verdict }));
    expect(tune(all, {})).toMatchObject({ said: 'fail', tuned: 'fail' });
    expect(tune(all, { alpha: 1e-200 }).tuned).not.toBe('fail');
  });

  test('a crash between looks spends nothing twice, and changes no verdict', async () => {
    await begin();
    await run(0, 37, 0);
    const before = (await store.read((tx) => findMemory(tx, id)))!;
    // The same bins again, by another process, with nothing new.
    await openEngine();
    await engine.enqueue(lookAt(id));
    while (await engine.step()) {}
    const after = (await store.read((tx) => findMemory(tx, id)))!;
    expect(after).toEqual(before);
    await run(37, 50, 0);
    const history = await store.read((tx) => readVerdicts(tx, id));
    expect(new Set(history.map(({ verdict }) => verdict.lookId)).size).toBe(history.length);
    const spent = (await store.read((tx) => findMemory(tx, id)))!.alphaSpent;
    expect(spent).toBeGreaterThan(0);
    expect(spent).toBeLessThanOrEqual(0.01);
  });

  test('a rollout that ended well teaches what restarts of this service look like, once', async () => {
    await begin();
    await run(0, 45, 0);
    const phases = rollout.phases.map((one) => ({ ...one, state: 'passed' as const }));
    await store.transaction((tx) => saveRollout(tx, { ...rollout, state: 'succeeded', phases, endedAtMs: nowMs }));
    await run(45, 48, 0);
    const [curves] = await store.read((tx) => listCurves(tx, 'shop@production', 1000, 20));
    expect(Object.keys(curves!)).toEqual(['errors']);
    expect(curves!.errors!.mean.filter((value) => value !== null).length).toBeGreaterThan(8);
    expect(await store.read((tx) => listCurves(tx, 'shop@production', 60_000, 20))).toEqual([]);
  });

  test('a placebo teaches it too, although old and new are the same version', async () => {
    await begin();
    const round = { kind: 'restart', judged: false, to: 'v_new', from: [], placeboFor: 'ro_2' } as const;
    await store.transaction(async (tx) => {
      await saveRollout(tx, { ...rollout, ...round });
      await saveOperation(tx, {
        ...{ id: 'op_1', job: 'shop@production', index: 0, kind: 'restart', incarnation: 1, nextIncarnation: 2 },
        ...{ from: 'v_old', to: 'v_new', host: 'host-0', rollout: id, phase: 0, reason: '', state: 'done' },
        ...{ blockedBy: undefined, precondition: undefined, epoch: 1, deadlineAtMs: undefined },
        ...{ proposedAtMs: t0, admittedAtMs: t0 + 29_000, endedAtMs: t0 + 30_000, exemption: undefined },
        ...{ cancelAskedAtMs: undefined, isWithdrawn: false, dispatches: 1, outcome: undefined },
      });
    });
    await run(0, 45, 6);
    const phases = rollout.phases.map((one) => ({ ...one, state: 'passed' as const }));
    await store.transaction((tx) =>
      saveRollout(tx, { ...rollout, ...round, state: 'succeeded', phases, endedAtMs: nowMs }),
    );
    await engine.enqueue(lookAt(id));
    while (await engine.step()) {}
    const [curves] = await store.read((tx) => listCurves(tx, 'shop@production', 1000, 20));
    expect(curves!.errors).toMatchObject({ isPlacebo: true });
    expect(curves!.errors!.mean.filter((value) => value !== null).length).toBeGreaterThan(8);
    // It was looked at by nobody as if it were something new.
    expect(await latest()).toBeUndefined();
  });

  test('one that was stopped teaches nothing, until a person says that nothing was wrong with it', async () => {
    kept.clear();
    await begin();
    await run(0, 45, 6);
    expect((await latest())!.verdict.verdict).toBe('fail');
    await store.transaction((tx) => saveRollout(tx, { ...rollout, state: 'reverted', endedAtMs: nowMs }));
    const learnt = async () => {
      await engine.enqueue(lookAt(id));
      while (await engine.step()) {}
      return store.read((tx) => listCurves(tx, 'shop@production', 1000, 20));
    };
    expect(await learnt()).toEqual([]);
    const label = { rollout: id, actor: { kind: 'rollway', name: 'test' } as never, reason: undefined, atMs: nowMs };
    await store.transaction((tx) => saveLabel(tx, 'shop@production', { ...label, isTrue: true }));
    expect(await learnt()).toEqual([]);
    await store.transaction((tx) => saveLabel(tx, 'shop@production', { ...label, isTrue: false }));
    const [curves] = await learnt();
    expect(curves!.errors!.mean.some((value) => value !== null && value > 1)).toBe(true);
  });

  test('stops looking when the rollout is not running any more', async () => {
    await begin();
    await run(0, 36, 0);
    await store.transaction((tx) => saveRollout(tx, { ...rollout, state: 'held' }));
    await run(36, 38, 0);
    const looked = (await latest())!.verdict.atMs;
    await run(38, 45, 6);
    expect((await latest())!.verdict.atMs).toBe(looked);
  });

  test('D1 at a barrier it goes on looking, and spends what is left of the phase’s chance of error', async () => {
    await begin();
    const own = { name: 'us', job: rollout.job, rollout: id };
    const group = { id: 'run_1' as const, name: 'us', waves: [['us']], barrier: 'phase' as const, members: [own] };
    // The bake is over at second 40, before anything goes wrong.
    const brief = { ...phase, minBakeMs: 5000, maxBakeMs: 10_000 };
    await store.transaction((tx) => saveRollout(tx, { ...rollout, group, phases: [brief] }));
    await run(0, 43, 0);
    const spentInBake = (await store.read((tx) => findMemory(tx, id)))!.alphaSpent;
    const passed = { ...brief, state: 'passed' as const, endedAtMs: nowMs };
    await store.transaction((tx) => saveRollout(tx, { ...rollout, group, phases: [passed] }));
    await run(43, 75, 6);
    const row = (await latest())!;
    expect(row.verdict.verdict).toBe('fail');
    expect(row.verdict.atMs).toBeGreaterThan(passed.endedAtMs);
    const spent = (await store.read((tx) => findMemory(tx, id)))!.alphaSpent;
    expect(spent).toBeGreaterThan(spentInBake);
    expect(spent).toBeLessThanOrEqual(0.01);
  });

  test('a phase that has passed and waits for nobody is not looked at', async () => {
    await begin();
    await run(0, 36, 0);
    const looked = (await latest())!.verdict.atMs;
    await store.transaction((tx) => saveRollout(tx, { ...rollout, phases: [{ ...phase, state: 'passed' }] }));
    await run(36, 45, 6);
    expect((await latest())!.verdict.atMs).toBe(looked);
  });

  test('H9 damage to a neighbour fails the rollout, unless the neighbour changes itself', async () => {
    const cart = { service: 'cart', environment: null, checks: null, trust: 'revert' as const };
    // Of the same service elsewhere nothing is seen: it must not take the place of the other's memory.
    const neighbours = [cart, { ...cart, environment: 'staging' }];
    const cartJob = {
      ...{ id: 'cart@production', service: 'cart', environment: 'production', wantedSize: 4, budget: { count: 1 } },
      ...{
        limits: noLimits,
        env: {},
        hostLabels: {},
        driver: 'fleet',
      },
    };
    for (const isChanging of [false, true]) {
      await begin({ neighbours });
      await store.transaction(async (tx) => {
        const cart = { name: 'cart', repository: 'cart', configPath: '', branch: 'main', revision: 1, createdAtMs: t0 };
        await saveService(tx, cart as Parameters<typeof saveService>[1]);
        await insertRevision(tx, 'cart', 1, 'digest', JSON.stringify({ judge: spec }), 'abc', t0);
        await ensureJob(tx, cartJob as Parameters<typeof ensureJob>[1], t0);
        const own = { ...rollout, id: 'ro_2' as RolloutId, job: 'cart@production' as const };
        if (isChanging) await insertRollout(tx, own);
      });
      for (let second = 0; second < 50; second += 1) {
        for (let index = 0; index < 4; index += 1) {
          const [fromMs, toMs] = [t0 + second * 1000, t0 + second * 1000 + 1000];
          const who = { job: 'cart@production' as const, index, incarnation: 1, version: 'v_1' as const };
          const base = { ...who, state: 'serving' as const, metric: 'http_requests_total', fromMs, toMs };
          const failed = second >= 32 ? 8 : 0;
          const one = (code: string, counterDelta: number): Sample => ({
            ...base,
            labels: { code },
            value: { counterDelta },
          });
          samples.append([one('200', 40 - failed), one('500', failed)], t0 + second * 1000 + 1000);
        }
        await run(second, second + 1, 0);
      }
      const history = await store.read((tx) => readVerdicts(tx, id));
      const failed = history.filter(({ verdict }) => verdict.verdict === 'fail');
      if (isChanging) {
        expect(failed).toEqual([]);
        expect(history.at(-1)!.verdict.perCheck.find(({ check }) => check === 'cart')!.sentence).toMatch(
          /changes itself \(ro_2\)/,
        );
      } else {
        expect(failed[0]!.verdict.sentence).toMatch(/^Since this rollout began, of cart: .* of its requests failed/);
        const memory = await store.read((tx) => findMemory(tx, id));
        expect(memory!.state.surroundings).toMatchObject({ neighbours: { cart: { looks: expect.any(Number) } } });
        expect(replay(readInput(kept.get(failed[0]!.verdict.lookId)!), failed[0]!.verdict).isEqual).toBe(true);
        await store.close();
      }
    }
  });

  test('a silent host and a third party in trouble are left out, and said', async () => {
    await begin({ confounders: [{ name: 'provider', metric: 'provider_down', above: 0, service: null }] });
    await store.transaction(async (tx) => {
      await insertHost(tx, 'host-1', 'key', '0', t0);
      await updateHostState(tx, 'host-1', 'suspected', t0 + 38_000);
      await updateLastSeen(tx, ['host-1'], t0 + 38_000);
      const task = { index: 3, highestIncarnation: 1, servedOnce: true, outSinceMs: undefined, failedTries: 0 };
      const current = {
        incarnation: 1,
        version: 'v_old',
        state: 'serving',
        life: 0,
        host: 'host-1',
        sequence: 1,
        atMs: t0,
      };
      await saveTask(tx, 'shop@production', { ...task, notBeforeMs: 0, failedOn: [], current, others: [] } as never);
    });
    for (let second = 0; second < 45; second += 1) {
      const who = { job: 'shop@production' as const, index: 1, incarnation: 1, version: 'v_old' as const };
      const when = { fromMs: t0 + second * 1000, toMs: t0 + second * 1000 + 1000 };
      const gauge = second >= 32 ? 1 : 0;
      const one = { ...who, ...when, state: 'serving' as const, metric: 'provider_down', labels: {}, value: { gauge } };
      samples.append([one], t0 + second * 1000 + 1000);
      await run(second, second + 1, second < 32 ? 0 : 6);
    }
    const { verdict } = (await latest())!;
    expect(verdict.verdict).not.toBe('fail');
    expect(verdict.sentence).toMatch(/Left out: .*host host-1 was in trouble/);
    expect(verdict.sentence).toMatch(/in which provider was in trouble/);
  });
});

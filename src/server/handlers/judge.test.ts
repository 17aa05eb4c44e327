import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openTestFace, type TestFace } from '../../../test/server-face.ts';
import { noLimits } from '../../disruption/index.ts';
import { insertVerdict, saveCalibration } from '../../judge/rows.ts';
import { type CheckResult, type Rollout, type RolloutId, rollway, type Verdict } from '../../model/index.ts';
import { saveService } from '../../pipeline/rows.ts';
import { newRollout } from '../../rollout/index.ts';
import { ensureJob, insertRollout } from '../../rollout/rows.ts';

const job = 'shop@production' as const;
let face: TestFace;

beforeAll(async () => {
  face = await openTestFace();
  const { house } = face;
  const nowMs = house.clock.nowMs();
  await house.store.transaction(async (tx) => {
    await saveService(tx, {
      ...{ name: 'shop', repository: 'shop', branch: 'main', configPath: 'rollway.config.ts', createdAtMs: nowMs },
    } as never);
    await ensureJob(
      tx,
      {
        ...{ id: job, service: 'shop', environment: 'production', wantedSize: 2, budget: { count: 1 } },
        ...{ env: {}, hostLabels: {}, limits: noLimits, driver: 'fleet' },
      },
      nowMs,
    );
    for (const [i, verdict] of (['pass', 'fail'] as const).entries()) {
      const id = `ro_${i}` as RolloutId;
      await insertRollout(tx, rolloutOf(id, nowMs));
      await insertVerdict(tx, {
        ...{ rollout: id, phase: 0, measured: true, missing: [], lostData: false, powerReached: true },
        verdict: { verdict, lookId: `${id}/0/baking-2`, atMs: nowMs, perCheck: [resultOf(verdict)], sentence: 'So.' },
      } as never);
    }
  });
});
afterAll(() => face.close());

function rolloutOf(id: RolloutId, nowMs: number): Rollout {
  return newRollout(
    {
      ...{ id, job, release: undefined, to: 'v_new', kind: 'deploy', judged: true, holdAfter: undefined },
      ...{
        plan: { phases: [], newcomers: 'last-good', overlap: 'wait' },
        createdBy: rollway('test'),
        reason: undefined,
      },
    } as never,
    nowMs,
  );
}

function resultOf(verdict: Verdict): CheckResult {
  return {
    ...{
      check: 'errors',
      verdict,
      estimate: 0.1,
      interval: [0, 0.2],
      delta: 0.03,
      margin: 0.5,
      oldLevel: 1,
      newLevel: 2,
    },
    ...{ oldTasks: 1, newTasks: 1, newEvents: 10, power: 0.5, sentence: 'So.', drivers: [] },
  };
}

describe('the judge over the API', () => {
  test('what it found, and which checks it would run', async () => {
    const { samples, clock, settings } = face.house;
    const toMs = Math.floor(clock.nowMs() / settings.binMs) * settings.binMs;
    const base = {
      job,
      index: 0,
      incarnation: 1,
      version: 'v_a',
      state: 'serving',
      fromMs: toMs - settings.binMs,
      toMs,
    } as const;
    const counted = { ...base, metric: 'http_requests_total', labels: { code: '200' }, value: { counterDelta: 5 } };
    expect(samples.append([counted], clock.nowMs()).kept).toBe(1);
    const { items } = await face.client('viewer').discoverChecks({ params: { service: 'shop' } });
    expect(items[0]).toMatchObject({
      job,
      metrics: [{ metric: 'http_requests_total', kind: 'counter', labels: { code: 1 }, tasks: 1 }],
      findings: [],
    });
    expect(items[0]!.checks).toContainEqual(
      expect.objectContaining({
        name: 'errors',
        of: 'share of http_requests_total with code = 5..',
        from: 'discovered',
      }),
    );
  });

  test('the record: an alarm is unsaid until somebody labels it; only operators may, and it is audited', async () => {
    const record = async () => (await face.client('viewer').getTrustRecord({ params: { service: 'shop' } })).items[0]!;
    expect(await record()).toMatchObject({ check: 'errors', passes: 1, alarms: 1, unjudgedAlarms: 1, proposal: null });
    const alarms = async () => (await face.client('viewer').getTrustRecord({ params: { service: 'shop' } })).alarms;
    expect(await alarms()).toMatchObject([{ rollout: 'ro_1', checks: ['errors'], label: null, person: null }]);
    const label = (role: 'viewer' | 'operator', isTrue: boolean) =>
      face.client(role).labelVerdict({ params: { rollout: 'ro_1' }, body: { isTrue, reason: 'looked' } });
    await expect(label('viewer', true)).rejects.toThrow(/role/);
    await label('operator', true);
    await label('operator', false);
    expect(await record()).toMatchObject({ trueAlarms: 0, falseAlarms: 1, unjudgedAlarms: 0 });
    expect(await alarms()).toMatchObject([{ label: false }]);
    const events = await face.house.engine.readStream('server/audit', 0, 100);
    expect(events.filter(({ type }) => type === 'request/labelVerdict').length).toBeGreaterThanOrEqual(2);
  });

  test('a look whose samples are not kept is said to be so, not equal', async () => {
    const { looks } = await face.client('viewer').replayRollout({ params: { rollout: 'ro_1' } });
    expect(looks).toMatchObject([{ verdict: 'fail', replayed: null, isEqual: false }]);
    expect((await face.client('viewer').tuneJudge({ params: { service: 'shop' } })).items).toEqual([]);
  });

  test('calibration without a past is refused with what is missing; only operators may ask', async () => {
    const ask = (role: 'viewer' | 'operator') =>
      face.client(role).calibrateJudge({ params: { service: 'shop' }, body: { runs: 20 } });
    await expect(ask('viewer')).rejects.toThrow(/role/);
    const { items } = await ask('operator');
    expect(items).toMatchObject([{ job, runs: 0, checks: [], refused: expect.stringContaining('fewer than 50 bins') }]);
  });

  test('a check that is not honest is named in the record and wherever something waits', async () => {
    const sentence = 'errors alarmed in 9 of 60 rollouts that never were.';
    const found = { check: 'errors', alarms: 9, runs: 60, nominal: 0.02, isHonest: false, sentence };
    const checks = [{ ...found, interval: [0.07, 0.27] as const }];
    await face.house.store.transaction((tx) => saveCalibration(tx, job, { runs: 60, tasks: 6, bins: 90, checks }, 5));
    const client = face.client('viewer');
    const { items } = await client.getTrustRecord({ params: { service: 'shop' } });
    expect(items[0]!.calibration).toEqual({ isHonest: false, sentence, atMs: 5 });
    const { reasons } = await client.explain({ params: { kind: 'rollout', id: 'ro_0' } });
    expect(reasons).toContainEqual({ sentence, unblocker: 'rollway judge calibrate shop', sinceMs: 5 });
  });

  test('what does not exist is said to be missing', async () => {
    const client = face.client('viewer');
    await expect(client.discoverChecks({ params: { service: 'nothing' } })).rejects.toThrow(/no service nothing/);
    await expect(client.replayRollout({ params: { rollout: 'ro_9' } })).rejects.toThrow(/no rollout ro_9/);
  });
});

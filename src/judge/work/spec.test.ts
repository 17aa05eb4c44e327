import { expect, test } from 'vitest';
import type { CheckSpec, JudgeSpec, Rollout } from '../../model/index.ts';
import { insertRevision, saveService } from '../../pipeline/rows.ts';
import { openStore } from '../../store/index.ts';
import { plainCheck } from '../plain-check.ts';
import { saveCalibration } from '../rows.ts';
import { loadJudgeSpec, partsOf } from './spec.ts';

const check: CheckSpec = {
  ...plainCheck,
  name: 'errors',
  class: 'call',
  metric: { gauge: 'errors' },
  worse: 'higher',
  delta: 0.03,
  margin: 0.5,
  critical: true,
  required: false,
  trust: 'revert',
};
const spec: JudgeSpec = { checks: [check], failShare: 0.5, alpha: 0.05, binMs: 1000, warmupMs: 1000 };

test('a check that is not honest for this service may hold at most, until it is honest again', async () => {
  const store = await openStore({ kind: 'sqlite', path: ':memory:' });
  const rollout = { job: 'shop@production', release: undefined } as unknown as Rollout;
  const trust = async () => (await store.read((tx) => loadJudgeSpec(tx, rollout)))?.checks[0]?.trust;
  const calibrated = (isHonest: boolean) =>
    store.transaction((tx) => {
      const found = {
        check: 'errors',
        alarms: 9,
        runs: 60,
        interval: [0.07, 0.26],
        nominal: 0.05,
        sentence: '',
      } as const;
      return saveCalibration(
        tx,
        'shop@production',
        { runs: 60, tasks: 6, bins: 90, checks: [{ ...found, isHonest }] },
        1,
      );
    });
  await store.transaction(async (tx) => {
    const service = { name: 'shop', repository: 'shop', configPath: '', branch: 'main', revision: 1, createdAtMs: 1 };
    await saveService(tx, service as Parameters<typeof saveService>[1]);
    await insertRevision(tx, 'shop', 1, 'digest', JSON.stringify({ judge: spec }), 'abc', 1);
  });
  expect(await trust()).toBe('revert');
  await calibrated(false);
  expect(await trust()).toBe('hold');
  await calibrated(true);
  expect(await trust()).toBe('revert');
  await store.close();
});

test('the watch has a part of the same α', () => {
  const rollout = { phases: [{}, {}, {}], plan: { watchMs: 60_000 }, firstDeployment: false } as unknown as Rollout;
  expect(partsOf(rollout)).toBe(4);
  expect(partsOf({ ...rollout, firstDeployment: true })).toBe(3);
  expect(partsOf({ ...rollout, plan: { ...rollout.plan, watchMs: 0 } })).toBe(3);
});

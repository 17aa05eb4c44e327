import { existsSync, mkdirSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openTestFace, type TestFace } from '../../../test/server-face.ts';
import { openArtifactStore } from '../../artifact/index.ts';
import { noLimits } from '../../disruption/index.ts';
import { openBlobFiles } from '../../io/index.ts';
import { sha256 } from '../../kit/index.ts';
import type { VersionId } from '../../model/index.ts';
import { insertVersion } from '../../pipeline/rows.ts';
import { ensureJob, saveAssignment, updateJobInForce } from '../../rollout/rows.ts';
import { compileSpec } from '../../spec/index.ts';
import { tidy } from './housekeeping.ts';

let face: TestFace;
beforeAll(async () => {
  face = await openTestFace();
});
afterAll(() => face.close());

const versionOf = (n: number): VersionId => `v_${sha256(String(n)).slice(0, 16)}`;

test('packages of the last ten releases and whatever is assigned stay; the rest goes', async () => {
  const { house } = face;
  // No grace, so that what was stored a moment ago may go.
  const blobs = openBlobFiles(join(house.settings.dataFolder, 'packages'));
  const artifacts = openArtifactStore(blobs, { nowMs: () => Date.now() + 10_000 }, 0);
  const compiled = compileSpec({ name: 'shop', command: 'node .', ready: '/' }, 'rollway.yaml');
  if (!compiled.ok) throw new Error('not valid');
  const { task } = compiled.value.spec;
  const digests: string[] = [];
  for (let n = 0; n < 14; n++) {
    const content = Buffer.from(`package ${n}`);
    const chunk = sha256(content);
    await artifacts.writeChunk(chunk, content);
    const entry = { path: 'a', sizeBytes: content.length, executable: false };
    const added = await artifacts.addPackage({
      format: 1,
      entries: [entry],
      chunks: [{ digest: chunk, sizeBytes: content.length }],
    });
    if (!added.ok) throw new Error(added.error.detail);
    digests.push(added.value);
  }
  await house.store.transaction(async (tx) => {
    for (const [n, digest] of digests.entries()) {
      const about = { service: 'shop', commit: 'c', repository: 'shop', release: undefined, task };
      await insertVersion(tx, { id: versionOf(n), package: digest, createdAtMs: n, ...about });
    }
    const job = 'shop@production' as const;
    const wish = {
      service: 'shop',
      environment: 'production',
      wantedSize: 2,
      budget: { count: 1 },
      env: {},
      hostLabels: {},
    };
    await ensureJob(tx, { id: job, limits: noLimits, driver: 'fleet', ...wish }, 1);
    // Whatever a rollback may go to, the oldest too.
    const goodVersions = [13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 2].map(versionOf);
    await updateJobInForce(tx, { id: job, size: 2, resizingFrom: undefined, goodVersions });
    await saveAssignment(tx, { job, index: 0, version: versionOf(13), rollout: undefined, lastGood: versionOf(1) });
  });
  await tidy({ ...house, artifacts }, new AbortController().signal);
  const kept = (await artifacts.listPackages()).map(({ digest }) => digests.indexOf(digest)).sort((a, b) => a - b);
  expect(kept).toEqual([1, 2, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13]);
  for (const n of kept) expect((await artifacts.fetchChunk(sha256(`package ${n}`))).ok).toBe(true);
  expect((await artifacts.fetchChunk(sha256('package 0'))).ok).toBe(false);
});

test('logs of actions go with their releases, and after thirty days', async () => {
  const { house } = face;
  const release = (id: string, endedAtMs: number | null) => ({
    ...{ id, service: 'shop', repository: 'shop', pipeline_revision: 1, commit_id: 'c', subject: '', author: '' },
    ...{ position: 1, created_at_ms: 1, created_by: '{"kind":"person","name":"ada"}', state: 'succeeded' },
    ...{ ended_at_ms: endedAtMs, is_configured: 1, is_named: 0 },
  });
  const ids = Array.from({ length: 13 }, (_, n) => `rel_${String(n).padStart(2, '0')}`);
  await house.store.transaction(async (tx) => {
    const about = { repository: 'shop', branch: 'main', config_path: 'rollway.yaml', created_at_ms: 1 };
    await tx
      .insertInto('service')
      .values({ name: 'shop', ...about } as never)
      .execute();
    for (const [n, id] of ids.entries()) {
      await tx
        .insertInto('release')
        .values(release(id, n === 0 ? null : 5) as never)
        .execute();
      const run = { action: 'build', kind: 'action' as const, attempt: 1, state: 'succeeded', service: 'shop' };
      const none = { outputs: '{}', inputs: '{}', is_machine_fault: 0, created_at_ms: 1 };
      await tx
        .insertInto('action_run')
        .values({ id: id.replace('rel', 'run'), release: id, ...run, ...none })
        .execute();
    }
  });
  const folder = join(house.settings.dataFolder, 'action-logs');
  mkdirSync(folder, { recursive: true });
  const write = (name: string, hoursAgo: number) => {
    writeFileSync(join(folder, name), 'x');
    const atSeconds = Date.now() / 1000 - hoursAgo * 3600;
    utimesSync(join(folder, name), atSeconds, atSeconds);
  };
  for (const id of ids) write(`${id.replace('rel', 'run')}.log`, 2);
  write('run_12.log', 31 * 24);
  write('run_unknown.log', 0);
  await tidy(house, new AbortController().signal);
  // The first has not ended, the next two are older than the ten newest, the last log is a month old.
  const gone = ['run_01.log', 'run_02.log', 'run_12.log'];
  for (const id of ids) {
    const name = `${id.replace('rel', 'run')}.log`;
    expect([name, existsSync(join(folder, name))]).toEqual([name, !gone.includes(name)]);
  }
  expect(existsSync(join(folder, 'run_unknown.log'))).toBe(true);
});

test('of older rollouts the last look of each phase stays; what has ended keeps no memory of the judge', async () => {
  const { house } = face;
  const looksOf = (rollout: string) =>
    house.store.read((tx) => tx.selectFrom('verdict').select('look_id').where('rollout', '=', rollout).execute());
  const ids = Array.from({ length: 12 }, (_, n) => `ro_${String(n).padStart(2, '0')}`);
  await house.store.transaction(async (tx) => {
    for (const [n, id] of ids.entries()) {
      const isLive = n === 0;
      const about = { job: 'shop@production', to_version: 'v_1', kind: 'deploy', state: 'x', created_at_ms: 1 };
      const ended = { is_ended: isLive ? 0 : 1, ended_at_ms: isLive ? null : 5, release: null, body: '{}' };
      await tx
        .insertInto('rollout')
        .values({ id, ...about, ...ended } as never)
        .execute();
      await tx.insertInto('judge_memory').values({ rollout: id, job: about.job, memory: '{}', at_ms: 1 }).execute();
      for (const [phase, at_ms] of [
        [0, 1],
        [0, 2],
        [1, 3],
        [1, 4],
      ] as const) {
        const look = { rollout: id, phase, look_id: `look_${at_ms}`, verdict: 'pass', is_measured: 1, at_ms };
        await tx
          .insertInto('verdict')
          .values({ ...look, body: '{}' })
          .execute();
      }
    }
  });
  await tidy(house, new AbortController().signal);
  expect((await looksOf('ro_01')).map(({ look_id }) => look_id).sort()).toEqual(['look_2', 'look_4']);
  for (const id of ['ro_00', 'ro_02', 'ro_11']) expect(await looksOf(id)).toHaveLength(4);
  const memories = await house.store.read((tx) => tx.selectFrom('judge_memory').select('rollout').execute());
  expect(memories).toEqual([{ rollout: 'ro_00' }]);
});

test('operations go thirty days after their end, but not those of a rollout that goes on; events stay', async () => {
  const { house } = face;
  const day = 86_400_000;
  const now = house.clock.nowMs();
  const operations = [
    ['op_old', 'ro_01', now - 31 * day],
    ['op_new', 'ro_01', now - 29 * day],
    ['op_old_of_live', 'ro_00', now - 31 * day],
    ['op_open', 'ro_01', null],
    ['op_of_none', null, now - 31 * day],
  ] as const;
  await house.store.transaction(async (tx) => {
    for (const [id, rollout, ended_at_ms] of operations) {
      const about = { job: 'shop@production', task_index: 0, kind: 'update', incarnation: 1, next_incarnation: 2 };
      const more = { reason: '', state: 'x', proposed_at_ms: 1, is_ended: ended_at_ms === null ? 0 : 1, facts: '{}' };
      await tx
        .insertInto('operation')
        .values({ id, rollout, ended_at_ms, ...about, ...more } as never)
        .execute();
    }
  });
  await tidy(house, new AbortController().signal);
  const left = await house.store.read((tx) => tx.selectFrom('operation').select('id').orderBy('id').execute());
  expect(left.map(({ id }) => id)).toEqual(['op_new', 'op_old_of_live', 'op_open']);
});

/**
 * Memory of the control plane: per 1,000 idle pipelines, and per 100 rollouts under way (12 tasks each, every task
 * known, the job's decision taken). SQLite on disk, real engine. `node --expose-gc bench/memory.ts`.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { saveTask } from '../src/disruption/rows.ts';
import { sha256, stableJson } from '../src/kit/index.ts';
import type { JobId, PlanSpec, RolloutId, ServiceSpec, VersionId } from '../src/model/index.ts';
import * as pipeline from '../src/pipeline/rows.ts';
import { newRollout } from '../src/rollout/index.ts';
import { readRollouts } from '../src/rollout/read.ts';
import { ensureJob, insertRollout, saveAssignment } from '../src/rollout/rows.ts';
import { compose } from '../src/server/compose.ts';
import { openDataFolder } from '../src/server/data-folder.ts';
import { silentLog } from '../src/server/log.ts';
import { readSettings } from '../src/server/settings.ts';
import { compileSpec } from '../src/spec/index.ts';
import { writeResult } from './machine.ts';

if (!globalThis.gc) throw new Error('run it with --expose-gc');
const pipelines = 1000;
const rollouts = 100;
const tasks = 12;
const folder = mkdtempSync(join(tmpdir(), 'rollway-memory-'));
const lock = openDataFolder(folder);
const house = await compose(readSettings({ dataFolder: folder, contextFile: undefined }), silentLog);
const running = new AbortController();
const turns = house.engine.run(running.signal);

try {
  const empty = await settled();
  for (let i = 0; i < pipelines; i++) await addPipeline(`service-${i}`);
  const withPipelines = await settled();
  for (let i = 0; i < rollouts; i++) await addRollout(`service-${i}`);
  const withRollouts = await settled();
  const live = (await house.store.read((tx) => readRollouts(tx, { limit: rollouts }))).filter(
    ({ state }) => state === 'running',
  );
  if (live.length !== rollouts) throw new Error(`only ${live.length} rollouts are under way`);
  const figures = {
    emptyMb: empty,
    per1000IdlePipelinesMb: Math.round((withPipelines - empty) * 10) / 10,
    per100ActiveRolloutsMb: Math.round((withRollouts - withPipelines) * 10) / 10,
  };
  console.log(
    `resident: ${empty} MB empty, +${figures.per1000IdlePipelinesMb} MB for ${pipelines} idle pipelines, +${figures.per100ActiveRolloutsMb} MB for ${rollouts} rollouts of ${tasks} tasks`,
  );
  console.log(`written to ${writeResult('memory', { unit: 'MB resident', pipelines, rollouts, tasks, figures })}`);
} finally {
  running.abort();
  await turns;
  await house.close();
  lock.release();
  rmSync(folder, { recursive: true, force: true });
}

/** Resident memory in MB after everything due has run and the garbage is gone; the smallest of a few looks. */
async function settled(): Promise<number> {
  let least = Number.POSITIVE_INFINITY;
  for (let look = 0; look < 8; look++) {
    await house.clock.sleepUntil(house.clock.nowMs() + 400);
    globalThis.gc?.();
    least = Math.min(least, process.memoryUsage.rss());
  }
  return Math.round(least / 2 ** 20);
}

/** A repository that was read, its service with a pipeline revision; its next reading is an hour away. */
async function addPipeline(name: string): Promise<void> {
  const nowMs = house.clock.nowMs();
  await house.engine.append({
    write: async (tx) => {
      await pipeline.saveRepository(tx, {
        ...{ name, location: `/repositories/${name}`, branch: 'main', pollEveryMs: 3_600_000, createdAtMs: nowMs },
        ...{ heads: { main: sha256(name).slice(0, 40) }, polledAtMs: nowMs, readingSinceMs: undefined },
        ...{ isReadWanted: false, wantedTips: [] },
      });
      await pipeline.saveService(tx, serviceOf(name, nowMs));
      await pipeline.insertRevision(
        tx,
        name,
        1,
        sha256(name),
        stableJson(specOf(name)),
        sha256(name).slice(0, 40),
        nowMs,
      );
    },
    work: [
      { kind: 'repository/poll', key: name, dueAtMs: nowMs + 3_600_000 },
      { kind: 'pipeline/decide', key: name },
    ],
  });
}

async function addRollout(service: string): Promise<void> {
  const nowMs = house.clock.nowMs();
  const job: JobId = `${service}@production`;
  const spec = specOf(service);
  const deploy = spec.pipeline.actions.find((action) => action.type === 'deploy');
  const version = (content: string): VersionId => `v_${sha256(`${service} ${content}`).slice(0, 16)}`;
  await house.engine.append({
    write: async (tx) => {
      const { tasks: wantedSize, budget, env, hosts: hostLabels } = spec.environments[0]!;
      await ensureJob(
        tx,
        { id: job, service, environment: 'production', wantedSize, budget, env, hostLabels, driver: 'fleet' },
        nowMs,
      );
      for (const content of ['old', 'new']) {
        await pipeline.insertVersion(tx, {
          ...{ id: version(content), service, commit: sha256(content).slice(0, 40), repository: service },
          ...{ release: undefined, package: sha256(content), task: spec.task, createdAtMs: nowMs },
        });
      }
      for (let index = 0; index < tasks; index++) {
        await saveAssignment(tx, { job, index, version: version('old'), rollout: undefined, lastGood: version('old') });
        await saveTask(tx, job, servingTask(index, version('old'), nowMs));
      }
      const id: RolloutId = `ro_${service.replace('-', '')}`;
      const createdBy = { kind: 'person', name: 'bench' } as const;
      const request = { id, job, release: undefined, to: version('new'), kind: 'deploy', judged: true } as const;
      const rest = { plan: deploy?.plan as PlanSpec, holdAfter: undefined, createdBy, reason: undefined };
      await insertRollout(tx, newRollout({ ...request, ...rest }, nowMs));
    },
    work: [{ kind: 'job/decide', key: job }],
  });
}

function servingTask(index: number, version: VersionId, nowMs: number): Parameters<typeof saveTask>[2] {
  return {
    ...{ index, highestIncarnation: 1, servedOnce: true, outSinceMs: undefined, failedTries: 0, notBeforeMs: 0 },
    others: [],
    current: {
      ...{ incarnation: 1, life: 0, host: `host-${index}`, version, state: 'serving', ports: { http: 20_000 + index } },
      ...{ address: '127.0.0.1', sequence: 1, reportedAtMs: nowMs, servingSinceMs: nowMs, failure: undefined },
    },
  };
}

function serviceOf(name: string, nowMs: number): Parameters<typeof pipeline.saveService>[1] {
  return { name, repository: name, configPath: 'rollway.yaml', branch: 'main', revision: 1, createdAtMs: nowMs };
}

function specOf(name: string): ServiceSpec {
  const config = { name, command: 'node server.js', ready: '/healthz', metrics: '/metrics', test: 'npm test', tasks };
  const compiled = compileSpec(config, 'rollway.yaml');
  if (!compiled.ok) throw new Error(JSON.stringify(compiled.error));
  return compiled.value.spec;
}

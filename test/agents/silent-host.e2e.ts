// A host that goes silent (design section 5): real agents in processes of their own, stopped by SIGSTOP; the control
// plane decides by itself, with shorter times.

import type { ChildProcess } from 'node:child_process';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { noLimits } from '../../src/disruption/index.ts';
import type { Engine } from '../../src/engine/index.ts';
import { type DiscoveryEntry, defaultSilenceRules } from '../../src/fleet/index.ts';
import { readDiscovery } from '../../src/fleet/read.ts';
import { declareDead, fleetWatch } from '../../src/fleet/work.ts';
import { realClock } from '../../src/io/clock.ts';
import type { JobId, PlanSpec, TaskSpec, Version } from '../../src/model/index.ts';
import { insertVersion } from '../../src/pipeline/rows.ts';
import { newRollout } from '../../src/rollout/index.ts';
import { ensureJob, insertRollout } from '../../src/rollout/rows.ts';
import { rolloutWork } from '../../src/rollout/work.ts';
import { openRig, packApp, processesOf, type Rig, task, until } from './rig.ts';

const rules = { ...defaultSilenceRules, heartbeatMs: 300, lostAfterMs: 5000 };
const person = { kind: 'person', name: 'ada' } as const;
const plan = {
  phases: [
    {
      ...{ name: 'all', select: { percent: 100 }, concurrency: { percent: 100 }, minBakeMs: 0, maxBakeMs: 0 },
      ...{ onFail: 'hold', onUndecided: 'proceed' },
    },
  ],
  newcomers: 'last-good',
  overlap: 'wait',
  forwardOnly: false,
} as const satisfies PlanSpec;

let rig: Rig;
let engine: Engine;
const agents = new Map<string, ChildProcess>();
const hosts = ['host-1', 'host-2', 'host-3'];

beforeEach(async () => {
  rig = await openRig('127.0.0.1', (made, server) => {
    engine = made;
    const rollout = rolloutWork({ driverOf: () => server.driver, clock: realClock });
    const elsewhere = ['pipeline/decide', 'judge/look'].map((kind) => ({ kind, run: async () => undefined }));
    for (const kind of [fleetWatch(rules), ...rollout.work, ...elsewhere]) engine.registerWork(kind);
    for (const effect of rollout.effects) engine.registerEffect(effect);
  });
  for (const host of hosts) agents.set(host, await rig.spawn(host, { times: { leaseMs: 2000 } }));
});
afterEach(async () => {
  for (const agent of agents.values()) agent.kill('SIGCONT');
  await rig.close();
});

/** Deploys a first version of a job and waits until all its tasks serve. */
async function deploy(job: JobId, size: number, change: Partial<TaskSpec> = {}): Promise<void> {
  const digest = await packApp(rig, job);
  const version: Version = {
    ...{ id: `v_${digest.slice(0, 16)}`, service: 'web', commit: 'a'.repeat(40), repository: 'r', release: undefined },
    ...{ package: digest, task: { ...task, resources: { cpuMillis: 200, memoryMb: 100 }, ...change }, createdAtMs: 0 },
  };
  const [service = '', environment = ''] = job.split('@');
  const wish = {
    id: job,
    service,
    environment,
    wantedSize: size,
    budget: { count: 2 },
    env: {},
    hostLabels: {},
    limits: noLimits,
    driver: 'fleet',
  };
  const request = {
    id: `ro_${service}`,
    job,
    release: undefined,
    to: version.id,
    kind: 'deploy',
    plan,
    judged: false,
  } as const;
  const rollout = newRollout({ ...request, holdAfter: undefined, createdBy: person, reason: undefined }, Date.now());
  await engine.append({
    async write(tx) {
      await insertVersion(tx, version);
      await ensureJob(tx, wish, Date.now());
      await insertRollout(tx, rollout);
    },
    work: [{ kind: 'job/decide', key: job }],
  });
  await until(async () => (await discovered(job)).length === size, `${size} tasks serve`, 20_000);
}

const discovered = async (job: JobId): Promise<readonly DiscoveryEntry[]> =>
  (await rig.store.read((tx) => readDiscovery(tx, job))).entries;
const typesOf = async (host: string) => (await engine.readStream(`host/${host}`, 0, 100)).map(({ type }) => type);

describe('a host that goes silent', () => {
  test('TWD-3 TWD-4 TWH-2 is suspected, then lost; its tasks start elsewhere; when it returns the old ones stop', async () => {
    const job = 'web@test';
    await deploy(job, 6);
    const before = await discovered(job);
    const elsewhere = before.filter(({ host }) => host !== 'host-1').map(({ index }) => index);
    expect(elsewhere).toHaveLength(4);

    agents.get('host-1')?.kill('SIGSTOP');
    await until(async () => (await discovered(job)).length === 4, 'its tasks leave discovery');
    expect((await discovered(job)).map(({ index }) => index)).toEqual(elsewhere);
    expect(await typesOf('host-1')).toEqual(['host.joined', 'host.described', 'host.suspected']);
    // Nothing moves yet, and the tasks themselves go on.
    expect(processesOf(rig, job)).toHaveLength(6);

    await until(async () => (await discovered(job)).length === 6, 'they serve elsewhere', 20_000);
    const after = await discovered(job);
    expect(after.some(({ host }) => host === 'host-1')).toBe(false);
    const moved = after.filter(({ index }) => !elsewhere.includes(index));
    expect(moved.map(({ incarnation }) => incarnation)).toEqual([2, 2]);
    expect(after.filter(({ index }) => elsewhere.includes(index))).toEqual(
      before.filter(({ index }) => elsewhere.includes(index)),
    );
    expect(processesOf(rig, job)).toHaveLength(8);

    agents.get('host-1')?.kill('SIGCONT');
    await until(() => processesOf(rig, job).length === 6, 'the superseded tasks are stopped', 20_000);
    expect(await discovered(job)).toEqual(after);
    expect((await typesOf('host-1')).slice(-2)).toEqual(['host.lost', 'host.up']);
  }, 90_000);

  test('TWD-5 a singleton waits until a person declares the host dead, and never runs twice', async () => {
    const job = 'one@test';
    await deploy(job, 1, { singleton: true });
    const [first] = await discovered(job);
    const host = first?.host ?? '';
    agents.get(host)?.kill('SIGSTOP');
    await until(async () => (await typesOf(host)).includes('host.lost'), 'it is lost', 20_000);
    const unknown = await engine.commitAs(person, declareDead('host-9', person, 'no such host', Date.now()));
    expect(unknown).toMatchObject({ ok: false, error: { code: 'host/unknown' } });
    // Its keeper hears of no agent and ends it: nobody else may start it before a person has spoken.
    await until(() => processesOf(rig, job).length === 0, 'its lease is over', 20_000);
    expect(await discovered(job)).toEqual([]);

    await engine.commitAs(person, declareDead(host, person, 'its fan stopped', Date.now()));
    await until(async () => (await discovered(job)).length === 1, 'it serves elsewhere', 20_000);
    expect(await discovered(job)).toMatchObject([{ index: 0, incarnation: 2 }]);
    expect((await discovered(job))[0]?.host).not.toBe(host);

    agents.get(host)?.kill('SIGCONT');
    await until(async () => (await typesOf(host)).at(-1) === 'host.up', 'the host is back', 20_000);
    expect(processesOf(rig, job)).toHaveLength(1);
    expect(await discovered(job)).toMatchObject([{ incarnation: 2 }]);
  }, 90_000);

  test('when most fall silent together nothing moves and clients keep their entries', async () => {
    const job = 'web@test';
    await deploy(job, 3);
    const before = await discovered(job);
    for (const host of ['host-1', 'host-2']) agents.get(host)?.kill('SIGSTOP');
    const alarms = async () => (await engine.readStream('fleet', 0, 100)).map(({ type }) => type);
    await until(async () => (await alarms()).includes('fleet.mass-silence-began'), 'the alarm', 20_000);
    // Longer than a single host would need to be lost.
    const untilMs = Date.now() + rules.lostAfterMs + 1500;
    await until(
      async () => {
        expect(await discovered(job)).toEqual(before);
        return Date.now() > untilMs;
      },
      'time passes',
      20_000,
    );
    for (const host of ['host-1', 'host-2']) agents.get(host)?.kill('SIGCONT');
    await until(async () => (await alarms()).includes('fleet.mass-silence-ended'), 'the end of it', 20_000);
    expect(await discovered(job)).toEqual(before);
    expect(await typesOf('host-1')).toEqual(['host.joined', 'host.described']);
  }, 90_000);
});

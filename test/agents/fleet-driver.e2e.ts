// The fleet driver with a real server half, real agents, keepers and tasks, against the suite of all drivers.
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { driverConformance } from '../../src/drivers/conformance.ts';
import type { TaskSpec, Version } from '../../src/model/index.ts';
import { openRig, packApp, processesOf, type RunningAgent, task, until } from './rig.ts';

driverConformance('fleet', async () => {
  const rig = await openRig();
  const agents = new Map<string, RunningAgent>();
  for (const host of ['host-1', 'host-2']) agents.set(host, await rig.start(host));

  async function makeVersion(label: string, change: Partial<TaskSpec> = {}): Promise<Version> {
    const digest = await packApp(rig, label);
    return {
      ...{ id: `v_${digest.slice(0, 16)}`, service: 'conform', commit: 'a'.repeat(40), repository: 'r' },
      ...{ release: undefined, package: digest, task: { ...task, dataDir: false, ...change }, createdAtMs: 0 },
    };
  }

  return {
    driver: rig.server.driver,
    hosts: ['host-1', 'host-2'],
    versions: {
      good: await makeVersion('good'),
      other: await makeVersion('other'),
      neverReady: await makeVersion('never', {
        env: { MODE: 'never' },
        ready: { http: { path: '/ready', port: 'http' }, deadlineMs: 500 },
      }),
    },
    until: (condition, what) => until(condition, what, 15_000),
    settle: () => sleep(700),
    async running(job, index) {
      const incarnations = processesOf(rig, job).map((pid) => environmentOf(pid));
      const own = incarnations.filter((env) => env.ROLLWAY_INDEX === String(index));
      return [...new Set(own.map((env) => Number(env.ROLLWAY_INCARNATION)))].sort((a, b) => a - b);
    },
    async partition(host) {
      await agents.get(host)?.stop();
      await until(() => !rig.server.isConnected(host), `${host} is not connected`);
    },
    async heal(host) {
      agents.set(host, await rig.start(host));
    },
    close: () => rig.close(),
  };
});

function environmentOf(pid: number): Record<string, string> {
  try {
    const pairs = readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0');
    return Object.fromEntries(
      pairs.map((pair) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)]),
    );
  } catch {
    return {};
  }
}

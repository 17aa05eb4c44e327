import { randomBytes } from 'node:crypto';
import { dirname, join } from 'node:path';
import type { ExecuteOrder } from '../api/index.ts';
import { launchOf } from '../drivers/index.ts';
import { makeCgroup } from '../io/cgroup.ts';
import { ensureFolder } from '../io/files.ts';
import { findFreePort } from '../io/ports.ts';
import type { TaskSpec } from '../model/index.ts';
import { indexFolder } from './folders.ts';
import type { KeeperSpec, Probe } from './keeper/spec.ts';
import type { TaskMemory } from './memory.ts';
import type { Parts } from './parts.ts';

const basePath = `${dirname(process.execPath)}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin`;

/** Environment every process of ours begins with; nothing of the agent's own. */
export function cleanEnvironment(home: string, temporary: string): Record<string, string> {
  return { PATH: basePath, HOME: home, TMPDIR: temporary, LANG: 'C.UTF-8', TZ: 'UTC' };
}

/** A name for a keeper's folder that no other keeper of this agent has or had. */
export function keeperName({ memory }: Parts): string {
  return `k${memory.takeKeeperNumber()}`;
}

/** Unique on this machine and after: it marks every process of the task. */
export function keeperId(host: string, name: string): string {
  return `${host}-${name}-${randomBytes(6).toString('hex')}`;
}

/** A port for each name: those the index had last when they are free, so that its address rarely changes. */
export async function assignPorts(parts: Parts, order: ExecuteOrder): Promise<Record<string, number>> {
  const { memory, options, chance } = parts;
  const last = memory.index(order.job, order.index).ports;
  const taken = new Set<number>();
  for (const task of memory.tasks()) {
    const isOwn = task.job === order.job && task.index === order.index;
    if (task.wanted === 'running' && !isOwn) for (const port of Object.values(task.ports)) taken.add(port);
  }
  const ports: Record<string, number> = {};
  for (const name of order.version?.task.ports ?? []) {
    const port = await findFreePort(options.address, taken, last[name], chance);
    taken.add(port);
    ports[name] = port;
  }
  return ports;
}

/** Everything a keeper needs to run one incarnation. */
export async function taskKeeperSpec(
  parts: Parts,
  task: TaskMemory,
  name: string,
  packageFolder: string,
): Promise<KeeperSpec> {
  const version = task.order.version;
  if (!version) throw new Error(`${task.job}/${task.index} has no version to run`);
  const { task: spec } = version;
  const folder = indexFolder(parts.folders, task.job, task.index);
  const dataDir = join(folder, 'data');
  const temporary = join(folder, 'tmp');
  for (const each of [dataDir, temporary]) await ensureFolder(each, 0o700);
  const { job, index, incarnation, order, ports, address } = task;
  const { command, env } = launchOf(
    { job, index, incarnation, version, env: order.env },
    { host: parts.host, address, ports, dataDir },
    cleanEnvironment(dataDir, temporary),
  );
  const cgroup = parts.confinement.cgroups ? makeCgroup(parts.confinement.cgroups, name, spec.resources) : null;
  return {
    format: 1,
    id: keeperId(parts.host, name),
    work: {
      kind: 'task',
      command: [...command],
      stop: spec.stop,
      probe: probeOf(spec, task),
      readyDeadlineMs: spec.ready.deadlineMs,
      restart: parts.times.restart,
      firstLife: task.nextLife,
    },
    cwd: packageFolder,
    env: { ...env },
    logs: { kind: 'segments', folder: join(folder, 'log'), maxBytes: parts.maxLogBytes },
    lease: { ms: parts.times.leaseMs, atEnd: spec.singleton ? 'stop' : 'keep-running' },
    cgroup,
    sandbox: parts.confinement.sandboxForTask(folder, packageFolder),
  };
}

/** How the readiness of a task is asked, with its address and ports. */
export function probeOf({ ready }: TaskSpec, { ports, address: host }: TaskMemory): Probe {
  if ('http' in ready) return { kind: 'http', host, port: ports[ready.http.port] ?? 0, path: ready.http.path };
  if ('tcp' in ready) return { kind: 'tcp', host, port: ports[ready.tcp.port] ?? 0 };
  if ('log' in ready) return { kind: 'log', contains: ready.log.contains };
  return { kind: 'running', afterMs: ready.running.afterMs };
}

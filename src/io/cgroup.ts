import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Limits of one task. */
export interface CgroupLimits {
  /** Thousandths of a core that it is sure to get when others want them too. */
  readonly cpuMillis: number;
  readonly memoryMb: number;
}

/** What the kernel lets us do, found by trying. */
export type CgroupBackend =
  | { readonly kind: 'v2'; readonly root: string; readonly controllers: readonly string[] }
  | { readonly kind: 'v1'; readonly roots: Readonly<Record<string, string>> };

/** One made group: plain data, so that a keeper can be handed it in a file. */
export interface Cgroup {
  readonly kind: 'v1' | 'v2';
  /** Folders whose `cgroup.procs` a process is written into; by controller (v2: `unified`). */
  readonly folders: Readonly<Record<string, string>>;
}

/** Where the kernel shows its groups, and ours among them; tests give a tree of their own. */
export interface CgroupTree {
  readonly mountPoint: string;
  /** The file that names the group of this process. */
  readonly ownFile: string;
}

const kernelTree: CgroupTree = { mountPoint: '/sys/fs/cgroup', ownFile: '/proc/self/cgroup' };
const v1Controllers = ['cpu', 'memory', 'pids', 'freezer'] as const;
const periodUs = 100_000;
const mebibyte = 1024 * 1024;

/**
 * Finds which layout is there and whether we may make groups in it (a group below our own, named for this agent, so
 * that several agents on one machine do not meet). Undefined: no limits on this host.
 */
export function probeCgroups(agentName: string, tree: CgroupTree = kernelTree): CgroupBackend | undefined {
  if (process.platform !== 'linux') return undefined;
  return probeV2(agentName, tree) ?? probeV1(agentName, tree);
}

/** Names of what the backend can limit, for `abilities`: `cgroup-v1-memory` … */
export function cgroupAbilities(backend: CgroupBackend | undefined): string[] {
  if (!backend) return [];
  const names = backend.kind === 'v2' ? backend.controllers : Object.keys(backend.roots);
  return names.map((name) => `cgroup-${backend.kind}-${name}`);
}

/** Makes a group, with limits or only to know who is in it. What the host cannot limit is left out. */
export function makeCgroup(backend: CgroupBackend, name: string, limits: CgroupLimits | undefined): Cgroup {
  if (backend.kind === 'v2') {
    const folder = join(backend.root, name);
    mkdirSync(folder, { recursive: true });
    if (!limits) return { kind: 'v2', folders: { unified: folder } };
    write(folder, 'memory.max', limits.memoryMb * mebibyte);
    write(folder, 'memory.swap.max', 0);
    write(folder, 'memory.oom.group', 1);
    write(folder, 'cpu.weight', cpuWeight(limits));
    write(folder, 'cpu.max', `${quotaUs(limits)} ${periodUs}`);
    return { kind: 'v2', folders: { unified: folder } };
  }
  const folders: Record<string, string> = {};
  for (const [controller, root] of Object.entries(backend.roots)) {
    const folder = join(root, name);
    mkdirSync(folder, { recursive: true });
    folders[controller] = folder;
  }
  if (folders.memory && limits) write(folders.memory, 'memory.limit_in_bytes', limits.memoryMb * mebibyte);
  if (folders.cpu && limits) {
    write(folders.cpu, 'cpu.shares', cpuShares(limits));
    write(folders.cpu, 'cpu.cfs_period_us', periodUs);
    write(folders.cpu, 'cpu.cfs_quota_us', quotaUs(limits));
  }
  return { kind: 'v1', folders };
}

/** The files into which a process id is written to put it, and all it starts, into the group. */
export function membershipFiles(cgroup: Cgroup): string[] {
  return Object.values(cgroup.folders).map((folder) => join(folder, 'cgroup.procs'));
}

/** Everyone in the group now. */
export function cgroupMembers(cgroup: Cgroup): number[] {
  const members = new Set<number>();
  for (const file of membershipFiles(cgroup)) {
    for (const line of read(file).split('\n')) if (line !== '') members.add(Number(line));
  }
  return [...members];
}

/** How often the kernel has killed in this group for want of memory. */
export function oomKills(cgroup: Cgroup): number {
  const folder = cgroup.folders.unified ?? cgroup.folders.memory;
  if (!folder) return 0;
  const text = read(join(folder, cgroup.kind === 'v2' ? 'memory.events' : 'memory.oom_control'));
  return Number(/^oom_kill (\d+)$/m.exec(text)?.[1] ?? 0);
}

/** Kills everyone in it. Call again until `cgroupMembers` is empty: a fork can be under way. */
export function killCgroup(cgroup: Cgroup): void {
  if (cgroup.folders.unified && write(cgroup.folders.unified, 'cgroup.kill', 1)) return;
  for (const pid of cgroupMembers(cgroup)) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // gone meanwhile
    }
  }
}

/** Removes an empty group; false while somebody is still in it. */
export function removeCgroup(cgroup: Cgroup): boolean {
  let isGone = true;
  for (const folder of Object.values(cgroup.folders)) isGone = removeFolder(folder) && isGone;
  return isGone;
}

/** Removes the agent's own group and the empty groups in it; whatever has somebody in it stays. */
export function closeCgroups(backend: CgroupBackend): void {
  for (const root of backend.kind === 'v2' ? [backend.root] : Object.values(backend.roots)) {
    for (const name of listFolders(root)) removeFolder(join(root, name));
    removeFolder(root);
  }
}

function probeV2(agentName: string, { mountPoint, ownFile }: CgroupTree): CgroupBackend | undefined {
  if (!existsSync(join(mountPoint, 'cgroup.controllers'))) return undefined;
  const own = /^0::(\/.*)$/m.exec(read(ownFile))?.[1];
  if (own === undefined) return undefined;
  const root = join(mountPoint, own, agentName);
  try {
    mkdirSync(root, { recursive: true });
    const available = read(join(root, 'cgroup.controllers')).trim().split(' ');
    const wanted = ['cpu', 'memory', 'pids'].filter((name) => available.includes(name));
    // With processes in our own group the kernel hands no controller down; `cgroup.kill` works all the same.
    const controllers = wanted.filter((name) => write(root, 'cgroup.subtree_control', `+${name}`));
    return { kind: 'v2', root, controllers: [...controllers, 'kill'] };
  } catch {
    return undefined;
  }
}

function probeV1(agentName: string, { mountPoint, ownFile }: CgroupTree): CgroupBackend | undefined {
  const roots: Record<string, string> = {};
  const own = read(ownFile);
  for (const controller of v1Controllers) {
    if (!existsSync(join(mountPoint, controller, 'cgroup.procs'))) continue;
    const path = new RegExp(`^\\d+:(?:[^:]*,)?${controller}(?:,[^:]*)?:(/.*)$`, 'm').exec(own)?.[1] ?? '/';
    const root = join(mountPoint, controller, path, agentName);
    try {
      mkdirSync(root, { recursive: true });
      roots[controller] = root;
    } catch {
      // not permitted: the host offers one ability less
    }
  }
  return Object.keys(roots).length > 0 ? { kind: 'v1', roots } : undefined;
}

/**
 * A task may use what is idle, up to four times its share and at least one core: a start needs far more than the
 * steady state, and a hard limit at the share shows up in nobody's metrics but in everybody's p99.
 * `cpuMillis: 500` → 2 cores → 200,000 µs in each period of 100,000.
 */
function quotaUs({ cpuMillis }: CgroupLimits): number {
  return Math.round((Math.max(1000, 4 * cpuMillis) * periodUs) / 1000);
}

/** v1: 1024 shares a core, at least 2. */
function cpuShares({ cpuMillis }: CgroupLimits): number {
  return Math.max(2, Math.round((cpuMillis * 1024) / 1000));
}

/** v2: 100 a core, 1 … 10,000. */
function cpuWeight({ cpuMillis }: CgroupLimits): number {
  return Math.min(10_000, Math.max(1, Math.round(cpuMillis / 10)));
}

function write(folder: string, file: string, value: string | number): boolean {
  try {
    writeFileSync(join(folder, file), String(value));
    return true;
  } catch {
    return false; // the file is not there, or not ours: the ability was not promised
  }
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

function listFolders(root: string): string[] {
  try {
    const inside = readdirSync(root, { withFileTypes: true });
    return inside.filter((item) => item.isDirectory()).map(({ name }) => name);
  } catch {
    return [];
  }
}

function removeFolder(folder: string): boolean {
  try {
    rmdirSync(folder);
    return true;
  } catch (cause) {
    return (cause as NodeJS.ErrnoException).code === 'ENOENT';
  }
}

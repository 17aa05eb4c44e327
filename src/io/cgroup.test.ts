// The layout of version 2, on a tree of ordinary files: what is read and written, not what a kernel makes of it.
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  type CgroupTree,
  cgroupAbilities,
  cgroupMembers,
  closeCgroups,
  makeCgroup,
  membershipFiles,
  oomKills,
  probeCgroups,
  removeCgroup,
} from './cgroup.ts';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'rw-cgroup-'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

/** A tree in which this process is in `own`; `agent` is what the kernel would show in the agent's new group. */
function treeOf(own: string, v2: { controllers: string } | undefined, agentName = 'rollway-a'): CgroupTree {
  const mountPoint = join(root, 'cgroup');
  const ownFile = join(root, 'own');
  const inside = own.slice(own.lastIndexOf(':') + 1);
  mkdirSync(join(mountPoint, inside, agentName), { recursive: true });
  writeFileSync(ownFile, `${own}\n`);
  if (v2) {
    writeFileSync(join(mountPoint, 'cgroup.controllers'), v2.controllers);
    writeFileSync(join(mountPoint, inside, agentName, 'cgroup.controllers'), v2.controllers);
  }
  return { mountPoint, ownFile };
}

describe('version 2', () => {
  test('a group below our own, with the controllers that are handed down to it', () => {
    const tree = treeOf('0::/user.slice/agent.service', { controllers: 'cpuset cpu io memory pids' });
    const backend = probeCgroups('rollway-a', tree);
    const folder = join(tree.mountPoint, 'user.slice/agent.service/rollway-a');
    expect(backend).toEqual({ kind: 'v2', root: folder, controllers: ['cpu', 'memory', 'pids', 'kill'] });
    expect(cgroupAbilities(backend)).toEqual(['cgroup-v2-cpu', 'cgroup-v2-memory', 'cgroup-v2-pids', 'cgroup-v2-kill']);
  });

  test('what is not handed down is not promised', () => {
    const backend = probeCgroups('rollway-a', treeOf('0::/', { controllers: 'hugetlb' }));
    expect(cgroupAbilities(backend)).toEqual(['cgroup-v2-kill']);
  });

  test.each([
    ['half a core', { cpuMillis: 500, memoryMb: 256 }, ['50', '200000 100000', String(256 * 1024 * 1024)]],
    ['little', { cpuMillis: 10, memoryMb: 16 }, ['1', '100000 100000', String(16 * 1024 * 1024)]],
    ['eight cores', { cpuMillis: 8000, memoryMb: 4096 }, ['800', '3200000 100000', String(4096 * 1024 * 1024)]],
  ])('limits of %s', (_, limits, [weight, max, memory]) => {
    const backend = probeCgroups('rollway-a', treeOf('0::/', { controllers: 'cpu memory' }))!;
    const folder = makeCgroup(backend, 'task-1', limits).folders.unified!;
    const said = Object.fromEntries(
      readdirSync(folder).map((name) => [name, readFileSync(join(folder, name), 'utf8')]),
    );
    expect(said).toEqual({
      ...{ 'cpu.weight': weight, 'cpu.max': max, 'memory.max': memory },
      ...{ 'memory.swap.max': '0', 'memory.oom.group': '1' },
    });
  });

  test('members, kills for want of memory, and what is left when they are gone', () => {
    const backend = probeCgroups('rollway-a', treeOf('0::/', { controllers: 'cpu memory' }))!;
    const group = makeCgroup(backend, 'task-1', undefined);
    const [members = ''] = membershipFiles(group);
    expect(members).toBe(join(group.folders.unified!, 'cgroup.procs'));
    expect(cgroupMembers(group)).toEqual([]);
    writeFileSync(members, '41\n42\n');
    writeFileSync(join(group.folders.unified!, 'memory.events'), 'low 0\noom 3\noom_kill 2\noom_group_kill 1\n');
    expect(cgroupMembers(group)).toEqual([41, 42]);
    expect(oomKills(group)).toBe(2);
    // A kernel refuses to remove a group with somebody in it; here the files in it do.
    expect(removeCgroup(group)).toBe(false);
    for (const name of ['cgroup.procs', 'memory.events']) rmSync(join(group.folders.unified!, name));
    expect(removeCgroup(group)).toBe(true);
    expect(removeCgroup(group)).toBe(true);
  });

  test('at the end empty groups go', () => {
    const backend = probeCgroups('rollway-a', treeOf('0::/', { controllers: 'cpu' }))!;
    const groups = ['one', 'two'].map((name) => makeCgroup(backend, name, undefined));
    writeFileSync(membershipFiles(groups[1]!)[0]!, '41\n');
    closeCgroups(backend);
    expect(groups.map((group) => existsSync(group.folders.unified!))).toEqual([false, true]);
  });
});

test('version 1: one group for each controller that is there and permitted', () => {
  const tree = treeOf('7:cpu,cpuacct:/box\n5:memory:/', undefined);
  for (const controller of ['cpu', 'memory']) {
    mkdirSync(join(tree.mountPoint, controller), { recursive: true });
    writeFileSync(join(tree.mountPoint, controller, 'cgroup.procs'), '');
  }
  const backend = probeCgroups('rollway-a', tree);
  const at = (...path: string[]) => join(tree.mountPoint, ...path, 'rollway-a');
  expect(backend).toEqual({ kind: 'v1', roots: { cpu: at('cpu', 'box'), memory: at('memory') } });
  const group = makeCgroup(backend!, 'task-1', { cpuMillis: 500, memoryMb: 64 });
  expect(readFileSync(join(group.folders.cpu!, 'cpu.shares'), 'utf8')).toBe('512');
  expect(readFileSync(join(group.folders.memory!, 'memory.limit_in_bytes'), 'utf8')).toBe(String(64 * 1024 * 1024));
});

test('a machine without groups promises nothing', () => {
  expect(probeCgroups('rollway-a', { mountPoint: join(root, 'none'), ownFile: join(root, 'none') })).toBeUndefined();
  expect(cgroupAbilities(undefined)).toEqual([]);
});

import { type ChildProcess, spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { cgroupMembers, killCgroup, membershipFiles, oomKills } from '../../io/cgroup.ts';
import { findMarked, identifyProcess, isGroupAlive, type ProcessIdentity, signalGroup } from '../../io/process.ts';
import type { Guard } from './guard.ts';
import type { Output } from './output.ts';
import type { KeeperSpec } from './spec.ts';

// Puts itself into the groups named before `--`, then becomes the command. Nothing of a service is in the script.
const joinScript = 'while [ "$1" != -- ]; do echo "$$" >"$1" 2>/dev/null; shift; done; shift; exec "$@"';
const oomPollMs = 100;
const outputGraceMs = 500;

export interface Exit {
  readonly code: number | null;
  readonly signal: string | null;
  readonly isOutOfMemory: boolean;
  /** It never ran: the system's words. */
  readonly cannotStart: string | undefined;
}

/** One run of one command: from spawn until nobody of its process group is left. */
export interface Life {
  readonly main: ProcessIdentity | undefined;
  /** Resolves after the main process ended and everything it left behind was killed. */
  readonly ended: Promise<Exit>;
  signal(name: NodeJS.Signals): void;
  kill(): void;
}

export function beginLife(command: readonly string[], spec: KeeperSpec, output: Output, guard: Guard): Life {
  const killsBefore = spec.cgroup ? oomKills(spec.cgroup) : 0;
  const child = start(command, spec);
  const main = child.pid === undefined ? undefined : (identifyProcess(child.pid) ?? { pid: child.pid, startTicks: 0 });
  if (main) guard.watch(main.pid);

  const isOutOfMemory = (): boolean => spec.cgroup !== null && oomKills(spec.cgroup) > killsBefore;
  const kill = (): void => {
    if (main) signalGroup(main.pid, 'SIGKILL');
    if (spec.cgroup) killCgroup(spec.cgroup);
  };
  // The kernel kills one process of many; a half-living service is worse than a restarted one.
  const watch = spec.cgroup ? setInterval(() => isOutOfMemory() && kill(), oomPollMs) : undefined;

  const readers = [child.stdout, child.stderr].map((stream, i) =>
    stream ? output.read(stream, i === 0 ? 'out' : 'err') : undefined,
  );
  const ended = waitForExit(child).then(async (exit) => {
    await killRemains(main, spec);
    clearInterval(watch);
    guard.unwatch();
    // Somebody outside the task can hold its output open for ever.
    await Promise.race([Promise.all(readers), sleep(outputGraceMs)]);
    child.stdout?.destroy();
    child.stderr?.destroy();
    return { ...exit, isOutOfMemory: isOutOfMemory() };
  });
  return { main, ended, kill, signal: (name) => main && signalGroup(main.pid, name) };
}

function start(command: readonly string[], spec: KeeperSpec): ChildProcess {
  const confined = [...spec.sandbox, ...command];
  const [program = '', ...args] = spec.cgroup
    ? ['/bin/sh', '-c', joinScript, 'rollway', ...membershipFiles(spec.cgroup), '--', ...confined]
    : confined;
  return spawn(program, args, {
    cwd: spec.cwd,
    env: { ...spec.env, ROLLWAY_KEEPER: spec.id },
    // A session and process group of its own: what is killed is the group.
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

async function waitForExit(child: ChildProcess): Promise<Exit> {
  return await new Promise((resolve) => {
    child.once('error', (error) => {
      if (child.pid !== undefined) return;
      resolve({ code: null, signal: null, isOutOfMemory: false, cannotStart: error.message });
    });
    child.once('exit', (code, signal) => resolve({ code, signal, isOutOfMemory: false, cannotStart: undefined }));
  });
}

/** Kills what the main process left behind, in its group or out of it, and waits until it is gone. */
async function killRemains(main: ProcessIdentity | undefined, spec: KeeperSpec): Promise<void> {
  for (let pauseMs = 2; ; pauseMs = Math.min(200, pauseMs * 2)) {
    if (main) signalGroup(main.pid, 'SIGKILL');
    if (spec.cgroup) killCgroup(spec.cgroup);
    const strays = findMarked(`ROLLWAY_KEEPER=${spec.id}`);
    for (const { pid } of strays) signalPid(pid);
    const isEmpty = strays.length === 0 && (!spec.cgroup || cgroupMembers(spec.cgroup).length === 0);
    if (isEmpty && !(main && isGroupAlive(main.pid))) return;
    await sleep(pauseMs);
  }
}

function signalPid(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // gone meanwhile
  }
}

/**
 * The keeper: the parent of one task. Started by an agent as `node main.ts <folder>`, in a session of its own; goes on
 * when the agent ends, and is found again by the next one through its folder (socket, state). It owns the task's
 * processes and log. Its last act is to see that nothing of the task is left.
 */
import { linkSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { removeCgroup } from '../../io/cgroup.ts';
import { identifyProcess } from '../../io/process.ts';
import { openControl } from './control.ts';
import { type Guard, openGuard } from './guard.ts';
import { Output } from './output.ts';
import { runCommands } from './run-commands.ts';
import { runTask } from './run-task.ts';
import { type KeeperSpec, keeperFiles } from './spec.ts';
import { StateFile } from './state.ts';

// How long a finished keeper waits for somebody to read its last word; its folder keeps it after that.
const lingerMs = 200;

async function keep(folder: string): Promise<void> {
  const spec = JSON.parse(readFileSync(join(folder, keeperFiles.spec), 'utf8')) as KeeperSpec;
  if (!claim(folder)) return; // another keeper was started for the same task first
  const stop = new AbortController();
  const isRequested = (): void => stop.abort();
  process.on('SIGTERM', isRequested);
  process.on('SIGINT', isRequested);
  process.on('SIGHUP', () => {});

  const output = new Output(spec.logs);
  const state = new StateFile(folder, spec.id, spec.work.kind === 'task' ? spec.work.firstLife : 0);
  const guard = openLastingGuard(() => state.current.main?.pid);
  const lease = openLease(spec, isRequested);
  await openControl(folder, state, output, { lease: lease.renew, stop: isRequested });

  const keeping = { spec, output, guard, state, stop: stop.signal };
  if (spec.work.kind === 'task') await runTask(keeping, spec.work);
  else await runCommands(keeping, spec.work);

  lease.close();
  guard.close();
  await output.close();
  if (spec.cgroup) removeCgroup(spec.cgroup);
  setTimeout(() => process.exit(0), lingerMs);
}

/** Atomically: of two keepers for one folder exactly one gets true, and the file names it completely. */
function claim(folder: string): boolean {
  const mine = join(folder, `claim.${process.pid}.tmp`);
  writeFileSync(mine, JSON.stringify(identifyProcess(process.pid)), { mode: 0o600 });
  try {
    linkSync(mine, join(folder, keeperFiles.claim));
    return true;
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw cause;
  } finally {
    rmSync(mine, { force: true });
  }
}

/** A guard that is replaced when somebody kills it. */
function openLastingGuard(groupId: () => number | undefined): Guard {
  let guard: Guard;
  const open = (): Guard =>
    openGuard(() => {
      guard = open();
      const current = groupId();
      if (current !== undefined) guard.watch(current);
    });
  guard = open();
  return { watch: (id) => guard.watch(id), unwatch: () => guard.unwatch(), close: () => guard.close() };
}

/** Ends a task that may run only while an agent knows of it. */
function openLease({ lease }: KeeperSpec, onEnd: () => void): { renew: () => void; close: () => void } {
  if (lease.atEnd === 'keep-running') return { renew: () => {}, close: () => {} };
  const timer = setTimeout(onEnd, lease.ms);
  return { renew: () => timer.refresh(), close: () => clearTimeout(timer) };
}

await keep(process.argv[2] ?? '');

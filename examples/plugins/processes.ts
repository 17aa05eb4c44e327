// A driver of one's own: it runs the tasks of a job as plain processes of the server's machine, without an agent. They go
// on when the server stops, and are found again by the pid files that they write themselves.
//
//   rollway plugin test examples/plugins/processes.ts
//   rollway server --plugin examples/plugins/processes.ts
//   driver: { plugin: processes, settings: { address: 127.0.0.1 } }               in rollway.yaml
//
// What has to be remembered (operation ids, epochs, incarnations, what was not told yet) `openTaskBook` remembers; here
// stands only how one operation is done. It leaves out what agents do besides: no sandbox, no limits, no restarts by
// itself (a task that ends has failed, and Rollway orders a restart). It takes Linux and its `sh`.
import { spawn } from 'node:child_process';
import { mkdirSync, openSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type {
  DriverContext,
  DriverPlugin,
  ExecuteRequest,
  OpenDriver,
  TaskChange,
  TaskEnd,
  TaskInHand,
  TaskReport,
} from 'rollway/plugins';

/** Everything is one place. A driver that knows several machines opens a book, and observes, for each of them. */
const host = 'here';

function open(context: DriverContext): OpenDriver {
  const address = String(context.settings.address ?? '127.0.0.1');
  const folderOf = (index: number): string => join(context.folder, `task-${index}`);
  const pidFile = (index: number, incarnation: number): string => join(folderOf(index), `pid-${incarnation}`);
  const logFile = (index: number, incarnation: number): string => join(folderOf(index), `log-${incarnation}`);

  return context.openTaskBook({
    host: { name: host, address },
    run,
    // A process that ended by itself: nobody else says so.
    look: ({ index, incarnation }) =>
      living(index, incarnation) === undefined ? ended(index, incarnation) : undefined,
  });

  /** Called again when the server was killed in the middle: each step looks at what is done already. */
  async function run(request: ExecuteRequest, task: TaskInHand, signal: AbortSignal): Promise<TaskEnd> {
    const { index, nextIncarnation: incarnation, version } = request;
    mkdirSync(join(folderOf(index), 'data'), { recursive: true });
    if (version === undefined) {
      await stop(task, { drainMs: 0, graceMs: 5000, signal: 'SIGTERM' }, signal);
      return { outcome: 'done', state: 'stopped', ports: {} };
    }
    const { drainMs, stop: how, ports: names, ready } = version.task;
    // Before anything is stopped for it: a package that cannot be had costs nobody a second.
    const cwd = await context.packageFolder(version.package, signal);
    if (!task.isBegun) {
      await stop(task, { drainMs, ...how }, signal);
      const ports: Record<string, number> = {};
      for (const name of names) ports[name] = await context.freePort(address);
      task.tell({ incarnation, life: 0, version: version.id, state: 'starting', ports, failure: undefined });
    }
    if (living(index, incarnation) === undefined) start(request, task.report.ports, cwd);
    const why = await untilReady(request, task.report.ports, signal);
    if (why === undefined) return { outcome: 'done', state: 'serving' };
    await kill(index, incarnation, 0, 'SIGKILL', signal);
    const failure = {
      reason: 'not-ready' as const,
      summary: `${why} (${ready.deadlineMs} ms)`,
      lastLogLines: lastLines(index, incarnation),
    };
    return { outcome: 'failed', reason: why, state: 'failed', ports: {}, failure };
  }

  /** Leave discovery, drain, stop. */
  async function stop(
    { report, tell }: TaskInHand,
    how: { readonly drainMs: number; readonly graceMs: number; readonly signal: NodeJS.Signals },
    signal: AbortSignal,
  ): Promise<void> {
    if (report.state === 'serving') {
      tell({ state: 'draining' });
      await sleep(how.drainMs, undefined, { signal });
    }
    await kill(report.index, report.incarnation, how.graceMs, how.signal, signal);
  }

  async function kill(
    index: number,
    incarnation: number,
    graceMs: number,
    by: NodeJS.Signals,
    signal: AbortSignal,
  ): Promise<void> {
    const deadlineMs = Date.now() + graceMs;
    for (let pid = living(index, incarnation); pid !== undefined; pid = living(index, incarnation)) {
      // Its whole group: what it started goes with it.
      process.kill(-pid, Date.now() > deadlineMs ? 'SIGKILL' : by);
      await sleep(50, undefined, { signal });
    }
    rmSync(pidFile(index, incarnation), { force: true });
  }

  /** The process writes its pid, and when it began, before it becomes the service: nothing is started and not known. */
  function start(request: ExecuteRequest, ports: Readonly<Record<string, number>>, cwd: string): void {
    const { index, nextIncarnation } = request;
    const { command, env } = context.launchOf(request, {
      host,
      address,
      ports,
      dataDir: join(folderOf(index), 'data'),
    });
    const log = openSync(logFile(index, nextIncarnation), 'a');
    const script =
      'echo "$$ $(sed "s/.*) //" /proc/$$/stat | cut -d" " -f20)" > "$0.new" && mv "$0.new" "$0" && exec "$@"';
    spawn('/bin/sh', ['-c', script, pidFile(index, nextIncarnation), ...command], {
      ...{ cwd, env: { ...env }, detached: true, stdio: ['ignore', log, log] },
    })
      .on('error', (error) => context.log(`task ${index} cannot be started: ${error.message}`))
      .unref();
  }

  /** Undefined: it serves. */
  async function untilReady(
    { index, nextIncarnation: incarnation, version }: ExecuteRequest,
    ports: Readonly<Record<string, number>>,
    signal: AbortSignal,
  ): Promise<string | undefined> {
    const { task } = version!;
    const { ready } = task;
    const fromMs = Date.now();
    let wasThere = false;
    for (; Date.now() < fromMs + ready.deadlineMs; await sleep(100, undefined, { signal })) {
      const isThere = living(index, incarnation) !== undefined;
      if (wasThere && !isThere) return 'it ended before it was ready';
      wasThere ||= isThere;
      if (!isThere) continue;
      // HTTP and TCP are asked; of the other two the log, or the time, tells.
      let isReady = await context.probe(task, { address, ports }, signal);
      if ('log' in ready) isReady = readFileSync(logFile(index, incarnation), 'utf8').includes(ready.log.contains);
      if ('running' in ready) isReady = Date.now() >= fromMs + ready.running.afterMs;
      if (isReady) return undefined;
    }
    return 'it was not ready by its deadline';
  }

  function ended(index: number, incarnation: number): TaskChange {
    const lastLogLines = lastLines(index, incarnation);
    return {
      state: 'failed',
      ports: {},
      failure: { reason: 'exited', summary: 'Its process has ended.', lastLogLines },
    };
  }

  function lastLines(index: number, incarnation: number): string[] {
    const text = readFileSync(logFile(index, incarnation), { encoding: 'utf8', flag: 'a+' });
    return text
      .trimEnd()
      .split('\n')
      .slice(-20)
      .map((line) => line.slice(0, 4000));
  }

  /** The pid, unless it is gone, a zombie, or another process has that number by now. */
  function living(index: number, incarnation: TaskReport['incarnation']): number | undefined {
    try {
      const [pid, startedAt] = readFileSync(pidFile(index, incarnation), 'utf8').trim().split(' ');
      const [state, ...rest] = readFileSync(`/proc/${pid}/stat`, 'utf8')
        .replace(/^.*\) /s, '')
        .split(' ');
      return state !== 'Z' && rest[18] === startedAt ? Number(pid) : undefined;
    } catch {
      return undefined;
    }
  }
}

const processes: DriverPlugin = {
  name: 'processes',
  // It is one place only: a task cannot be in two of them for a while.
  capabilities: { surge: true, move: false },
  /** What is wrong with the settings, before anything runs by them. */
  check({ address = '127.0.0.1', ...rest }) {
    const unknown = Object.keys(rest)[0];
    if (unknown !== undefined) return `it knows no "${unknown}", only "address"`;
    return typeof address === 'string' ? undefined : '"address" is text';
  },
  open,
};

export const drivers = [processes];

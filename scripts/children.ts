// Runs the tools that a check consists of; each in a process group of its own, so that nothing outlives a time-out.
import { type ChildProcess, spawn } from 'node:child_process';

export interface Run {
  code: number;
  isTimedOut: boolean;
  output: string;
}

const running = new Set<ChildProcess>();
let isStopping = false;

/** `output: 'stream'` shows it as it comes, `'keep'` returns it. */
export function runNode(
  args: readonly string[],
  options: { timeoutMs: number; output: 'stream' | 'keep'; env?: Record<string, string> },
): Promise<Run> {
  return new Promise((resolve) => {
    if (isStopping) return resolve({ code: 130, isTimedOut: false, output: '' });
    const child = spawn(process.execPath, args, {
      env: { ...process.env, ...options.env },
      stdio: options.output === 'stream' ? ['ignore', 'inherit', 'inherit'] : ['ignore', 'pipe', 'pipe'],
      detached: true,
    });
    running.add(child);
    let output = '';
    child.stdout?.on('data', (chunk) => (output += chunk));
    child.stderr?.on('data', (chunk) => (output += chunk));
    let isTimedOut = false;
    const timer = setTimeout(() => {
      isTimedOut = true;
      killGroup(child, 'SIGKILL');
    }, options.timeoutMs);
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      running.delete(child);
      // What the tool started and left behind goes with it.
      killGroup(child, 'SIGKILL');
      resolve({ code: code ?? (signal ? 1 : 0), isTimedOut, output });
    });
  });
}

/** Ctrl-C ends the tools that run; the second one at once. */
export function stopOnSignals(): void {
  let count = 0;
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      isStopping = true;
      count += 1;
      for (const child of running) killGroup(child, count > 1 ? 'SIGKILL' : signal);
      if (count > 1 || running.size === 0) process.exit(130);
    });
  }
}

export function isInterrupted(): boolean {
  return isStopping;
}

function killGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, signal);
  } catch {
    // The group is empty already.
  }
}

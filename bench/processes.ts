/** What Linux tells of processes that are not ours to ask: who is there, and how much processor time they took. */
import { readdirSync, readFileSync } from 'node:fs';

/** Clock ticks of /proc are hundredths of a second on every Linux that Node runs on. */
const tickMs = 10;

/** Processes with this text in their command line, ourselves left out. */
export function findProcesses(text: string): number[] {
  return readdirSync('/proc').flatMap((name) => {
    const pid = Number(name);
    if (!Number.isInteger(pid) || pid === process.pid) return [];
    return read(`/proc/${pid}/cmdline`)?.includes(text) ? [pid] : [];
  });
}

/** Processor time of a process and of those children of it that have ended; 0 when it is gone. */
export function cpuMsOf(pid: number | 'self'): number {
  const ticks = ticksOf(pid);
  return ticks === undefined ? 0 : (ticks.own + ticks.children) * tickMs;
}

/** Processor time of our children that have ended. */
export function cpuMsOfEndedChildren(): number {
  return (ticksOf('self')?.children ?? 0) * tickMs;
}

function ticksOf(pid: number | 'self'): { own: number; children: number } | undefined {
  const stat = read(`/proc/${pid}/stat`);
  if (stat === undefined) return undefined;
  // The name in parentheses may contain anything; fields 14 to 17 of `man 5 proc` are counted from behind it.
  const fields = stat
    .slice(stat.lastIndexOf(')') + 2)
    .split(' ')
    .map(Number);
  const [user = 0, system = 0, childrenUser = 0, childrenSystem = 0] = fields.slice(11, 15);
  return { own: user + system, children: childrenUser + childrenSystem };
}

/** Memory of a process that is in RAM. */
export function residentBytesOf(pid: number | 'self'): number {
  const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(read(`/proc/${pid}/status`) ?? '')?.[1];
  return Number(kilobytes ?? 0) * 1024;
}

function read(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}

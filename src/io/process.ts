import { readdirSync, readFileSync } from 'node:fs';

/**
 * One process and no other: a process id alone may be given to somebody else. `startTicks` is the kernel's start time
 * since boot (0 where there is no /proc).
 */
export interface ProcessIdentity {
  readonly pid: number;
  readonly startTicks: number;
}

export interface ProcessFacts extends ProcessIdentity {
  readonly parentPid: number;
  readonly groupId: number;
  readonly sessionId: number;
  readonly residentBytes: number;
  /** User and system time so far, of children that ended and were waited for too. */
  readonly cpuMs: number;
}

const hasProc = process.platform === 'linux';
// The kernel's USER_HZ and page size on every Linux platform Node is built for with 4 kB pages.
const tickMs = 10;
const pageBytes = 4096;

/** Who has this pid now; undefined when nobody has, or only a zombie (dead, not yet reaped). */
export function identifyProcess(pid: number): ProcessIdentity | undefined {
  if (!hasProc) return canSignal(pid) ? { pid, startTicks: 0 } : undefined;
  const facts = readFacts(pid);
  return facts && { pid, startTicks: facts.startTicks };
}

/** Whether that very process still runs. A zombie counts as dead. */
export function isAlive(identity: ProcessIdentity): boolean {
  return identifyProcess(identity.pid)?.startTicks === identity.startTicks;
}

/** Every living process of the machine that we may look at (Linux; elsewhere empty). */
export function listProcesses(): ProcessFacts[] {
  if (!hasProc) return [];
  const found: ProcessFacts[] = [];
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const facts = readFacts(Number(name));
    if (facts) found.push(facts);
  }
  return found;
}

/**
 * Processes started with this entry in their environment (`ROLLWAY_KEEPER=…`), by whatever ancestors: finds also those
 * that left their process group.
 */
export function findMarked(mark: string): ProcessIdentity[] {
  if (!hasProc) return [];
  const wanted = Buffer.from(`${mark}\0`);
  return listProcesses().filter(({ pid }) => {
    if (pid === process.pid) return false;
    const environment = readBytes(`/proc/${pid}/environ`);
    const at = environment.indexOf(wanted);
    return at === 0 || (at > 0 && environment[at - 1] === 0);
  });
}

/** Signals a process group; false when there is none. */
export function signalGroup(groupId: number, signal: NodeJS.Signals): boolean {
  // 0 and 1 would mean "my own group" and "everybody".
  if (!Number.isInteger(groupId) || groupId <= 1) return false;
  return send(-groupId, signal);
}

/** Signals that very process; false when it is gone. */
export function signalProcess(identity: ProcessIdentity, signal: NodeJS.Signals): boolean {
  if (identity.pid <= 1 || !isAlive(identity)) return false;
  return send(identity.pid, signal);
}

/** Whether a process group has a living member. */
export function isGroupAlive(groupId: number): boolean {
  if (!hasProc) return canSignal(-groupId);
  if (!canSignal(-groupId)) return false;
  return listProcesses().some((facts) => facts.groupId === groupId);
}

/** Changes when the machine boots: what ran under another boot id is dead. */
export function bootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    return 'unknown';
  }
}

function send(target: number, signal: NodeJS.Signals): boolean {
  try {
    process.kill(target, signal);
    return true;
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === 'ESRCH' || code === 'EPERM') return false;
    throw cause;
  }
}

function canSignal(target: number): boolean {
  try {
    process.kill(target, 0);
    return true;
  } catch (cause) {
    return (cause as NodeJS.ErrnoException).code === 'EPERM';
  }
}

function readFacts(pid: number): ProcessFacts | undefined {
  const stat = readBytes(`/proc/${pid}/stat`).toString('latin1');
  // The name stands in brackets and may contain anything, so the fields are counted from its end.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const state = fields[0];
  if (stat === '' || state === undefined || state === 'Z' || state === 'X' || state === 'x') return undefined;
  const field = (index: number): number => Number(fields[index] ?? 0);
  return {
    pid,
    parentPid: field(1),
    groupId: field(2),
    sessionId: field(3),
    cpuMs: (field(11) + field(12) + field(13) + field(14)) * tickMs,
    startTicks: field(19),
    residentBytes: field(21) * pageBytes,
  };
}

function readBytes(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch {
    return Buffer.alloc(0); // gone meanwhile, or not ours to see
  }
}

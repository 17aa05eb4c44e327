import { type DriverId, fleetDriver, type HostId, type HostState } from '../model/index.ts';

/** How long a silence means what (design section 5, "A host that goes silent"). */
export interface SilenceRules {
  readonly heartbeatMs: number;
  /** Heartbeats missed in a row until a host is `suspected`. */
  readonly suspectedAfterMisses: number;
  readonly lostAfterMs: number;
  /** Misses from which a host counts towards a mass silence: fewer, so that it is seen before anybody is suspected. */
  readonly massAfterMisses: number;
}

export const defaultSilenceRules: SilenceRules = {
  heartbeatMs: 1000,
  suspectedAfterMisses: 5,
  lostAfterMs: 30_000,
  massAfterMisses: 3,
};

/**
 * What the watch remembers from one look to the next. Silence is counted in looks, not read off the clock, so that
 * time in which no server was listening (a restart, a suspended machine) is never held against a host.
 */
export interface WatchMemory {
  readonly lookedAtMs: number;
  /** Ids of the servers that listened at the last look. */
  readonly listeners: readonly string[];
  /** Silent hosts only. */
  readonly silentMs: Readonly<Record<HostId, number>>;
  /** Hosts that were leaving when they fell silent: they are again when they return. */
  readonly wereLeaving: readonly HostId[];
  readonly massSilence: boolean;
  /** Drivers more than half of whose hosts are silent together: each is a world of its own. Left out: none. */
  readonly silentDrivers?: readonly DriverId[];
}

export const emptyWatchMemory: WatchMemory = {
  lookedAtMs: 0,
  listeners: [],
  silentMs: {},
  wereLeaving: [],
  massSilence: false,
};

export interface HeardHost {
  readonly id: HostId;
  readonly state: HostState;
  readonly lastSeenAtMs: number;
  /** Left out: the fleet. */
  readonly driver?: DriverId;
}

export interface Listener {
  readonly id: string;
  /** When it last said that it listens. */
  readonly beatAtMs: number;
}

export interface HostChange {
  readonly host: HostId;
  readonly from: HostState;
  readonly to: HostState;
  readonly reason: string;
}

export interface WatchOutcome {
  readonly memory: WatchMemory;
  readonly changes: readonly HostChange[];
  /** Set in the look in which a mass silence begins or ends. */
  readonly alarm: 'mass-silence-began' | 'mass-silence-ended' | undefined;
  /** Drivers that fell silent, or are heard again, since the last look. */
  readonly drivers: readonly { readonly driver: DriverId; readonly isSilent: boolean }[];
}

/**
 * One look at who was heard. `up` → `suspected` after five missed heartbeats → `lost` after 30 s; heard again → `up`
 * (not when fenced: a person said so). While more than half of a driver's hosts are silent together nothing of them
 * changes for the worse.
 */
export function watchHosts(
  memory: WatchMemory,
  hosts: readonly HeardHost[],
  listeners: readonly Listener[],
  nowMs: number,
  rules: SilenceRules = defaultSilenceRules,
): WatchOutcome {
  const alive = listeners.filter((l) => nowMs - l.beatAtMs <= 3 * rules.heartbeatMs).map((l) => l.id);
  alive.sort();
  const silentMs = countSilence(memory, hosts, alive, nowMs, rules);
  const groups = Map.groupBy(hosts, ({ driver = fleetDriver }) => driver);
  const silent = [...groups].flatMap(([driver, own]) => (isMassSilence(own, silentMs, rules) ? [driver] : []));
  const wereSilent = [...(memory.massSilence ? [fleetDriver] : []), ...(memory.silentDrivers ?? [])];
  const ended = wereSilent.filter((driver) => !silent.includes(driver));
  const changes: HostChange[] = [];
  for (const host of hosts) {
    const { driver = fleetDriver } = host;
    const back = returned(host, silentMs, memory.wereLeaving);
    const change = silent.includes(driver) ? back : (back ?? worsened(host, silentMs, rules));
    if (change !== undefined && (isReturn(change) || !ended.includes(driver))) changes.push(change);
  }
  // Whoever is still silent when a mass silence ends gets the full time again.
  for (const driver of ended) {
    for (const { id } of groups.get(driver) ?? []) if (silentMs[id] !== undefined) silentMs[id] = 1;
  }
  const massSilence = silent.includes(fleetDriver);
  const silentDrivers = silent.filter((driver) => driver !== fleetDriver).sort();
  const alarm = { began: massSilence && !memory.massSilence, ended: ended.includes(fleetDriver) };
  return {
    memory: {
      lookedAtMs: nowMs,
      listeners: alive,
      silentMs,
      wereLeaving: rememberLeaving(memory.wereLeaving, hosts, changes),
      massSilence,
      ...(silentDrivers.length === 0 ? {} : { silentDrivers }),
    },
    changes,
    alarm: alarm.began ? 'mass-silence-began' : alarm.ended ? 'mass-silence-ended' : undefined,
    drivers: [
      ...silentDrivers.filter((driver) => !wereSilent.includes(driver)).map((driver) => ({ driver, isSilent: true })),
      ...ended.filter((driver) => driver !== fleetDriver).map((driver) => ({ driver, isSilent: false })),
    ],
  };
}

/** Whether a host has missed enough to get nothing new, whatever its state still says. */
export function isSilent(memory: WatchMemory, host: HostId, rules: SilenceRules = defaultSilenceRules): boolean {
  return (memory.silentMs[host] ?? 0) >= rules.massAfterMisses * rules.heartbeatMs;
}

function countSilence(
  memory: WatchMemory,
  hosts: readonly HeardHost[],
  alive: readonly string[],
  nowMs: number,
  rules: SilenceRules,
): Record<HostId, number> {
  const silentMs: Record<HostId, number> = {};
  // A server that listened is gone: its hosts need time to find another one. Nobody listens: nothing is counted.
  const isInterrupted = alive.length === 0 || memory.listeners.some((id) => !alive.includes(id));
  // A look that comes late (the server was suspended) counts as an ordinary one.
  const elapsedMs = Math.max(0, Math.min(nowMs - memory.lookedAtMs, 2 * rules.heartbeatMs));
  for (const host of hosts) {
    if (host.lastSeenAtMs > memory.lookedAtMs) continue;
    const before = memory.silentMs[host.id] ?? 0;
    const after = isInterrupted || memory.lookedAtMs === 0 ? 0 : before + elapsedMs;
    // Never more than the clock allows: it may have been heard just before the last look.
    silentMs[host.id] = Math.max(1, Math.min(after, nowMs - host.lastSeenAtMs));
  }
  return silentMs;
}

function isMassSilence(
  hosts: readonly HeardHost[],
  silentMs: Readonly<Record<HostId, number>>,
  rules: SilenceRules,
): boolean {
  // Hosts lost or fenced before are not part of "together".
  let counted = 0;
  let silent = 0;
  for (const { id, state } of hosts) {
    if (state !== 'up' && state !== 'suspected' && state !== 'leaving') continue;
    counted += 1;
    if ((silentMs[id] ?? 0) >= rules.massAfterMisses * rules.heartbeatMs) silent += 1;
  }
  return silent * 2 > counted;
}

function returned(
  host: HeardHost,
  silentMs: Readonly<Record<HostId, number>>,
  wereLeaving: readonly HostId[],
): HostChange | undefined {
  if (silentMs[host.id] !== undefined) return undefined;
  if (host.state !== 'suspected' && host.state !== 'lost') return undefined;
  const to = wereLeaving.includes(host.id) ? 'leaving' : 'up';
  return { host: host.id, from: host.state, to, reason: 'it is heard again' };
}

function isReturn(change: HostChange): boolean {
  return change.to === 'up' || change.to === 'leaving';
}

function rememberLeaving(
  before: readonly HostId[],
  hosts: readonly HeardHost[],
  changes: readonly HostChange[],
): readonly HostId[] {
  if (before.length === 0 && !changes.some(({ from }) => from === 'leaving')) return before;
  const absent = hosts.filter(({ state }) => state === 'suspected' || state === 'lost').map(({ id }) => id);
  const leaving = new Set(before.filter((id) => absent.includes(id)));
  for (const change of changes) {
    if (isReturn(change)) leaving.delete(change.host);
    else if (change.from === 'leaving') leaving.add(change.host);
  }
  return [...leaving].sort();
}

function worsened(
  host: HeardHost,
  silentMs: Readonly<Record<HostId, number>>,
  rules: SilenceRules,
): HostChange | undefined {
  const silent = silentMs[host.id] ?? 0;
  const isPresent = host.state === 'up' || host.state === 'leaving';
  const reason = `not heard for ${Math.round(silent / 1000)} s`;
  if ((isPresent || host.state === 'suspected') && silent >= rules.lostAfterMs) {
    return { host: host.id, from: host.state, to: 'lost', reason };
  }
  if (isPresent && silent >= rules.suspectedAfterMisses * rules.heartbeatMs) {
    return { host: host.id, from: host.state, to: 'suspected', reason };
  }
  return undefined;
}

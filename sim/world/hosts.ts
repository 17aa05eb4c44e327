import type { SimulatedCluster } from '../../src/drivers/simulated/index.ts';
import { emptyWatchMemory, type Inventory, isSilent, type WatchMemory, watchHosts } from '../../src/fleet/index.ts';
import type { HostId, HostState } from '../../src/model/index.ts';
import type { Ground } from '../ground.ts';
import { startMs } from '../versions.ts';

/** The hosts as the server knows them: whom it hears, whom it suspects or has lost, and what persons say of them. */
export class Hosts {
  readonly #ground: Ground;
  readonly #cluster: SimulatedCluster;
  /** Something that decisions read has changed. */
  readonly #changed: () => void;
  readonly #hosts = new Map<HostId, { state: HostState; lastSeenAtMs: number }>();
  #watch: WatchMemory = emptyWatchMemory;
  /** The hosts as decisions see them; undefined: to be looked up again. */
  #facts: Inventory['hosts'] | undefined;
  #isWatching = false;
  readonly lostSince = new Map<HostId, number>();

  constructor(ground: Ground, cluster: SimulatedCluster, changed: () => void) {
    this.#ground = ground;
    this.#cluster = cluster;
    this.#changed = changed;
    for (const { id } of ground.scenario.hosts) this.#hosts.set(id, { state: 'up', lastSeenAtMs: startMs });
  }

  /** As of the last look at them. */
  facts(): Pick<Inventory, 'hosts' | 'massSilence'> {
    this.#facts ??= this.#factsOfHosts();
    return { hosts: this.#facts, massSilence: this.#watch.massSilence };
  }

  #factsOfHosts(): Inventory['hosts'] {
    return this.#ground.scenario.hosts.map((host) => ({
      id: host.id,
      state: this.#hosts.get(host.id)!.state,
      isSilent: isSilent(this.#watch, host.id),
      labels: host.labels,
      capacity: { cpuMillis: 100_000, memoryMb: 100_000, maxTasks: 64 },
    }));
  }

  /** Looks each second while any host is silent or not up; nothing else would change. */
  watch(): void {
    if (this.#isWatching) return;
    this.#isWatching = true;
    const { clock } = this.#ground;
    this.#watch = { ...this.#watch, lookedAtMs: clock.nowMs() };
    this.#facts = undefined;
    clock.after(1000, () => this.#look());
  }

  #look(): void {
    this.#isWatching = false;
    const { clock, isServerUp } = this.#ground;
    const nowMs = clock.nowMs();
    const heard = [...this.#hosts].map(([id, host]) => {
      if (this.#cluster.isHeard(id)) host.lastSeenAtMs = nowMs;
      return { id, state: host.state, lastSeenAtMs: host.lastSeenAtMs };
    });
    const listeners = isServerUp ? [{ id: 'server', beatAtMs: nowMs }] : [];
    const outcome = watchHosts(this.#watch, heard, listeners, nowMs);
    const before = this.#watch;
    this.#watch = outcome.memory;
    if (heard.some(({ id }) => isSilent(before, id) !== isSilent(outcome.memory, id))) this.#facts = undefined;
    for (const change of outcome.changes) {
      this.#ground.record('host', () => `${change.host} ${change.from} → ${change.to}`);
      this.#hosts.get(change.host)!.state = change.to;
      this.#facts = undefined;
      if (change.to === 'lost') this.lostSince.set(change.host, nowMs);
      else this.lostSince.delete(change.host);
      this.#changed();
    }
    if (outcome.alarm !== undefined) this.#changed();
    const isSettled = [...this.#hosts].every(([id, { state }]) =>
      this.#cluster.isHeard(id)
        ? (state === 'up' || state === 'leaving' || state === 'fenced') && outcome.memory.silentMs[id] === undefined
        : state === 'lost' || state === 'fenced',
    );
    if (isSettled && !outcome.memory.massSilence && isServerUp) {
      this.#changed();
      return;
    }
    this.watch();
  }

  // -------------------------------------------------------------- what persons say of them

  letLeave(host: HostId, forMs: number): void {
    const { state } = this.#hosts.get(host)!;
    if (state !== 'up' && state !== 'suspected') return;
    this.#set(host, 'leaving');
    this.#ground.clock.after(forMs, () => this.#letStay(host));
  }

  #letStay(host: HostId): void {
    const { state } = this.#hosts.get(host)!;
    if (state === 'leaving') this.#set(host, 'up');
    // Silent at the moment: it would come back as one that leaves.
    else if (state === 'suspected') this.#ground.clock.after(1000, () => this.#letStay(host));
  }

  declareDead(host: HostId): void {
    if (this.#cluster.isDead(host)) this.#set(host, 'fenced');
  }

  #set(host: HostId, state: HostState): void {
    this.#hosts.get(host)!.state = state;
    this.#facts = undefined;
    this.watch();
    this.#changed();
  }

  /** All faults are over: a person declares the hosts dead that are, everything else is whole again. */
  heal(): void {
    for (const id of this.#hosts.keys()) {
      if (this.#cluster.isDead(id)) {
        this.#hosts.get(id)!.state = 'fenced';
        this.#facts = undefined;
      } else {
        this.#cluster.thaw(id);
        this.#cluster.join(id);
        this.#cluster.agents.get(id)!.slownessMs = 0;
        this.#cluster.agents.get(id)!.isStarved = false;
      }
    }
  }
}

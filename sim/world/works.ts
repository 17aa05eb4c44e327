import type { SimulatedCluster } from '../../src/drivers/simulated/index.ts';
import type { Inventory } from '../../src/fleet/index.ts';
import { makeId } from '../../src/kit/index.ts';
import type { HostId, MaintenanceId } from '../../src/model/index.ts';
import type { Ground } from '../ground.ts';
import { outageOf } from '../maintenance.ts';
import { disturb, RackWorks, workOf } from '../rack-works.ts';
import type { Happening } from '../scenario.ts';
import type { Hosts } from './hosts.ts';
import type { SimulatedJob } from './job.ts';

/** What persons do to hosts and racks: announced, begun, ended, and told to the job as outages of its hosts. */
export class Works {
  readonly #ground: Ground;
  readonly #cluster: SimulatedCluster;
  readonly #hosts: Hosts;
  readonly #job: SimulatedJob;
  readonly #racks = new RackWorks();
  /** When work on a host was last under way: its tasks may have waited for it until then. */
  readonly #workedOn = new Map<HostId, number>();

  constructor(ground: Ground, cluster: SimulatedCluster, hosts: Hosts, job: SimulatedJob) {
    this.#ground = ground;
    this.#cluster = cluster;
    this.#hosts = hosts;
    this.#job = job;
  }

  isUnderWork(host: HostId): boolean {
    return this.#racks.isUnderWork(host);
  }

  workedOnAtMs(host: HostId): number {
    return this.#workedOn.get(host) ?? 0;
  }

  maintain(one: Extract<Happening, { kind: 'maintenance' }>): void {
    const { clock, streams } = this.#ground;
    const nowMs = this.#ground.serverMs();
    const outage = outageOf(one, makeId('out', nowMs, streams.of('ids')), nowMs);
    const job = this.#job;
    job.state = { ...job.state, outages: [...job.state.outages, outage] };
    clock.after(one.noticeMs + one.forMs, () => {
      job.state = { ...job.state, outages: job.state.outages.filter(({ id }) => id !== outage.id) };
      // Tasks that were to wait for a host that is lost wait no longer.
      const { lostSince } = this.#hosts;
      if (lostSince.has(one.host)) lostSince.set(one.host, clock.nowMs());
      job.wantDecision();
    });
  }

  /** A person announces work; the hosts go down, or out of reach, when it was to begin; and he ends it when it is done. */
  work(one: Extract<Happening, { kind: 'rack-maintenance' }>): void {
    const { clock, streams, scenario } = this.#ground;
    const nowMs = this.#ground.serverMs();
    const id = makeId('mnt', nowMs, streams.of('ids'));
    this.#racks.open(workOf(one, id), this.#job.state, this.#inventory(), nowMs);
    this.#keep();
    const happening = { hosts: scenario.hosts.filter(({ labels }) => labels.rack === one.rack), ...one };
    clock.after(one.leadMs, () => disturb(happening, this.#cluster, clock, () => this.#hosts.watch()));
    clock.after(one.leadMs + one.tookMs, () => this.#end(id));
  }

  endAll(): void {
    for (const id of this.#racks.ids()) this.#end(id);
  }

  #end(id: MaintenanceId): void {
    const { clock, scenario } = this.#ground;
    for (const { id: host } of scenario.hosts) {
      if (this.#racks.isUnderWork(host)) this.#workedOn.set(host, clock.nowMs());
    }
    this.#racks.end(id, this.#job.state, this.#inventory(), this.#ground.serverMs());
    this.#keep();
  }

  #inventory(): Inventory {
    return { ...this.#hosts.facts(), placements: this.#job.state.inventory.placements };
  }

  #keep(): void {
    const { state } = this.#job;
    const others = state.outages.filter(({ id }) => !this.#racks.isOfRack(id));
    this.#job.state = { ...state, outages: [...others, ...this.#racks.outages()] };
    this.#job.wantDecision();
  }
}

import { answeredFor } from '../src/disruption/index.ts';
import type { SimulatedCluster } from '../src/drivers/simulated/index.ts';
import {
  type ConcernedJob,
  endMaintenance,
  type Inventory,
  impactOf,
  newMaintenance,
  nextInTurn,
  type OpenRequest,
  outagesOf,
  waitsFor,
} from '../src/fleet/index.ts';
import type { HostId, Maintenance, MaintenanceAnswer, MaintenanceId, Outage } from '../src/model/index.ts';
import type { JobState } from '../src/rollout/index.ts';
import type { VirtualClock } from './clock.ts';
import type { Happening } from './scenario.ts';

/** What a person asks for. */
export function workOf(
  { rack, leadMs, saidMs: forMs, hostsStayUp, isFixed }: Extract<Happening, { kind: 'rack-maintenance' }>,
  id: MaintenanceId,
): OpenRequest {
  const actor = { kind: 'person', name: 'ada' } as const;
  const scope = { label: 'rack', value: rack };
  return { id, scope, reason: 'because', actor, fromMs: undefined, leadMs, forMs, hostsStayUp, isFixed };
}

/** The work itself: its hosts lose their power, or their network, for as long as it really takes. */
export function disturb(
  one: { readonly hosts: readonly { readonly id: HostId }[]; readonly tookMs: number; readonly hostsStayUp: boolean },
  cluster: SimulatedCluster,
  clock: VirtualClock,
  onHosts: () => void,
): void {
  for (const { id } of one.hosts) {
    if (one.hostsStayUp) cluster.cut(id, 'both');
    else cluster.die(id);
  }
  onHosts();
  clock.after(one.tookMs, () => {
    for (const { id } of one.hosts) {
      if (one.hostsStayUp) cluster.join(id);
      else cluster.reboot(id);
    }
    onHosts();
  });
}

/** What is open at the depth of decisions, where there is no store: the same decisions as the fleet's own work makes. */
export class RackWorks {
  #open: Maintenance[] = [];
  readonly #known = new Set<string>();

  outages(): Outage[] {
    const outages = this.#open.flatMap(outagesOf);
    for (const { id } of outages) this.#known.add(id);
    return outages;
  }

  /** Of work on a rack, open or over; other maintenance is none of ours. */
  isOfRack(outage: string): boolean {
    return this.#known.has(outage);
  }

  isUnderWork(host: HostId): boolean {
    return this.#open.some(({ hosts }) => hosts.includes(host));
  }

  ids(): MaintenanceId[] {
    return this.#open.map(({ id }) => id);
  }

  open(request: OpenRequest, state: JobState, inventory: Inventory, nowMs: number): void {
    const made = newMaintenance(request, inventory.hosts, nowMs);
    if (!made.ok) throw new Error(made.error.detail);
    const others = this.#open.filter((one) => one.waitsFor === undefined);
    const facts = { maintenance: made.value, others, jobs: [concerned(state)], inventory };
    const waits = request.isFixed ? undefined : waitsFor(made.value, others, impactOf(facts));
    this.#open.push({ ...made.value, waitsFor: waits });
  }

  end(id: MaintenanceId, state: JobState, inventory: Inventory, nowMs: number): void {
    const known = this.#open.find((one) => one.id === id);
    if (known === undefined || !endMaintenance(known, 'ended', nowMs).ok) return;
    this.#open = this.#open.filter((one) => one !== known);
    const changed = nextInTurn({ open: this.#open, jobs: [concerned(state)], inventory, nowMs });
    this.#open = this.#open.map((one) => changed.find(({ id: other }) => other === one.id) ?? one);
  }
}

function concerned({ job, tasks, control, outages }: JobState): ConcernedJob {
  const notices = new Map<HostId, string>();
  for (const { id, scope } of outages) if ('host' in scope) notices.set(scope.host, id);
  return {
    job: job.id,
    size: job.size,
    budget: job.budget,
    hostLabels: {},
    tasks: [...tasks.values()].flatMap(({ index, current }) => {
      if (current === undefined) return [];
      const said = answeredFor(control, notices.get(current.host) ?? '', index);
      const answer: MaintenanceAnswer = said ?? job.onMaintenance ?? 'move';
      return [{ index, host: current.host, answer, needs: { cpuMillis: 100, memoryMb: 64 }, isSingleton: false }];
    }),
  };
}

import type { SimulatedCluster } from '../src/drivers/simulated/index.ts';
import type { HostId, JobId, TaskIndex } from '../src/model/index.ts';
import type { VirtualClock } from './clock.ts';
import { type Happening, type Scenario, watchedMs } from './scenario.ts';

/** What a fault of the cluster needs; both depths have it. */
export interface FaultTargets {
  readonly job: JobId;
  readonly cluster: SimulatedCluster;
  readonly clock: VirtualClock;
  readonly scenario: Scenario;
  readonly hostOf: (index: TaskIndex) => HostId | undefined;
  /** Some host may be heard now that was not, or the other way round. */
  readonly onHosts: () => void;
}

/** Lets a fault of hosts, tasks or the network happen, and end. False: it is not one of these. */
export function applyFault(one: Happening, { job, cluster, clock, scenario, hostOf, onHosts }: FaultTargets): boolean {
  const later = (ms: number, heal: () => void): void => {
    clock.after(ms, () => {
      heal();
      onHosts();
    });
  };
  switch (one.kind) {
    case 'host-death':
      cluster.die(one.host);
      if (one.forMs !== undefined) later(one.forMs, () => cluster.reboot(one.host));
      return true;
    case 'host-hang':
      cluster.freeze(one.host);
      later(one.forMs, () => cluster.thaw(one.host));
      return true;
    case 'host-flap':
      for (let n = 0; n < one.times; n++) {
        later(n * 2 * one.everyMs, () => cluster.cut(one.host, 'both'));
        later((n * 2 + 1) * one.everyMs, () => cluster.join(one.host));
      }
      return true;
    case 'partition':
      cluster.cut(one.host, one.direction);
      later(one.forMs, () => cluster.join(one.host));
      return true;
    case 'domain-loss': {
      const hosts = scenario.hosts.filter((host) => host.labels.rack === one.rack);
      for (const host of hosts) cluster.die(host.id);
      later(one.forMs, () => {
        for (const host of hosts) cluster.reboot(host.id);
      });
      return true;
    }
    case 'slow-host': {
      const agent = cluster.agents.get(one.host)!;
      agent.slownessMs = one.byMs;
      later(one.forMs, () => {
        agent.slownessMs = 0;
      });
      return true;
    }
    case 'no-packages': {
      const agent = cluster.agents.get(one.host)!;
      agent.isStarved = true;
      later(one.forMs, () => {
        agent.isStarved = false;
      });
      return true;
    }
    case 'task-crash':
    case 'task-hang': {
      const host = hostOf(one.index);
      if (host === undefined || cluster.isDead(host) || cluster.isFrozen(host)) return true;
      if (one.kind === 'task-crash') cluster.agents.get(host)!.crash(job, one.index);
      else cluster.agents.get(host)!.hang(job, one.index, one.forMs);
      return true;
    }
    case 'bad-network': {
      const { lossRatio, repeatRatio } = one;
      cluster.network = { ...scenario.network, lossRatio, repeatRatio };
      later(one.forMs, () => {
        cluster.network = scenario.network;
      });
      return true;
    }
    case 'slow-network': {
      cluster.network = { ...cluster.network, maxLatencyMs: one.maxLatencyMs };
      later(one.forMs, () => {
        cluster.network = { ...cluster.network, maxLatencyMs: scenario.network.maxLatencyMs };
      });
      return true;
    }
    default:
      return false;
  }
}

/** How long it goes on by itself. */
export function durationOf(one: Happening): number {
  if (one.kind === 'command') return one.when === undefined ? 0 : watchedMs;
  if (one.kind === 'host-flap') return 2 * one.times * one.everyMs;
  if (one.kind === 'maintenance') return one.noticeMs + one.forMs;
  if (one.kind === 'rack-maintenance') return one.leadMs + one.tookMs;
  return 'forMs' in one ? (one.forMs ?? 0) : 0;
}

/** When the last of it is over. */
export function calmAfterMs({ happenings }: Scenario): number {
  return Math.max(0, ...happenings.map((one) => one.atMs + durationOf(one))) + 1000;
}

import { type Chance, pickBelow } from '../../kit/index.ts';
import type { HostId, JobId, OperationId, TaskReport } from '../../model/index.ts';
import type { CancelAnswer, ExecuteRequest } from '../port.ts';
import { SimulatedAgent, type Timeline, type Truth } from './agent.ts';
import type { Behaviours } from './behaviour.ts';

/** How messages fare. Agents send again until they were heard, so losing one means it comes late. */
export interface Network {
  readonly minLatencyMs: number;
  readonly maxLatencyMs: number;
  readonly lossRatio: number;
  readonly repeatRatio: number;
}

export const calmNetwork: Network = { minLatencyMs: 1, maxLatencyMs: 20, lossRatio: 0, repeatRatio: 0 };

interface Link {
  /** Orders reach the agent. */
  toAgent: boolean;
  /** Reports and heartbeats reach the server. */
  toServer: boolean;
  isFrozen: boolean;
  isDead: boolean;
  /** What waits for the link. */
  readonly waiting: TaskReport[];
}

const againMs = 1000;

/** Hosts with agents, the network between them and the server, and its faults, in virtual time. */
export class SimulatedCluster {
  readonly agents = new Map<HostId, SimulatedAgent>();
  network: Network = calmNetwork;
  /** Takes a report in; false: the server is not there. */
  receive: (report: TaskReport) => boolean = () => false;
  readonly #links = new Map<HostId, Link>();
  readonly #timeline: Timeline;
  readonly #chance: Chance;

  constructor(hosts: readonly HostId[], timeline: Timeline, chance: Chance, behaviours: Behaviours, truth: Truth) {
    this.#timeline = timeline;
    this.#chance = chance;
    for (const host of hosts) {
      this.#links.set(host, { toAgent: true, toServer: true, isFrozen: false, isDead: false, waiting: [] });
      this.agents.set(host, new SimulatedAgent(host, timeline, behaviours, (report) => this.#send(report), truth));
    }
  }

  // -------------------------------------------------------------- orders

  canReach(host: HostId): boolean {
    const link = this.#links.get(host);
    return link?.toAgent === true && !link.isFrozen && !link.isDead;
  }

  isHeard(host: HostId): boolean {
    const link = this.#links.get(host);
    return link?.toServer === true && !link.isFrozen && !link.isDead;
  }

  execute(request: ExecuteRequest): void {
    this.agents.get(request.host!)!.execute(request);
  }

  cancel(host: HostId, id: OperationId, job: JobId, index: number): CancelAnswer {
    return this.agents.get(host)!.cancel(id, job, index);
  }

  latencyMs(): number {
    const { minLatencyMs, maxLatencyMs } = this.network;
    return minLatencyMs + pickBelow(this.#chance, maxLatencyMs - minLatencyMs + 1);
  }

  isLost(): boolean {
    return this.network.lossRatio > 0 && this.#chance.next() < this.network.lossRatio;
  }

  // -------------------------------------------------------------- reports

  #send(report: TaskReport): void {
    const { repeatRatio } = this.network;
    this.#later(report, this.latencyMs() + (this.isLost() ? againMs : 0));
    if (repeatRatio > 0 && this.#chance.next() < repeatRatio) this.#later(report, this.latencyMs() + againMs);
  }

  #later(report: TaskReport, inMs: number): void {
    this.#timeline.at(this.#timeline.nowMs() + inMs, () => this.#arrive(report));
  }

  #arrive(report: TaskReport): void {
    if (!this.isHeard(report.host)) this.#links.get(report.host)!.waiting.push(report);
    else if (!this.receive(report)) this.#later(report, againMs);
  }

  #flush(host: HostId): void {
    if (!this.isHeard(host)) return;
    for (const report of this.#links.get(host)!.waiting.splice(0)) this.#later(report, this.latencyMs());
  }

  // -------------------------------------------------------------- faults

  cut(host: HostId, direction: 'both' | 'to-agent' | 'to-server'): void {
    const link = this.#links.get(host)!;
    if (direction !== 'to-server') link.toAgent = false;
    if (direction !== 'to-agent') link.toServer = false;
  }

  join(host: HostId): void {
    const link = this.#links.get(host)!;
    link.toAgent = true;
    link.toServer = true;
    this.#flush(host);
  }

  freeze(host: HostId): void {
    const link = this.#links.get(host)!;
    if (link.isDead) return;
    link.isFrozen = true;
    this.agents.get(host)!.freeze();
  }

  thaw(host: HostId): void {
    const link = this.#links.get(host)!;
    if (!link.isFrozen || link.isDead) return;
    link.isFrozen = false;
    this.agents.get(host)!.thaw();
    this.#flush(host);
  }

  die(host: HostId): void {
    this.#links.get(host)!.isDead = true;
    this.agents.get(host)!.die();
  }

  reboot(host: HostId): void {
    const link = this.#links.get(host)!;
    if (!link.isDead) return;
    link.isDead = false;
    link.isFrozen = false;
    this.agents.get(host)!.reboot();
    this.#flush(host);
  }

  isDead(host: HostId): boolean {
    return this.#links.get(host)!.isDead;
  }

  isFrozen(host: HostId): boolean {
    return this.#links.get(host)!.isFrozen;
  }
}

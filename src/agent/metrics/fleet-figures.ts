import { countOpenConnections, endpointKey } from '../../io/open-connections.ts';
import { listProcesses, type ProcessFacts } from '../../io/process.ts';
import type { SeriesDelta } from '../../judge/index.ts';
import { fleetMetrics } from '../../model/index.ts';
import type { HeldTask } from '../held-task.ts';
import { askReadiness } from '../keeper/probe.ts';
import { probeOf } from '../launch.ts';
import { indexKey } from '../memory.ts';

/** How often a serving task is asked whether it is still ready, and how long it may think about it. */
const probeEveryMs = 2000;
const probeDeadlineMs = 1000;
const connectionsEveryMs = 10_000;

/** What the fleet sees of the machine at one edge of the grid, for all tasks together. */
export interface MachineFacts {
  readonly processes: readonly ProcessFacts[];
  readonly connections: ReadonlyMap<string, number> | undefined;
}

/**
 * `edgeMs` is the end of the bin. The kernel goes through its whole table to tell of connections (tens of milliseconds):
 * it is asked in the first bin of every ten seconds, in the others they are not known.
 */
export async function readMachine(edgeMs: number, binMs: number): Promise<MachineFacts> {
  const isDue = Math.floor(edgeMs / connectionsEveryMs) !== Math.floor((edgeMs - binMs) / connectionsEveryMs);
  return { processes: listProcesses(), connections: isDue ? await countOpenConnections() : undefined };
}

interface Earlier {
  readonly process: string;
  readonly edgeMs: number;
  readonly cpuMs: number;
}

/** The fleet's own figures of each task: what a service is judged by that exposes nothing at all. */
export class FleetFigures {
  readonly #earlier = new Map<string, Earlier>();
  /** Lives that were told already, by incarnation. */
  readonly #lives = new Map<string, { readonly incarnation: number; readonly life: number }>();

  /** What is known of the bin that ends at `edgeMs`; a difference needs the edge before. */
  async read(task: HeldTask, machine: MachineFacts, edgeMs: number, binMs: number): Promise<SeriesDelta[]> {
    const { memory, keeperState } = task;
    const main = keeperState?.main;
    if (!keeperState || !main) return [];
    const key = indexKey(memory.job, memory.index);
    const own = machine.processes.filter(({ sessionId }) => sessionId === main.pid);
    const cpuMs = own.reduce((sum, one) => sum + one.cpuMs, 0);
    const figures = [
      gauge(
        fleetMetrics.memory,
        own.reduce((sum, one) => sum + one.residentBytes, 0),
      ),
    ];
    const process = `${memory.incarnation}/${keeperState.life}/${main.pid}`;
    const found = this.#earlier.get(key);
    if (found?.process === process && found.edgeMs === edgeMs - binMs)
      figures.push(gauge(fleetMetrics.cpu, Math.max(0, cpuMs - found.cpuMs) / binMs));
    this.#earlier.set(key, { process, edgeMs, cpuMs });
    const lives = this.#lives.get(key);
    if (lives?.incarnation === memory.incarnation)
      figures.push(counter(fleetMetrics.restarts, Math.max(0, keeperState.life - lives.life)));
    this.#lives.set(key, { incarnation: memory.incarnation, life: keeperState.life });
    const ports = Object.values(memory.ports);
    if (machine.connections && ports.length > 0) {
      const open = ports.map((port) => machine.connections!.get(endpointKey(memory.address, port)) ?? 0);
      figures.push(
        gauge(
          fleetMetrics.connections,
          open.reduce((sum, n) => sum + n, 0),
        ),
      );
    }
    const isReady = await this.#askReadiness(task, edgeMs, binMs);
    if (isReady !== undefined) {
      figures.push(counter(fleetMetrics.probes, isReady ? 1 : 0, { outcome: 'ready' }));
      figures.push(counter(fleetMetrics.probes, isReady ? 0 : 1, { outcome: 'unready' }));
    }
    return figures;
  }

  /** Forgets tasks that are not here any more. */
  keep(keys: ReadonlySet<string>): void {
    for (const known of [this.#earlier, this.#lives]) {
      for (const key of known.keys()) if (!keys.has(key)) known.delete(key);
    }
  }

  async #askReadiness({ memory }: HeldTask, edgeMs: number, binMs: number): Promise<boolean | undefined> {
    const spec = memory.order.version?.task;
    const every = Math.max(1, Math.round(probeEveryMs / binMs));
    if (!spec || memory.reported.state !== 'serving') return undefined;
    // Not all tasks of a host at once.
    if ((Math.round(edgeMs / binMs) + memory.index) % every !== 0) return undefined;
    return await askReadiness(probeOf(spec, memory), Math.min(probeDeadlineMs, binMs * 0.7));
  }
}

function gauge(metric: string, value: number): SeriesDelta {
  return { metric, labels: {}, value: { gauge: value } };
}

function counter(metric: string, added: number, labels: Readonly<Record<string, string>> = {}): SeriesDelta {
  return { metric, labels, value: { counterDelta: added } };
}

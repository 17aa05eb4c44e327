import type { HostId, TaskReport } from '../../model/index.ts';
import type { Observation } from '../port.ts';

/** What each host said of its tasks since this server began to listen: what a new observer is told first. */
export class KnownTasks {
  readonly #hosts = new Map<HostId, { revision: number; tasks: Map<string, TaskReport> }>();

  take(observation: Observation): void {
    if (observation.kind === 'heartbeat') return;
    const { host, revision, tasks } = observation;
    const known = observation.kind === 'snapshot' ? undefined : this.#hosts.get(host);
    // Deltas of a host whose snapshot was never seen say nothing about the rest of it.
    if (known === undefined && observation.kind === 'delta') return;
    const newest = known?.tasks ?? new Map<string, TaskReport>();
    for (const task of tasks) {
      const key = `${task.job}/${task.index}/${task.incarnation}`;
      if (task.state === 'stopped') newest.delete(key);
      // An operation ends once: it is told when it ends, not again to everybody who comes later.
      else newest.set(key, { ...task, operation: undefined });
    }
    this.#hosts.set(host, { revision, tasks: newest });
  }

  snapshots(): Observation[] {
    return [...this.#hosts].map(([host, { revision, tasks }]) => {
      return { kind: 'snapshot', host, revision, tasks: [...tasks.values()] };
    });
  }
}

import { type HostId, ProblemError, problem, type TaskReport } from '../../model/index.ts';
import type { Capabilities, ClusterDriver, ExecuteRequest, Observation } from '../port.ts';
import type { Timeline } from './agent.ts';
import type { SimulatedCluster } from './cluster.ts';

const capabilities: Capabilities = { inPlace: true, surge: false, hotswap: false, move: true, places: false };

/** The simulated cluster behind the driver's port. Orders take as long as the network says, in virtual time. */
export interface SimulatedDriver extends ClusterDriver {
  /** A host's contact came back: what it holds is told as a snapshot before anything new from it. */
  resync(host: HostId): Promise<void>;
}

export function simulatedDriver(cluster: SimulatedCluster, timeline: Timeline): SimulatedDriver {
  const observers = new Set<(observation: Observation) => Promise<void>>();
  let revision = 0;
  const tell = async (observation: Observation): Promise<void> => {
    await Promise.all([...observers].map((observer) => observer(observation)));
  };
  const snapshotOf = (host: HostId): Observation => {
    const tasks = cluster.agents.get(host)?.snapshot() ?? [];
    return { kind: 'snapshot', host, revision: ++revision, tasks };
  };
  cluster.receive = (report: TaskReport) => {
    void tell({ kind: 'delta', host: report.host, revision: ++revision, tasks: [report] });
    return true;
  };

  /** On its way for the network's latency; lost on the way, or nobody there: it has to be tried again. */
  const send = <T>(host: HostId, signal: AbortSignal, act: () => T): Promise<T> =>
    new Promise<T>((resolve, reject) => {
      signal.throwIfAborted();
      const isLost = cluster.isLost();
      timeline.at(timeline.nowMs() + cluster.latencyMs(), () => {
        if (cluster.canReach(host) && !isLost) resolve(act());
        else reject(new ProblemError(problem('agent/unreachable', `The agent of ${host} is not connected.`, { host })));
      });
    });

  return {
    name: 'simulated',
    capabilities,
    async execute(request, signal) {
      await send(hostOf(request), signal, () => cluster.execute(request));
    },
    async cancel(id, { host, job, index }, signal) {
      return host === undefined ? 'never-began' : send(host, signal, () => cluster.cancel(host, id, job, index));
    },
    async prefetch() {
      // Fetching is part of starting here.
    },
    async observe(deliver, signal) {
      let last = Promise.resolve();
      const observer = (observation: Observation): Promise<void> => {
        last = last.then(() => deliver(observation));
        return last;
      };
      observers.add(observer);
      for (const host of cluster.agents.keys()) if (cluster.isHeard(host)) await observer(snapshotOf(host));
      if (!signal.aborted) {
        await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
      }
      observers.delete(observer);
    },
    resync: (host) => tell(snapshotOf(host)),
  };
}

function hostOf(request: ExecuteRequest): HostId {
  if (request.host !== undefined) return request.host;
  throw new ProblemError(
    problem('operation/refused', `${request.id} names no host; this driver places nothing itself.`),
  );
}

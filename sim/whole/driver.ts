import type { ClusterDriver } from '../../src/drivers/index.ts';
import type { SimulatedCluster } from '../../src/drivers/simulated/index.ts';
import { type HostId, ProblemError, problem } from '../../src/model/index.ts';

/** Orders reach an agent at once or not at all; what takes time is what it says in return. */
export function driverOver(cluster: SimulatedCluster): ClusterDriver {
  const reach = (host: HostId): void => {
    if (!cluster.canReach(host) || cluster.isLost()) throw unreachable(host);
  };
  const answered = <T>(host: HostId, answer: T): T => {
    if (cluster.isLost()) throw unreachable(host);
    return answer;
  };
  return {
    name: 'simulated',
    capabilities: { inPlace: true, surge: false, hotswap: false, move: true, places: false },
    observe: async () => {},
    prefetch: async () => {},
    execute: async (request) => {
      reach(request.host!);
      cluster.execute(request);
      answered(request.host!, undefined);
    },
    cancel: async (id, at) => {
      reach(at.host!);
      return answered(at.host!, cluster.cancel(at.host!, id, at.job, at.index));
    },
  };
}

function unreachable(host: HostId): ProblemError {
  return new ProblemError(problem('agent/unreachable', `The agent of ${host} is not connected.`, { host }));
}

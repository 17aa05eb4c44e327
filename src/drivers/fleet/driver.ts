import type { ExecuteOrder } from '../../api/index.ts';
import { type HostId, ProblemError, problem } from '../../model/index.ts';
import type { CancelAnswer, Capabilities, ClusterDriver, ExecuteRequest, Observation } from '../port.ts';
import { KnownTasks } from './known-tasks.ts';
import { AgentUnreachable, type OrderBook } from './orders.ts';

const capabilities: Capabilities = { inPlace: true, surge: true, hotswap: false, move: true, places: false };

/** Who wants to hear what agents report; called after the reports were committed. */
export type Observer = (observation: Observation) => Promise<void>;

/** The built-in cluster manager's driver, and the end at which the server hands in what agents reported. */
export interface FleetDriver extends ClusterDriver {
  deliver(observation: Observation): Promise<void>;
}

/** Executes operations by orders to the agents of `book`. */
export function fleetDriver(book: OrderBook): FleetDriver {
  const observers = new Set<Observer>();
  const known = new KnownTasks();
  return {
    name: 'fleet',
    capabilities,
    async execute(request, signal) {
      await book.send(hostOf(request), orderOf(request), signal);
    },
    async cancel(id, { host, job, index }, signal): Promise<CancelAnswer> {
      // Admitted without a host: nobody was told of it, so nobody can begin it.
      if (host === undefined) return 'never-began';
      const answer = await book.send(host, { type: 'cancel', id, job, index }, signal);
      if (answer === undefined) throw new AgentUnreachable(host, `${host} did not say what became of ${id}.`);
      return answer;
    },
    async prefetch(host, version, packageDigest) {
      if (!book.isConnected(host)) return;
      const order = { type: 'prefetch', version, package: packageDigest } as const;
      await book.send(host, order, new AbortController().signal).catch(ignoreUnreachable);
    },
    async observe(deliver, signal) {
      // One after another, so that nothing overtakes the snapshots.
      let last = Promise.resolve();
      const observer: Observer = (observation) => {
        last = last.then(() => deliver(observation));
        return last;
      };
      const first = known.snapshots();
      observers.add(observer);
      try {
        for (const snapshot of first) await observer(snapshot);
        await aborted(signal);
      } finally {
        observers.delete(observer);
      }
    },
    async deliver(observation) {
      known.take(observation);
      await Promise.all([...observers].map((observer) => observer(observation)));
    },
  };
}

function hostOf(request: ExecuteRequest): HostId {
  if (request.host !== undefined) return request.host;
  throw new ProblemError(problem('operation/refused', `${request.id} names no host; the fleet places nothing itself.`));
}

function orderOf(request: ExecuteRequest): ExecuteOrder {
  const { id, job, index, kind, incarnation, nextIncarnation, epoch, version, precondition } = request;
  const wanted = version && {
    id: version.id,
    service: version.service,
    commit: version.commit,
    package: version.package,
    task: version.task,
  };
  return {
    type: 'execute',
    ...{ id, job, index, kind, incarnation, nextIncarnation, epoch },
    env: { ...request.env },
    version: wanted ?? null,
    stillOut: precondition?.stillOut ?? null,
  };
}

function ignoreUnreachable(error: unknown): void {
  if (!(error instanceof AgentUnreachable)) throw error;
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}

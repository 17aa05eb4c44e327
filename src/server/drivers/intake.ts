import type { DriverObservation } from '../../drivers/index.ts';
import type { Engine } from '../../engine/index.ts';
import { keepDriverHosts, planIntake } from '../../fleet/work.ts';
import type { Clock } from '../../kit/index.ts';
import { type DriverId, type HostId, type JobId, ProblemError, partsOfDriver, rollway } from '../../model/index.ts';
import type { Store } from '../../store/index.ts';
import type { AgentServer } from '../agents/index.ts';
import { hostNames } from './host-names.ts';
import { openStream, type Said } from './stream.ts';

const asMuchAsWanted = { cpuMillis: 1_000_000_000, memoryMb: 1_000_000_000, maxTasks: 1_000_000 };

export interface IntakeParts {
  readonly store: Store;
  readonly engine: Engine;
  readonly clock: Clock;
  readonly agents: Pick<AgentServer, 'markHeard' | 'isAbsent' | 'welcome'>;
}

/** One stream of observations, from its beginning. */
export interface Intake {
  /** Resolves when it is written down; throws what is wrong with it. Gives the hosts it speaks of. */
  take(observation: DriverObservation): Promise<readonly HostId[]>;
}

/** Numbers of batches grow over all streams, also over those of earlier lives of this server. */
let lastBatch = 0;

/** What a driver sees becomes the same rows as what agents report. */
export function openIntake(driver: DriverId, { store, engine, clock, agents }: IntakeParts): Intake {
  const names = hostNames(driver);
  const stream = openStream(partsOfDriver(driver)?.job ?? ('' as JobId));

  const takeHosts = async ({ hosts: found }: Extract<Said, { kind: 'hosts' }>): Promise<HostId[]> => {
    const hosts = found.map(({ name, address, labels = {}, capacity = asMuchAsWanted }) => {
      return { id: names.full(name), address, labels, capacity };
    });
    await engine.commitAs(rollway('fleet'), keepDriverHosts(driver, hosts, clock.nowMs()));
    for (const { id } of hosts) agents.welcome(id);
    return hosts.map(({ id }) => id);
  };

  const takeTasks = async (said: Extract<Said, { kind: 'snapshot' | 'delta' }>): Promise<HostId[]> => {
    const host = names.full(said.host);
    if (agents.isAbsent(host)) throw new Error(`${said.host} was given up meanwhile: name the hosts again`);
    const nowMs = clock.nowMs();
    lastBatch = Math.max(lastBatch + 1, nowMs * 1000);
    const batch = {
      ...{ host, batch: lastBatch, snapshot: said.kind === 'snapshot', atMs: nowMs, freeDiskRatio: 1 },
      ...{ tasks: said.tasks.map((task) => ({ ...task, host })), actions: [], begun: [] },
    };
    const addition = await store.read((tx) => planIntake(tx, batch, nowMs));
    if (!addition.ok) throw new ProblemError(addition.error);
    await engine.append(addition.value);
    return [host];
  };

  return {
    async take(observation) {
      const said = stream.take(observation);
      if (said.kind === 'hosts') return takeHosts(said);
      if (said.kind !== 'heartbeat') return takeTasks(said);
      return said.hosts.map(names.full);
    },
  };
}

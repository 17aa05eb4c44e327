import { VirtualClock } from '../../../sim/clock.ts';
import { seededChance } from '../../kit/index.ts';
import type { Incarnation, TaskSpec, Version } from '../../model/index.ts';
import type { Cluster } from '../driver-rules.ts';
import type { Truth } from './agent.ts';
import { type Behaviour, healthy } from './behaviour.ts';
import { SimulatedCluster } from './cluster.ts';
import { simulatedDriver } from './driver.ts';

const task = {
  drainMs: 100,
  ready: { tcp: { port: 'http' }, deadlineMs: 2000 },
  singleton: false,
} as unknown as TaskSpec;

function version(id: Version['id']): Version {
  return { id, service: 's', commit: 'c', repository: 'r', release: undefined, package: 'p', task, createdAtMs: 0 };
}

const behaviours = (id: string): Behaviour => ({ ...healthy, neverReady: id === 'v_never' });

/** A cluster in virtual time for the rules of all drivers. */
export async function openSimulated(): Promise<Cluster> {
  const clock = new VirtualClock(1_000_000);
  const living = new Map<string, Set<Incarnation>>();
  const truth: Truth = {
    tookOut() {},
    begun() {},
    serves(job, index, _host, incarnation, isServing) {
      const key = `${job}/${index}`;
      const set = living.get(key) ?? new Set<Incarnation>();
      living.set(key, set);
      if (isServing) set.add(incarnation);
      else set.delete(incarnation);
    },
  };
  const hosts = ['host-1', 'host-2'] as const;
  const cluster = new SimulatedCluster(hosts, clock, seededChance(7, 'network'), behaviours, truth);
  const driver = simulatedDriver(cluster, clock);

  // Virtual time passes for as long as somebody waits; promises are let through between its steps.
  let isOpen = true;
  const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
  const running = (async () => {
    while (isOpen) {
      clock.step();
      await turn();
    }
  })();

  return {
    driver,
    hosts,
    versions: { good: version('v_good'), other: version('v_other'), neverReady: version('v_never') },
    async until(condition, what) {
      const deadlineMs = clock.nowMs() + 60_000;
      for (let idle = 0; !(await condition()); idle += clock.nextMs() === undefined ? 1 : 0) {
        if (clock.nowMs() > deadlineMs || idle > 1000) throw new Error(`waited in vain: ${what}`);
        await turn();
      }
    },
    async settle() {
      const untilMs = clock.nowMs() + 5000;
      let isOver = false;
      clock.at(untilMs, () => {
        isOver = true;
      });
      while (!isOver) await turn();
    },
    runs: async (job, index) => hosts.flatMap((host) => cluster.agents.get(host)?.versionOf(job, index) ?? []),
    running: async (job, index) => [...(living.get(`${job}/${index}`) ?? [])].sort((a, b) => a - b),
    async partition(host) {
      cluster.cut(host, 'both');
    },
    async heal(host) {
      await driver.resync(host);
      cluster.join(host);
    },
    async close() {
      isOpen = false;
      await running;
    },
  };
}

// Drivers that are wrong on purpose, each in one way: the rules find every one of them.
import { describe, expect, test } from 'vitest';
import type { TaskReport, VersionId } from '../model/index.ts';
import { type Cluster, tryDriver } from './driver-rules.ts';
import type { ClusterDriver, ExecuteRequest, Observation } from './port.ts';
import { openSimulated } from './simulated/open-cluster.conformance.ts';

/** Puts something wrong in front of a driver that is right. */
type Wrong = (
  right: ClusterDriver,
  tell: (observation: Observation) => Promise<void>,
  cluster: Cluster,
) => Partial<ClusterDriver>;

/** Every report that goes through. */
function changed(right: ClusterDriver, change: (report: TaskReport) => TaskReport[]): Partial<ClusterDriver> {
  return {
    observe: (deliver, signal) =>
      right.observe(
        async (one) => deliver(one.kind === 'heartbeat' ? one : { ...one, tasks: one.tasks.flatMap(change) }),
        signal,
      ),
  };
}

function reportOf(request: ExecuteRequest, over: Partial<TaskReport> = {}): Observation {
  const { job, index, nextIncarnation: incarnation, host = '', version } = request;
  const report: TaskReport = {
    ...{ job, index, incarnation, life: 0, host, version: version?.id ?? 'v_none', state: 'serving', ports: {} },
    ...{ address: '', sequence: 1_000_000, atMs: 0, operation: { id: request.id, outcome: 'done' } },
    ...over,
  };
  return { kind: 'delta', host, revision: 0, tasks: [report] };
}

const refusedReason = { outcome: 'refused' } as const;

const wrongs: Record<string, Wrong> = {
  'forgets operation ids: what is given again is begun again': (right) => {
    const seen = new Map<string, number>();
    return {
      async execute(request, signal) {
        const times = (seen.get(request.id) ?? 0) + 1;
        seen.set(request.id, times);
        const again = times - 1;
        const id = again === 0 ? request.id : (`${request.id}x${again}` as const);
        const { incarnation, nextIncarnation } = request;
        await right.execute(
          again === 0 || request.version === undefined
            ? request
            : { ...request, id, incarnation: incarnation + again, nextIncarnation: nextIncarnation + again },
          signal,
        );
      },
    };
  },
  'forgets operation ids: what is given again is refused': (right, tell) => {
    const seen = new Set<string>();
    return {
      async execute(request, signal) {
        if (seen.has(request.id)) await tell(reportOf(request, { operation: { id: request.id, ...refusedReason } }));
        seen.add(request.id);
        await right.execute(request, signal);
      },
    };
  },
  'runs an operation that was cancelled before it came': () => ({ cancel: async () => 'never-began' }),
  'says of what has begun that it never did': (right) => ({
    cancel: async (id, at, signal) => {
      await right.cancel(id, at, signal);
      return 'never-began';
    },
  }),
  'calls what has ended begun': (right) => ({
    cancel: async (id, at, signal) => {
      const answer = await right.cancel(id, at, signal);
      return answer === 'done' ? 'begun' : answer;
    },
  }),
  'executes an older epoch': (right) => {
    let newest = 1000;
    return { execute: (request, signal) => right.execute({ ...request, epoch: ++newest }, signal) };
  },
  'forgets the epoch once the task is gone': (right) => {
    let offset = 0;
    const stopped = new Map<number, number>();
    return {
      async execute(request, signal) {
        const added = stopped.get(request.index) ?? 0;
        if (request.kind === 'stop') {
          offset += 100;
          stopped.set(request.index, offset);
        }
        await right.execute({ ...request, epoch: request.epoch + added }, signal);
      },
    };
  },
  'does not look at the incarnation that it is to find, nor at those it has used': (right) => {
    const highest = new Map<number, number>();
    return {
      async execute(request, signal) {
        const known = highest.get(request.index) ?? 0;
        if (request.version === undefined) return right.execute(request, signal);
        const next = Math.max(known + 1, request.nextIncarnation);
        highest.set(request.index, next);
        await right.execute({ ...request, incarnation: known, nextIncarnation: next }, signal);
      },
    };
  },
  'does not look whether a task that is to be repaired still is out': (right) => ({
    execute: (request, signal) => right.execute({ ...request, precondition: undefined }, signal),
  }),
  'says that something is done as soon as it is told': (right, tell) => ({
    async execute(request, signal) {
      await tell(reportOf(request));
      await right.execute(request, signal);
    },
  }),
  'reports an end that did not happen': (_, tell) => ({ execute: (request) => tell(reportOf(request)) }),
  'drops what it said was written down': () => ({ execute: async () => undefined }),
  'stops nothing, and says it did': (right, tell) => ({
    async execute(request, signal) {
      if (request.kind === 'stop')
        return tell(reportOf(request, { incarnation: request.incarnation, state: 'stopped' }));
      await right.execute(request, signal);
    },
  }),
  'loses the version in its reports': (right) => changed(right, (report) => [{ ...report, version: 'v_none' }]),
  'runs the version of before, and calls it the new one': (right, _, { versions }) => {
    const { good, other } = versions;
    const wanted = new Map<number, VersionId>();
    return {
      async execute(request, signal) {
        if (request.version !== undefined) wanted.set(request.index, request.version.id);
        await right.execute(request.version?.id === other.id ? { ...request, version: good } : request, signal);
      },
      ...changed(right, (report) => [{ ...report, version: wanted.get(report.index) ?? report.version }]),
    };
  },
  'calls never ready what is done': (right) =>
    changed(right, (report) => [
      report.operation?.outcome === 'failed'
        ? { ...report, state: 'serving', operation: { id: report.operation.id, outcome: 'done' } }
        : report,
    ]),
  'says of a failure neither reason nor summary': (right) => changed(right, ({ failure: _, ...report }) => [report]),
  'says gone when a host is silent': (_, tell, cluster) => {
    const { partition } = cluster;
    Object.assign(cluster, {
      async partition(host: string) {
        await partition?.(host);
        const request = { job: 'conform@test', index: lastIndex(cluster), host, nextIncarnation: 1 } as const;
        await tell(reportOf(request as unknown as ExecuteRequest, { state: 'failed', operation: undefined }));
      },
    });
    return {};
  },
  'takes operations for a host that it does not reach': (right) => ({
    execute: (request, signal) => right.execute(request, signal).catch(() => undefined),
  }),
  'begins with deltas': (right) => ({
    observe: (deliver, signal) =>
      right.observe(async (one) => deliver(one.kind === 'snapshot' ? { ...one, kind: 'delta' } : one), signal),
  }),
  'leaves tasks out of its snapshots': (right) => ({
    observe: (deliver, signal) =>
      right.observe(async (one) => deliver(one.kind === 'snapshot' ? { ...one, tasks: [] } : one), signal),
  }),
  'gives all its reports one number': (right) => changed(right, (report) => [{ ...report, sequence: 1 }]),
  'numbers its reports backwards': (right) =>
    changed(right, (report) => [{ ...report, sequence: 1_000_000 - report.sequence }]),
  'never says how an operation ended': (right) => changed(right, ({ operation: _, ...report }) => [report]),
  'runs the newest operation of a task first': (right) => {
    const held = new Map<number, ExecuteRequest>();
    return {
      async execute(request, signal) {
        const before = held.get(request.index);
        held.delete(request.index);
        if (request.kind === 'start' && before === undefined) {
          held.set(request.index, request);
          // Nobody came after it.
          setImmediate(() => {
            if (!held.delete(request.index)) return;
            void right.execute(request, signal).catch(() => undefined);
          });
          return;
        }
        await right.execute(request, signal);
        if (before !== undefined) await right.execute(before, signal);
      },
    };
  },
};

/** The index that was used last: rules take them in order. */
function lastIndex(cluster: Cluster): number {
  return indices.get(cluster) ?? 0;
}
const indices = new WeakMap<Cluster, number>();

async function broken(wrong: Wrong | undefined): Promise<string[]> {
  const cluster = await openSimulated();
  const inner = cluster.driver;
  const observers = new Set<(observation: Observation) => Promise<void>>();
  const tell = async (observation: Observation): Promise<void> => {
    for (const observer of observers) await observer(observation);
  };
  const right: ClusterDriver = {
    ...inner,
    async execute(request, signal) {
      indices.set(cluster, Math.max(indices.get(cluster) ?? 0, request.index));
      await inner.execute(request, signal);
    },
    async observe(deliver, signal) {
      observers.add(deliver);
      await inner.observe(deliver, signal).finally(() => observers.delete(deliver));
    },
  };
  Object.assign(cluster, { driver: { ...right, ...wrong?.(right, tell, cluster) } });
  const results = await tryDriver(cluster);
  return results.flatMap(({ rule, failure }) => (failure === undefined ? [] : [`${rule}: ${failure}`]));
}

describe('D2 the rules of drivers', () => {
  test('one that is right keeps all of them', async () => {
    expect(await broken(undefined)).toEqual([]);
  });

  test.each(Object.entries(wrongs))('one that %s breaks a rule', async (_, wrong) => {
    expect(await broken(wrong)).not.toEqual([]);
  });
});

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { HostId, Incarnation, JobId, OperationId, TaskIndex, TaskReport, Version } from '../model/index.ts';
import type { ClusterDriver, ExecuteRequest, Observation } from './port.ts';

/** A running cluster of at least two hosts behind a driver, and what the suite needs to do to it. */
export interface Cluster {
  readonly driver: ClusterDriver;
  readonly hosts: readonly [HostId, HostId, ...HostId[]];
  /** Versions of one service: two that serve, one that never becomes ready within its (short) deadline. */
  readonly versions: { readonly good: Version; readonly other: Version; readonly neverReady: Version };
  /** Waits, or lets virtual time pass, until the condition holds; throws, naming it, when it does not. */
  until(condition: () => boolean | Promise<boolean>, what: string): Promise<void>;
  /** Lets some time pass in which things could happen that must not. */
  settle(): Promise<void>;
  /** The truth: incarnations of an index that have a process right now, on any host. */
  running(job: JobId, index: TaskIndex): Promise<readonly Incarnation[]>;
  /** Cuts a host's contact while its tasks go on; `heal` ends that. */
  partition(host: HostId): Promise<void>;
  heal(host: HostId): Promise<void>;
  close(): Promise<void>;
}

const never = new AbortController().signal;

/**
 * What every driver must do, whatever it drives (design section 5, "Cluster driver"). Each test has an index of its
 * own, so that one cluster serves for all.
 */
export function driverConformance(name: string, open: () => Promise<Cluster>): void {
  describe(`driver conformance: ${name}`, () => {
    const job: JobId = 'conform@test';
    let cluster: Cluster;
    const seen: Observation[] = [];
    let nextIndex = 0;
    let nextId = 0;
    const observing = new AbortController();
    let observer: Promise<void>;

    beforeAll(async () => {
      cluster = await open();
      observer = cluster.driver.observe(async (observation) => void seen.push(observation), observing.signal);
    });
    afterAll(async () => {
      observing.abort();
      await observer;
      await cluster.close();
    });

    const id = (): OperationId => `op_conform${String(++nextId).padStart(4, '0')}`;
    /** A start of the good version on the first host, unless said otherwise. */
    function request(index: TaskIndex, over: Partial<ExecuteRequest> = {}): ExecuteRequest {
      return {
        ...{ id: id(), job, index, kind: 'start', incarnation: 0, nextIncarnation: 1 },
        ...{ host: cluster.hosts[0], version: cluster.versions.good, env: {}, epoch: 1, precondition: undefined },
        ...over,
      };
    }
    const execute = (wanted: ExecuteRequest) => cluster.driver.execute(wanted, never);
    function reportsOf(index: TaskIndex, from = seen): TaskReport[] {
      const all = from.flatMap((o) => (o.kind === 'heartbeat' ? [] : o.tasks));
      return all.filter((task) => task.job === job && task.index === index);
    }
    const inOrder = (reports: TaskReport[]) => [...reports].sort((a, b) => a.sequence - b.sequence);
    const endsOf = (wanted: ExecuteRequest) => reportsOf(wanted.index).filter((r) => r.operation?.id === wanted.id);
    async function endOf(wanted: ExecuteRequest): Promise<TaskReport> {
      await cluster.until(() => endsOf(wanted).length > 0, `${wanted.kind} ${wanted.id} ends`);
      return endsOf(wanted)[0] as TaskReport;
    }
    async function started(over: Partial<ExecuteRequest> = {}): Promise<ExecuteRequest> {
      const wanted = request(nextIndex++, over);
      await execute(wanted);
      expect(await endOf(wanted)).toMatchObject({ state: 'serving', operation: { outcome: 'done' } });
      return wanted;
    }
    const next = (before: ExecuteRequest, over: Partial<ExecuteRequest> = {}): ExecuteRequest =>
      request(before.index, {
        kind: 'update',
        incarnation: before.nextIncarnation,
        nextIncarnation: before.nextIncarnation + 1,
        version: cluster.versions.other,
        epoch: before.epoch + 1,
        ...over,
      });
    const stop = (before: ExecuteRequest): ExecuteRequest =>
      next(before, { kind: 'stop', nextIncarnation: before.nextIncarnation, version: undefined });

    test('start, update in place, stop: each ends with its state, and only one incarnation runs at a time', async () => {
      const first = await started();
      expect(await cluster.running(job, first.index)).toEqual([1]);
      const update = next(first);
      await execute(update);
      const updated = await endOf(update);
      expect(updated).toMatchObject({ incarnation: 2, version: cluster.versions.other.id, state: 'serving' });
      expect(await cluster.running(job, first.index)).toEqual([2]);
      const stopping = stop(update);
      await execute(stopping);
      expect(await endOf(stopping)).toMatchObject({ state: 'stopped', operation: { outcome: 'done' } });
      expect(await cluster.running(job, first.index)).toEqual([]);
    });

    test('execute is idempotent: the same operation given again does nothing again', async () => {
      const first = await started();
      const update = next(first);
      await Promise.all([execute(update), execute(update)]);
      await endOf(update);
      await execute(update);
      await cluster.settle();
      expect(await cluster.running(job, first.index)).toEqual([2]);
      for (const end of endsOf(update)) expect(end).toMatchObject({ incarnation: 2, operation: { outcome: 'done' } });
      const lives = reportsOf(first.index).map((report) => report.life);
      expect(Math.max(...lives)).toBe(0);
    });

    test('results come only through observe: execute says no more than "written down"', async () => {
      const wanted = request(nextIndex++, { version: cluster.versions.neverReady });
      expect(await execute(wanted)).toBeUndefined();
      const end = await endOf(wanted);
      expect(end.operation?.outcome).toBe('failed');
      expect(end.failure).toMatchObject({ reason: expect.any(String), summary: expect.any(String) });
    });

    test('a cancel that comes first leaves a tombstone: the operation never begins', async () => {
      const wanted = request(nextIndex++);
      const at = { host: wanted.host, job, index: wanted.index };
      expect(await cluster.driver.cancel(wanted.id, at, never)).toBe('never-began');
      await execute(wanted).catch(() => undefined);
      await cluster.settle();
      expect(await cluster.running(job, wanted.index)).toEqual([]);
      for (const end of endsOf(wanted)) expect(end.operation?.outcome).not.toBe('done');
    });

    test('a cancel of what was written down says so; of what has ended, too', async () => {
      const wanted = request(nextIndex++);
      const at = { host: wanted.host, job, index: wanted.index };
      await execute(wanted);
      expect(['begun', 'done']).toContain(await cluster.driver.cancel(wanted.id, at, never));
      await endOf(wanted);
      expect(await cluster.driver.cancel(wanted.id, at, never)).toBe('done');
      expect(await cluster.running(job, wanted.index)).toEqual([1]);
    });

    test('an older epoch than the newest seen is refused, per index, also after the task is gone', async () => {
      const first = await started({ epoch: 10 });
      const late = next(first, { epoch: 9 });
      await execute(late);
      expect((await endOf(late)).operation?.outcome).toBe('refused');
      expect(await cluster.running(job, first.index)).toEqual([1]);
      const stopping = stop(first);
      await execute(stopping);
      await endOf(stopping);
      const revived = next(first, { kind: 'start', epoch: 10 });
      await execute(revived);
      expect((await endOf(revived)).operation?.outcome).toBe('refused');
      expect(await cluster.running(job, first.index)).toEqual([]);
      await started({ epoch: 1 });
    });

    test('an operation for an older incarnation is refused, and an incarnation is never used twice', async () => {
      const first = await started();
      const update = next(first);
      await execute(update);
      await endOf(update);
      const stale = next(first, { epoch: 5, nextIncarnation: 3 });
      const reused = next(update, { epoch: 6, nextIncarnation: 2 });
      for (const wrong of [stale, reused]) {
        await execute(wrong);
        expect((await endOf(wrong)).operation?.outcome).toBe('refused');
      }
      expect(await cluster.running(job, first.index)).toEqual([2]);
    });

    test('"still out" does not hold any more: cancelled as recovered, and the task is left alone', async () => {
      const first = await started();
      const repair = next(first, { precondition: { stillOut: 1 } });
      await execute(repair);
      expect((await endOf(repair)).operation).toMatchObject({ outcome: 'cancelled', reason: 'recovered' });
      expect(await cluster.running(job, first.index)).toEqual([1]);
    });

    test('"still out" holds: the operation is done', async () => {
      const wanted = request(nextIndex++, { version: cluster.versions.neverReady });
      await execute(wanted);
      await endOf(wanted);
      const repair = next(wanted, { precondition: { stillOut: 1 } });
      await execute(repair);
      expect(await endOf(repair)).toMatchObject({ incarnation: 2, state: 'serving', operation: { outcome: 'done' } });
    });

    test('operations of one task run in order; those of another do not wait for them', async () => {
      const [slow, free] = [request(nextIndex++), request(nextIndex++)];
      const follow = next(slow);
      const last = next(follow, { version: cluster.versions.good });
      for (const wanted of [slow, follow, last, free]) await execute(wanted);
      expect(await endOf(last)).toMatchObject({ incarnation: 3, operation: { outcome: 'done' } });
      await endOf(free);
      const order = inOrder(reportsOf(slow.index)).flatMap((report) => report.operation?.id ?? []);
      expect([...new Set(order)]).toEqual([slow.id, follow.id, last.id]);
      expect(await cluster.running(job, slow.index)).toEqual([3]);
    });

    test('the reports of an incarnation are numbered: in that order they tell its life, however they came', async () => {
      const first = await started();
      const states = inOrder(reportsOf(first.index)).map((report) => report.state);
      expect(states.indexOf('starting')).toBeGreaterThanOrEqual(0);
      expect(states.lastIndexOf('starting')).toBeLessThan(states.indexOf('serving'));
      const bySequence = new Map(reportsOf(first.index).map((report) => [report.sequence, report.state]));
      for (const { sequence, state } of reportsOf(first.index)) expect(bySequence.get(sequence)).toBe(state);
    });

    test('whoever begins to observe gets a snapshot of each host first', async () => {
      const first = await started();
      const later: Observation[] = [];
      const done = new AbortController();
      const watching = cluster.driver.observe(async (observation) => void later.push(observation), done.signal);
      await cluster.until(() => reportsOf(first.index, later).length > 0, 'the task is in a snapshot');
      done.abort();
      await watching;
      expect(later.find((o) => o.kind !== 'heartbeat')?.kind).toBe('snapshot');
      expect(reportsOf(first.index, later)[0]).toMatchObject({ incarnation: 1, state: 'serving' });
    });

    test('silence is unknown, never gone; when it ends a snapshot comes first and the task is the same', async () => {
      const host = cluster.hosts[1];
      const first = await started({ host });
      await cluster.partition(host);
      const before = seen.length;
      await cluster.settle();
      expect(reportsOf(first.index, seen.slice(before))).toEqual([]);
      expect(await cluster.running(job, first.index)).toEqual([1]);
      await expect(execute(next(first, { host }))).rejects.toThrow();
      await cluster.heal(host);
      const news = () => seen.slice(before).filter((o) => o.kind !== 'heartbeat' && o.host === host);
      await cluster.until(() => news().length > 0, `${host} is heard again`);
      expect(news()[0]?.kind).toBe('snapshot');
      expect(reportsOf(first.index, news()).at(-1)).toMatchObject({ incarnation: 1, life: 0, state: 'serving' });
    });

    test('an operation may be given again after it could not be delivered', async () => {
      const host = cluster.hosts[1];
      const first = await started({ host });
      const update = next(first, { host });
      await cluster.partition(host);
      await expect(execute(update)).rejects.toThrow();
      await cluster.heal(host);
      await execute(update);
      expect(await endOf(update)).toMatchObject({ incarnation: 2, operation: { outcome: 'done' } });
    });
  });
}

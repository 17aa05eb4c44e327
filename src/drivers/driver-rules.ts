import type { TaskReport } from '../model/index.ts';
import type { Observation } from './port.ts';
import { type Cluster, insist, Rehearsal, RuleBroken } from './rehearsal.ts';

export { type Cluster, Rehearsal, RuleBroken } from './rehearsal.ts';

/** Something that every driver does, whatever it drives (design section 5, "Cluster driver"). */
export interface DriverRule {
  readonly rule: string;
  /** What of a cluster it takes to try it. */
  readonly needs?: 'partition' | 'restart';
  /** Each with an index of its own, so that one cluster serves for all. Throws `RuleBroken`. */
  try(at: Rehearsal): Promise<void>;
}

const inOrder = (reports: readonly TaskReport[]) => [...reports].sort((a, b) => a.sequence - b.sequence);

export const driverRules: readonly DriverRule[] = [
  {
    rule: 'start, update in place, stop: each ends with its state, and only one incarnation runs at a time',
    async try(at) {
      const { good, other } = at.cluster.versions;
      const first = await at.started();
      await at.runsOnly(first.index, [1], good.id);
      const update = await at.served(at.next(first));
      await at.runsOnly(first.index, [2], other.id);
      const stopping = at.stop(update);
      await at.execute(stopping);
      const { state, operation } = await at.endOf(stopping);
      insist(operation?.outcome === 'done', `a stop is said to be ${operation?.outcome}`);
      insist(state === 'stopped', `a stop is said to be done while its task is ${state}`);
      await at.runsOnly(first.index, []);
    },
  },
  {
    rule: 'execute is idempotent: the same operation given again does nothing again',
    async try(at) {
      const first = await at.started();
      const update = at.next(first);
      await Promise.all([at.execute(update), at.execute(update)]);
      await at.endOf(update);
      await at.execute(update);
      await at.cluster.settle();
      await at.runsOnly(first.index, [2]);
      for (const { incarnation, operation } of at.endsOf(update)) {
        insist(
          incarnation === 2 && operation?.outcome === 'done',
          `given again it is said to be ${operation?.outcome}`,
        );
      }
      const lives = at.reportsOf(first.index).map(({ life }) => life);
      insist(Math.max(...lives) === 0, 'given again it began the task anew');
    },
  },
  {
    rule: 'results come only through observe: execute says no more than "written down", and what never is ready has failed',
    async try(at) {
      const wanted = at.request(at.newIndex(), { version: at.cluster.versions.neverReady });
      const answer: unknown = await at.execute(wanted);
      insist(answer === undefined, 'execute answers with a result');
      const { operation, failure } = await at.endOf(wanted);
      insist(operation?.outcome === 'failed', `a task that is never ready is said to be ${operation?.outcome}`);
      insist(Boolean(failure?.reason && failure.summary), 'a failure comes without its reason and a summary');
    },
  },
  {
    rule: 'a cancel that comes first leaves a tombstone: the operation never begins',
    async try(at) {
      const wanted = at.request(at.newIndex());
      const answer = await at.cancel(wanted);
      insist(answer === 'never-began', `a cancel of what it never heard of is answered ${answer}`);
      await at.execute(wanted).catch(() => undefined);
      await at.cluster.settle();
      await at.runsOnly(wanted.index, []);
      insist(
        !at.endsOf(wanted).some(({ operation }) => operation?.outcome === 'done'),
        'a cancelled operation is said to be done',
      );
    },
  },
  {
    rule: 'a cancel of what was written down says so; of what has ended, too',
    async try(at) {
      const wanted = at.request(at.newIndex());
      await at.execute(wanted);
      const early = await at.cancel(wanted);
      insist(early === 'begun' || early === 'done', `a cancel of what was written down is answered ${early}`);
      await at.endOf(wanted);
      const late = await at.cancel(wanted);
      insist(late === 'done', `a cancel of what has ended is answered ${late}`);
      await at.runsOnly(wanted.index, [1]);
    },
  },
  {
    rule: 'an older epoch than the newest seen is refused, per index, also after the task is gone',
    async try(at) {
      const first = await at.started({ epoch: 10 });
      const late = at.next(first, { epoch: 9 });
      await at.execute(late);
      insist((await at.outcomeOf(late)) === 'refused', 'an operation of an older epoch is not refused');
      await at.runsOnly(first.index, [1]);
      const stopping = at.stop(first);
      await at.execute(stopping);
      await at.endOf(stopping);
      const revived = at.next(first, { kind: 'start', epoch: 10 });
      await at.execute(revived);
      insist((await at.outcomeOf(revived)) === 'refused', 'after a stop an operation of an older epoch is not refused');
      await at.runsOnly(first.index, []);
      await at.started({ epoch: 1 });
    },
  },
  {
    rule: 'an operation for an older incarnation is refused, and an incarnation is never used twice',
    async try(at) {
      const first = await at.started();
      const update = await at.served(at.next(first));
      const stale = at.next(first, { epoch: 5, nextIncarnation: 3 });
      const reused = at.next(update, { epoch: 6, nextIncarnation: 2 });
      for (const [wrong, what] of [
        [stale, 'an operation that expects an older incarnation'],
        [reused, 'an incarnation that was there before'],
      ] as const) {
        await at.execute(wrong);
        insist((await at.outcomeOf(wrong)) === 'refused', `${what} is not refused`);
      }
      await at.runsOnly(first.index, [2]);
    },
  },
  {
    rule: '"still out" does not hold any more: cancelled as recovered, and the task is left alone',
    async try(at) {
      const first = await at.started();
      const repair = at.next(first, { precondition: { stillOut: 1 } });
      await at.execute(repair);
      const { operation } = await at.endOf(repair);
      const said = `${operation?.outcome} (${operation?.reason})`;
      insist(
        said === 'cancelled (recovered)',
        `a repair of what serves is said to be ${said}, not cancelled (recovered)`,
      );
      await at.runsOnly(first.index, [1]);
    },
  },
  {
    rule: '"still out" holds: the operation is done',
    async try(at) {
      const wanted = at.request(at.newIndex(), { version: at.cluster.versions.neverReady });
      await at.execute(wanted);
      await at.endOf(wanted);
      await at.served(at.next(wanted, { precondition: { stillOut: 1 } }));
      await at.runsOnly(wanted.index, [2]);
    },
  },
  {
    rule: 'operations of one task run in order; those of another do not wait for them',
    async try(at) {
      const [slow, free] = [at.request(at.newIndex()), at.request(at.newIndex())];
      const follow = at.next(slow);
      const last = at.next(follow, { version: at.cluster.versions.good });
      for (const wanted of [slow, follow, last, free]) await at.execute(wanted);
      const { incarnation, operation } = await at.endOf(last);
      insist(
        incarnation === 3 && operation?.outcome === 'done',
        `the last of three is said to be ${operation?.outcome}`,
      );
      await at.endOf(free);
      const order = inOrder(at.reportsOf(slow.index)).flatMap((report) => report.operation?.id ?? []);
      const wanted = [slow.id, follow.id, last.id];
      insist([...new Set(order)].join() === wanted.join(), 'three operations of one task did not end in their order');
      await at.runsOnly(slow.index, [3]);
    },
  },
  {
    rule: 'the reports of an incarnation are numbered: in that order they tell its life, however they came',
    async try(at) {
      const first = await at.started();
      const reports = at.reportsOf(first.index);
      const states = inOrder(reports).map(({ state }) => state);
      insist(states.includes('starting'), 'it never says that a task is starting');
      insist(
        states.lastIndexOf('starting') < states.indexOf('serving'),
        'in the order of their numbers the reports tell another life',
      );
      const bySequence = new Map(reports.map(({ sequence, state }) => [sequence, state]));
      for (const { sequence, state } of reports) {
        insist(bySequence.get(sequence) === state, `number ${sequence} is given to two reports`);
      }
    },
  },
  {
    rule: 'whoever begins to observe gets a snapshot of each host first',
    async try(at) {
      const first = await at.started();
      const later: Observation[] = [];
      const done = new AbortController();
      const watching = at.cluster.driver.observe(async (observation) => void later.push(observation), done.signal);
      await at.until(() => at.reportsOf(first.index, later).length > 0, 'a task that serves is in no snapshot');
      done.abort();
      await watching;
      insist(later.find((one) => one.kind !== 'heartbeat')?.kind === 'snapshot', 'a delta comes before the snapshot');
      const [report] = at.reportsOf(first.index, later);
      insist(
        report?.incarnation === 1 && report.state === 'serving',
        `a snapshot calls a task that serves ${report?.state}`,
      );
    },
  },
  {
    rule: 'silence is unknown, never gone; when it ends a snapshot comes first and the task is the same',
    needs: 'partition',
    async try(at) {
      const host = at.cluster.hosts.at(-1)!;
      const first = await at.started({ host });
      const before = at.seen.length;
      let healed = before;
      await at.cluster.partition!(host);
      try {
        await at.cluster.settle();
        const said = at.reportsOf(first.index, at.seen.slice(before)).find(({ state }) => state !== 'serving');
        insist(said === undefined, `a task on a host that is not heard is said to be ${said?.state}`);
        await at.runsOnly(first.index, [1]);
        const isTaken = await at.execute(at.next(first)).then(
          () => true,
          () => false,
        );
        insist(!isTaken, 'an operation is said to be written down on a host that is not heard');
      } finally {
        healed = at.seen.length;
        await at.cluster.heal!(host);
      }
      const news = () => at.seen.slice(healed).filter((one) => one.kind !== 'heartbeat' && one.host === host);
      await at.until(() => news().length > 0, `${host} is never heard again`);
      insist(news()[0]?.kind === 'snapshot', 'after a silence something comes before the snapshot');
      const last = at.reportsOf(first.index, news()).at(-1);
      insist(
        last?.incarnation === 1 && last.life === 0 && last.state === 'serving',
        `after a silence the task that went on is called ${last?.state}, life ${last?.life}`,
      );
    },
  },
  {
    rule: 'an operation may be given again after it could not be delivered',
    needs: 'partition',
    async try(at) {
      const host = at.cluster.hosts.at(-1)!;
      const first = await at.started({ host });
      const update = at.next(first);
      await at.cluster.partition!(host);
      await at.execute(update).catch(() => undefined);
      await at.cluster.heal!(host);
      await at.served(update);
    },
  },
  {
    rule: 'a restart of the server: tasks go on, and the snapshot tells them as they are',
    needs: 'restart',
    async try(at) {
      const first = await at.started();
      const before = at.seen.length;
      await at.cluster.restart!();
      await at.runsOnly(first.index, [1]);
      await at.until(
        () => at.reportsOf(first.index, at.seen.slice(before)).length > 0,
        'after a restart a task is in no snapshot',
      );
      const [report] = at.reportsOf(first.index, at.seen.slice(before));
      insist(
        report?.incarnation === 1 && report.state === 'serving',
        `after a restart a task that serves is called ${report?.state}`,
      );
      const numbers = at.reportsOf(first.index, at.seen.slice(0, before)).map(({ sequence }) => sequence);
      insist(report.sequence >= Math.max(...numbers), 'after a restart reports are numbered from below');
      await at.served(at.next(first));
    },
  },
  {
    rule: 'a restart of the server: operations, tombstones, epochs and incarnations are remembered',
    needs: 'restart',
    async try(at) {
      const first = await at.started({ epoch: 5 });
      const update = await at.served(at.next(first));
      const cancelled = at.request(at.newIndex());
      await at.cancel(cancelled);
      await at.cluster.restart!();
      await at.execute(update);
      const [late, reused] = [at.next(update, { epoch: 4 }), at.next(update, { nextIncarnation: 2, epoch: 9 })];
      for (const wrong of [late, reused]) await at.execute(wrong);
      await at.execute(cancelled).catch(() => undefined);
      insist((await at.outcomeOf(late)) === 'refused', 'after a restart an operation of an older epoch is not refused');
      insist((await at.outcomeOf(reused)) === 'refused', 'after a restart an incarnation is used twice');
      insist((await at.cancel(update)) === 'done', 'after a restart an operation that has ended is not known');
      await at.cluster.settle();
      await at.runsOnly(first.index, [2]);
      await at.runsOnly(cancelled.index, []);
    },
  },
  {
    rule: 'a restart of the server in the middle of an operation: it ends, and is told',
    needs: 'restart',
    async try(at) {
      const first = await at.started();
      const update = at.next(first);
      await at.execute(update);
      await at.cluster.restart!();
      const outcome = await at.outcomeOf(update);
      if (outcome === 'done') await at.runsOnly(first.index, [2], at.cluster.versions.other.id);
      else {
        const again = at.next(update, {
          kind: 'restart',
          incarnation: outcome === 'failed' ? 2 : 1,
          nextIncarnation: 3,
        });
        await at.served(again);
        await at.runsOnly(first.index, [3]);
      }
    },
  },
];

/** How a driver stands with one rule. */
export interface DriverTrialResult {
  readonly rule: string;
  readonly failure: string | undefined;
  /** It could not be tried, because the driver has no such part. */
  readonly isSkipped: boolean;
}

/** Tries all rules, one after another, on one cluster. */
export async function tryDriver(
  cluster: Cluster,
  tell?: (result: DriverTrialResult) => void,
): Promise<DriverTrialResult[]> {
  const at = new Rehearsal(cluster);
  const results: DriverTrialResult[] = [];
  at.open();
  try {
    for (const { rule, needs, try: attempt } of driverRules) {
      const isSkipped = needs !== undefined && cluster[needs] === undefined;
      const failure = isSkipped ? undefined : await attempt(at).then(() => undefined, sentenceOf);
      results.push({ rule, failure, isSkipped });
      tell?.({ rule, failure, isSkipped });
    }
  } finally {
    await at.close();
  }
  return results;
}

function sentenceOf(error: unknown): string {
  if (error instanceof RuleBroken) return error.message;
  return `it failed: ${error instanceof Error ? error.message : String(error)}`;
}

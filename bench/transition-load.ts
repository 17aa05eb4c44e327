import { ok } from 'node:assert/strict';
import { listReports, listTasks } from '../src/disruption/rows.ts';
import type { Engine } from '../src/engine/index.ts';
import { jobId, rollway } from '../src/model/index.ts';
import { ensureJob, listAssignment, loadJob, saveAssignment } from '../src/rollout/rows.ts';
import type { Store } from '../src/store/index.ts';

/** Jobs whose tasks are given one new version after the other, one task a transition, until so many are done. */
export interface Load {
  readonly isOver: Promise<void>;
  /** Fails unless every transition left what it should have left. */
  check(): Promise<void>;
}

const actor = rollway('bench');

export async function prepareLoad(
  store: Store,
  engine: Engine,
  size: { transitions: number; jobs: number; tasks: number; withEffects: boolean },
): Promise<Load> {
  const { transitions, jobs, tasks, withEffects } = size;
  const perJob = Math.floor(transitions / jobs);
  const ids = Array.from({ length: jobs }, (_, i) => jobId(`service-${i}`, 'production'));
  await store.transaction(async (tx) => {
    for (const id of ids) {
      const service = id.slice(0, id.indexOf('@'));
      const budget = { percent: 10 } as const;
      const wish = {
        id,
        service,
        environment: 'production',
        wantedSize: tasks,
        env: {},
        hostLabels: {},
        driver: 'none',
      };
      await ensureJob(tx, { ...wish, budget } as never, 0);
      for (let index = 0; index < tasks; index++) {
        await saveAssignment(tx, { job: id, index, version: 'v_0', rollout: undefined, lastGood: undefined } as never);
      }
    }
  });
  let left = jobs;
  const over = Promise.withResolvers<void>();
  engine.registerWork({
    kind: 'job/decide',
    async run(turn) {
      const revision = await turn.commit(async (view) => {
        const job = turn.key as (typeof ids)[number];
        const guard = await view.guard('job', job);
        if (guard >= perJob) return undefined;
        const facts = await loadJob(view.tx, job);
        const assignment = await listAssignment(view.tx, job);
        const reports = await listReports(view.tx, job);
        const known = await listTasks(view.tx, job);
        const row = assignment[guard % facts.size];
        ok(row && assignment.length === tasks && reports.length === 0 && known.length === 0);
        const version = `v_${Math.floor(guard / tasks) + 1}` as const;
        return {
          bump: [{ kind: 'job', id: job }],
          write: (tx) => saveAssignment(tx, { ...row, version, lastGood: row.version }),
          effects: [
            {
              id: turn.id('eff'),
              kind: 'execute',
              receiver: `agent/host-${row.index}`,
              orderKey: `${job}/${row.index}`,
              payload: { job, index: row.index, version, epoch: guard },
              ...(withEffects ? {} : { dueAtMs: turn.nowMs + 3_600_000 }),
            },
          ],
          events: [{ stream: `job/${job}`, type: 'task.assigned', actor, data: { index: row.index, version, guard } }],
          work: guard + 1 < perJob ? [{ kind: 'job/decide', key: job }] : [],
          result: guard + 1,
        };
      });
      if (revision === perJob) left -= 1;
      if (left === 0) over.resolve();
    },
  });
  engine.registerEffect({
    kind: 'execute',
    safeToRepeat: true,
    run: async () => ({}),
  });
  await engine.enqueue(...ids.map((key) => ({ kind: 'job/decide', key })));
  return {
    isOver: over.promise,
    async check() {
      const count = jobs * perJob;
      const { events, effects } = await store.read(async (tx) => {
        const countOf = (table: 'event' | 'effect') =>
          tx
            .selectFrom(table)
            .select((eb) => eb.fn.countAll<number>().as('count'))
            .executeTakeFirstOrThrow();
        return { events: (await countOf('event')).count, effects: (await countOf('effect')).count };
      });
      ok(events === count && effects === count, `${events} events, ${effects} effects, ${count} transitions`);
      ok((await engine.verifyChain('all')).ok);
    },
  };
}

import { foldPlain, type TaskFacts } from '../../disruption/index.ts';
import * as ledger from '../../disruption/rows.ts';
import type { Proposal, View, WorkKind } from '../../engine/index.ts';
import type { JobId, TaskIndex } from '../../model/index.ts';
import { jobDecide } from './load.ts';
import type { RememberedJobs } from './remembered.ts';

/**
 * `job/observe` (key: job): takes in reports that say what is known already, reading and writing the rows of their
 * indices and nothing else of the job. As soon as one says more, all of them are left to `job/decide`.
 */
export function observeWork(remembered: RememberedJobs): WorkKind {
  return {
    kind: 'job/observe',
    async run(turn) {
      const job = turn.key as JobId;
      let taken: Observed | undefined;
      await turn.commit(async (view) => {
        taken = undefined;
        const seen = await observe(view, job, turn.nowMs);
        if (seen === 'decide') return { work: [{ kind: jobDecide, key: job }], result: undefined };
        taken = seen;
        return seen?.proposal;
      });
      if (taken !== undefined) remembered.change(job, taken.revision, taken.tasks);
    },
  };
}

interface Observed {
  readonly proposal: Proposal;
  /** The guard's, before. */
  readonly revision: number;
  readonly tasks: ReadonlyMap<TaskIndex, TaskFacts>;
}

async function observe({ tx, guard }: View, job: JobId, nowMs: number): Promise<Observed | 'decide' | undefined> {
  const revision = await guard('job', job);
  const reports = await ledger.listReports(tx, job);
  if (reports.length === 0) return undefined;
  const known = new Map(
    (await ledger.findTasks(tx, job, [...new Set(reports.map(({ index }) => index))])).map((task) => [
      task.index,
      task,
    ]),
  );
  const tasks = new Map<TaskIndex, TaskFacts>();
  for (const report of reports) {
    const before = tasks.get(report.index) ?? known.get(report.index);
    const after = before && foldPlain(before, report, nowMs);
    if (after === undefined) return 'decide';
    if (after !== before) tasks.set(report.index, after);
  }
  const proposal: Proposal = {
    bump: [{ kind: 'job', id: job }],
    write: async (writer) => {
      for (const report of reports) await ledger.deleteReport(writer, report);
      for (const task of tasks.values()) await ledger.saveTask(writer, job, task);
    },
    result: undefined,
  };
  return { proposal, revision, tasks };
}

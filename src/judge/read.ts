import { listTasks } from '../disruption/rows.ts';
import { listHosts } from '../fleet/rows.ts';
import { type JobId, partsOfJob, type RolloutId } from '../model/index.ts';
import { findService, listRevisions } from '../pipeline/rows.ts';
import { listJobs } from '../rollout/rows.ts';
import type { Tx } from '../store/index.ts';
import { listVerdicts, type VerdictRow } from './rows.ts';
import type { KnownTask } from './task-book.ts';

export {
  type CalibrationTurn,
  findCalibration as readCalibration,
  findCalibrationTurn as readCalibrationTurn,
  listCalibrationTurns as readCalibrationTurns,
  listCurves as readCurves,
  listLabels as readLabels,
  listLastLooks as readLastLooks,
  type VerdictRow,
} from './rows.ts';
export { toleratedRatio } from './weigh/counts.ts';

/** All looks at a rollout, oldest first: the history, and the points of the charts (levels of both groups). */
export async function readVerdicts(tx: Tx, rollout: RolloutId): Promise<VerdictRow[]> {
  return listVerdicts(tx, rollout);
}

/** Every incarnation that some job has now, as its newest folded report tells it: whose metrics are that come without an agent. */
export async function readKnownTasks(tx: Tx): Promise<KnownTask[]> {
  const labelsOf = new Map((await listHosts(tx)).map(({ id, labels }) => [id, { host: id, ...labels }]));
  const known: KnownTask[] = [];
  for (const job of await listJobs(tx)) {
    for (const { index, current, others } of await listTasks(tx, job.id)) {
      for (const facts of [...others, ...(current ? [current] : [])]) {
        const { incarnation, version, state, servingSinceMs, address, ports, host } = facts;
        const addresses = Object.values(ports).map((port) => `${address}:${port}`);
        const labels = labelsOf.get(host) ?? { host };
        known.push({ job: job.id, index, incarnation, version, state, labels, servingSinceMs, addresses });
      }
    }
  }
  return known;
}

/** Width of the bins in which a job is judged, as its service says now; undefined: nobody said. */
export async function readJudgeBin(tx: Tx, job: JobId): Promise<number | undefined> {
  const [service] = job.split('@') as [string];
  const revision = (await findService(tx, service))?.revision;
  if (revision === undefined) return undefined;
  return (await listRevisions(tx, service, [revision])).get(revision)?.judge.binMs;
}

/** PromQL that a service asks by checks of its own. */
export async function readOwnQueries(tx: Tx, job: JobId): Promise<OwnQuery[]> {
  const { service } = partsOfJob(job);
  const revision = (await findService(tx, service))?.revision;
  if (revision === undefined) return [];
  const spec = (await listRevisions(tx, service, [revision])).get(revision)?.judge;
  return (spec?.checks ?? []).flatMap(({ name, metric }) =>
    'query' in metric ? [{ job, check: name, promql: metric.query.promql, server: metric.query.server }] : [],
  );
}

export interface OwnQuery {
  readonly job: JobId;
  readonly check: string;
  readonly promql: string;
  /** null: the first server that lets services ask. */
  readonly server: string | null;
}

/** What a person says of a verdict; written by the server alone, beside the audit. */
export { saveLabel } from './rows.ts';

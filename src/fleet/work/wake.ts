import * as ledger from '../../disruption/rows.ts';
import type { Enqueue } from '../../engine/index.ts';
import type { HostId } from '../../model/index.ts';
import { listRepositories, listServicesOf, listServicesWithRunsOn } from '../../pipeline/rows.ts';
import { listJobs } from '../../rollout/rows.ts';
import type { Tx } from '../../store/index.ts';
import * as rows from '../rows.ts';

/** Whoever has a task or an action on the host decides anew. */
export async function decideOn(tx: Tx, host: HostId): Promise<Enqueue[]> {
  // A failed task is no endpoint and claims no room, and yet waits for its host.
  const jobs = new Set([...(await rows.listJobsOnHost(tx, host)), ...(await ledger.listJobsOnHost(tx, host))]);
  const services = await listServicesWithRunsOn(tx, host);
  return [
    ...[...jobs].sort().map((job) => ({ kind: 'job/decide', key: job })),
    ...services.map((service) => ({ kind: 'pipeline/decide', key: service })),
  ];
}

/** New room may be what some job, or some action, waits for. */
export async function decideAll(tx: Tx): Promise<Enqueue[]> {
  const jobs = await listJobs(tx);
  const services: string[] = [];
  for (const { name } of await listRepositories(tx)) {
    services.push(...(await listServicesOf(tx, name)).map((service) => service.name));
  }
  return [
    ...jobs.map(({ id }) => ({ kind: 'job/decide', key: id })),
    ...services.map((service) => ({ kind: 'pipeline/decide', key: service })),
  ];
}

import { insertCommits } from '../../src/blame/rows.ts';
import { newTask } from '../../src/disruption/index.ts';
import * as ledger from '../../src/disruption/rows.ts';
import type { SimulatedCluster } from '../../src/drivers/simulated/index.ts';
import * as fleet from '../../src/fleet/rows.ts';
import type { AssignmentRow, TaskReport, VersionId } from '../../src/model/index.ts';
import { insertVersion } from '../../src/pipeline/rows.ts';
import { standardRules } from '../../src/rollout/index.ts';
import * as rows from '../../src/rollout/rows.ts';
import type { Tx } from '../../src/store/index.ts';
import type { Scenario } from '../scenario.ts';
import { commitOf, jobId as job, repository, startMs, versionOf } from '../versions.ts';
import { wantedJob } from '../wanted-job.ts';

/** Hosts, commits, versions and the job, as rows; what its tasks report of themselves is returned. */
export async function writeBeginning(
  tx: Tx,
  scenario: Scenario,
  cluster: SimulatedCluster,
  { nowMs, hasService }: { nowMs: number; hasService: boolean },
): Promise<readonly TaskReport[]> {
  const ids = Object.keys(scenario.versions).sort() as VersionId[];
  for (const host of scenario.hosts) {
    await fleet.insertHost(tx, host.id, host.id, '0.1.0', nowMs);
    const capacity = { cpuMillis: 100_000, memoryMb: 100_000, maxTasks: 64 };
    const facts = { address: host.id, labels: host.labels, capacity, abilities: [], agentVersion: '0.1.0' };
    await fleet.updateHostFacts(tx, host.id, facts, nowMs);
  }
  const commits = ids.map((id, at) => commitFacts(id, at, ids[at - 1]));
  await insertCommits(tx, repository, commits);
  for (const id of ids) await insertVersion(tx, versionOf(id));
  await rows.ensureJob(tx, wantedJob(scenario, hasService), nowMs);
  return plantTasks(tx, scenario, cluster);
}

/** They run what the scenario begins with, and have served; or nothing was ever deployed. */
async function plantTasks(tx: Tx, { running, size, hosts }: Scenario, cluster: SimulatedCluster) {
  const reports: TaskReport[] = [];
  if (running === undefined) return reports;
  await rows.updateJobInForce(tx, { id: job, size, resizingFrom: undefined, goodVersions: [running] });
  for (let index = 0; index < size; index++) {
    const host = hosts[index % hosts.length]!.id;
    const report = cluster.agents.get(host)!.plant(job, index, versionOf(running));
    await ledger.saveTask(tx, job, standardRules.foldReport(newTask(index), report));
    reports.push(report);
    const row: AssignmentRow = { job, index, version: running, rollout: undefined, lastGood: running };
    await rows.saveAssignment(tx, row);
    await fleet.insertPlacement(tx, { job, index, incarnation: 1, host, cpuMillis: 100, memoryMb: 64 });
  }
  return reports;
}

function commitFacts(id: VersionId, seq: number, parent: VersionId | undefined) {
  return {
    seq,
    parentSeqs: parent === undefined ? [] : [seq - 1],
    id: commitOf(id),
    parents: parent === undefined ? [] : [commitOf(parent)],
    author: 'ada',
    subject: id,
    committedAtMs: startMs,
    trailers: { reverts: [], fixes: [] },
  };
}

import { bucketsOf, newTask, type TaskFacts } from '../../src/disruption/index.ts';
import type { SimulatedCluster } from '../../src/drivers/simulated/index.ts';
import type { Placement } from '../../src/fleet/index.ts';
import type { AssignmentRow, Version, VersionId } from '../../src/model/index.ts';
import { type JobState, standardRules } from '../../src/rollout/index.ts';
import type { Scenario } from '../scenario.ts';
import { jobId as job, startMs, versionOf } from '../versions.ts';
import { wantedJob } from '../wanted-job.ts';

/** All of its tasks run what the scenario begins with; or nothing was ever deployed. */
export function firstState(scenario: Scenario, cluster: SimulatedCluster, hasService: boolean): JobState {
  const tasks = new Map<number, TaskFacts>();
  const assignment = new Map<number, AssignmentRow>();
  const placements: Placement[] = [];
  const versions = new Map<VersionId, Version>();
  for (const id of Object.keys(scenario.versions) as VersionId[]) versions.set(id, versionOf(id));
  for (let index = 0; index < scenario.size && scenario.running !== undefined; index++) {
    const version = scenario.running;
    const host = scenario.hosts[index % scenario.hosts.length]!.id;
    const report = cluster.agents.get(host)!.plant(job, index, versions.get(version)!);
    tasks.set(index, standardRules.foldReport(newTask(index), report));
    assignment.set(index, { job, index, version, rollout: undefined, lastGood: version });
    placements.push({ job, index, incarnation: 1, host, cpuMillis: 100, memoryMb: 64 });
  }
  return {
    job: {
      ...wantedJob(scenario, hasService),
      size: scenario.size,
      resizingFrom: undefined,
      goodVersions: scenario.running === undefined ? [] : [scenario.running],
      createdAtMs: startMs,
    },
    revision: 0,
    assignment,
    rollouts: [],
    operations: [],
    outages: [],
    tasks,
    inventory: { hosts: [], placements, massSilence: false },
    versions,
    carriers: new Map(),
    evidence: new Map(),
    buckets: bucketsOf('guestbook', scenario.limits, scenario.shared, scenario.hosts).map((bucket) => ({
      ...bucket,
      revision: 0,
      takenAtMs: [],
    })),
    reports: [],
    answers: [],
    commands: [],
  };
}

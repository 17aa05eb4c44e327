import type { Selectable } from 'kysely';
import type {
  ActionRunId,
  Actor,
  ArtifactRevision,
  CommitId,
  Problem,
  ReleaseId,
  ServiceName,
  ServiceSpec,
  Version,
  VersionId,
} from '../model/index.ts';
import type { Schema, Tx } from '../store/index.ts';

// ---------------------------------------------------------------- repositories and services

export interface RepositoryOverview {
  readonly name: string;
  readonly location: string;
  readonly branch: string;
  /** The newest commit seen on each watched branch. */
  readonly heads: Readonly<Record<string, CommitId>>;
  readonly polledAtMs: number | undefined;
  readonly services: readonly ServiceOverview[];
  readonly problem: Problem | undefined;
}

export interface ServiceOverview {
  readonly name: ServiceName;
  readonly repository: string;
  readonly branch: string;
  readonly configPath: string;
  /** The pipeline revision that new releases take; undefined until a configuration was valid once. */
  readonly revision: number | undefined;
  readonly spec: ServiceSpec | undefined;
}

export async function readRepositories(tx: Tx): Promise<RepositoryOverview[]> {
  const services = await readServices(tx);
  const findings = new Map((await readFindings(tx)).map((finding) => [finding.subject, finding.problem]));
  const rows = await tx.selectFrom('repository').selectAll().orderBy('name').execute();
  return rows.map((row) => ({
    name: row.name,
    location: row.location,
    branch: row.branch,
    heads: JSON.parse(row.heads) as Record<string, CommitId>,
    polledAtMs: row.polled_at_ms === null ? undefined : Number(row.polled_at_ms),
    services: services.filter((service) => service.repository === row.name),
    problem: findings.get(`repository/${row.name}`) ?? findings.get(row.name),
  }));
}

export async function readServices(tx: Tx): Promise<ServiceOverview[]> {
  const rows = await tx
    .selectFrom('service as s')
    .leftJoin('pipeline_revision as r', (join) =>
      join.onRef('r.service', '=', 's.name').onRef('r.revision', '=', 's.revision'),
    )
    .select(['s.name', 's.repository', 's.branch', 's.config_path', 's.revision', 'r.spec'])
    .orderBy('s.name')
    .execute();
  return rows.map((row) => ({
    name: row.name,
    repository: row.repository,
    branch: row.branch,
    configPath: row.config_path,
    revision: row.revision ?? undefined,
    spec: row.spec === null ? undefined : (JSON.parse(row.spec) as ServiceSpec),
  }));
}

/** The specification of one revision. */
export async function readSpec(tx: Tx, service: ServiceName, revision: number): Promise<ServiceSpec | undefined> {
  const row = await tx
    .selectFrom('pipeline_revision')
    .select('spec')
    .where('service', '=', service)
    .where('revision', '=', revision)
    .executeTakeFirst();
  return row && (JSON.parse(row.spec) as ServiceSpec);
}

/** The specification that a release was made with. */
export async function readSpecOfRelease(tx: Tx, release: ReleaseId): Promise<ServiceSpec | undefined> {
  const row = await tx
    .selectFrom('release as l')
    .innerJoin('pipeline_revision as r', (join) =>
      join.onRef('r.service', '=', 'l.service').onRef('r.revision', '=', 'l.pipeline_revision'),
    )
    .select('r.spec')
    .where('l.id', '=', release)
    .executeTakeFirst();
  return row && (JSON.parse(row.spec) as ServiceSpec);
}

/** What is wrong with a repository, a service or a release and needs a person. */
export async function readFindings(
  tx: Tx,
): Promise<{ readonly subject: string; readonly problem: Problem; readonly atMs: number }[]> {
  const rows = await tx.selectFrom('pipeline_finding').selectAll().orderBy('subject').execute();
  return rows.map((row) => ({
    subject: row.subject,
    problem: JSON.parse(row.problem) as Problem,
    atMs: Number(row.at_ms),
  }));
}

// ---------------------------------------------------------------- releases

export interface ReleaseOverview {
  readonly id: ReleaseId;
  readonly service: ServiceName;
  readonly repository: string;
  readonly pipelineRevision: number;
  readonly commit: CommitId;
  readonly subject: string;
  readonly author: string;
  readonly position: number;
  readonly createdAtMs: number;
  readonly createdBy: Actor;
  readonly state: string;
  readonly version: VersionId | undefined;
  /** Why it is where it is, in words. */
  readonly reason: string | undefined;
  readonly endedAtMs: number | undefined;
}

/** Releases of a service, newest first; `before` is the last one of the page before. */
export async function readReleases(
  tx: Tx,
  service: ServiceName,
  limit: number,
  before?: string | undefined,
): Promise<ReleaseOverview[]> {
  let query = tx.selectFrom('release').selectAll().where('service', '=', service);
  if (before !== undefined) query = query.where('id', '<', before);
  return (await query.orderBy('id', 'desc').limit(limit).execute()).map(releaseOf);
}

export async function findRelease(tx: Tx, id: ReleaseId): Promise<ReleaseOverview | undefined> {
  const row = await tx.selectFrom('release').selectAll().where('id', '=', id).executeTakeFirst();
  return row && releaseOf(row);
}

/** The newest release of a commit of a service. */
export async function findReleaseOfCommit(
  tx: Tx,
  service: ServiceName,
  commit: CommitId,
): Promise<ReleaseOverview | undefined> {
  const row = await tx
    .selectFrom('release')
    .selectAll()
    .where('service', '=', service)
    .where('commit_id', '=', commit)
    .orderBy('id', 'desc')
    .limit(1)
    .executeTakeFirst();
  return row && releaseOf(row);
}

/** The release of the service that stands right before this one on the branch: what is new is counted from there. */
export async function findReleaseBefore(tx: Tx, release: ReleaseOverview): Promise<ReleaseOverview | undefined> {
  const row = await tx
    .selectFrom('release')
    .selectAll()
    .where('service', '=', release.service)
    .where('position', '<', release.position)
    .orderBy('position', 'desc')
    .orderBy('id', 'desc')
    .limit(1)
    .executeTakeFirst();
  return row && releaseOf(row);
}

// ---------------------------------------------------------------- action runs

export interface RunOverview {
  readonly id: ActionRunId;
  readonly release: ReleaseId;
  readonly service: ServiceName;
  readonly action: string;
  readonly attempt: number;
  readonly state: string;
  readonly reason: string | undefined;
  readonly rollout: string | undefined;
  readonly host: string | undefined;
  readonly outputs: Readonly<Record<string, ArtifactRevision>>;
  readonly startedAtMs: number | undefined;
  readonly endedAtMs: number | undefined;
}

/** Runs of these releases, oldest first. */
export async function readRuns(tx: Tx, releases: readonly ReleaseId[]): Promise<RunOverview[]> {
  if (releases.length === 0) return [];
  const rows = await tx
    .selectFrom('action_run')
    .selectAll()
    .where('release', 'in', [...releases])
    .orderBy('id')
    .execute();
  return rows.map(runOf);
}

/** Commits of the newest releases of each service and of all that have not ended. */
export async function readCommitsOfNewestReleases(tx: Tx, perService: number): Promise<ReadonlySet<CommitId>> {
  const commits = new Set<CommitId>();
  for (const { name } of await tx.selectFrom('service').select('name').execute()) {
    for (const { commit } of await readReleases(tx, name, perService)) commits.add(commit);
  }
  const live = await tx.selectFrom('release').select('commit_id').where('ended_at_ms', 'is', null).execute();
  for (const { commit_id } of live) commits.add(commit_id);
  return commits;
}

/** Runs of each service's newest releases, and of all that have not ended. */
export async function readRunsOfNewestReleases(tx: Tx, perService: number): Promise<ActionRunId[]> {
  const releases = new Set<string>();
  for (const { name } of await tx.selectFrom('service').select('name').execute()) {
    for (const { id } of await readReleases(tx, name, perService)) releases.add(id);
  }
  for (const { id } of await tx.selectFrom('release').select('id').where('ended_at_ms', 'is', null).execute()) {
    releases.add(id);
  }
  return (await readRuns(tx, [...releases] as ReleaseId[])).map(({ id }) => id);
}

export async function findRun(tx: Tx, id: ActionRunId): Promise<RunOverview | undefined> {
  const row = await tx.selectFrom('action_run').selectAll().where('id', '=', id).executeTakeFirst();
  return row && runOf(row);
}

// ---------------------------------------------------------------- versions

/** A version as people recognise it: by its commit. */
export interface VersionOverview {
  readonly id: VersionId;
  readonly service: ServiceName;
  readonly repository: string;
  readonly commit: CommitId;
  readonly subject: string;
  readonly author: string;
  readonly release: ReleaseId | undefined;
  readonly createdAtMs: number;
}

export async function readVersions(tx: Tx, ids: readonly VersionId[]): Promise<VersionOverview[]> {
  if (ids.length === 0) return [];
  const rows = await tx
    .selectFrom('version as v')
    .leftJoin('git_commit as c', (join) =>
      join.onRef('c.repository', '=', 'v.repository').onRef('c.id', '=', 'v.commit_id'),
    )
    .select([
      'v.id',
      'v.service',
      'v.repository',
      'v.commit_id',
      'v.release',
      'v.created_at_ms',
      'c.subject',
      'c.author',
    ])
    .where('v.id', 'in', [...ids])
    .execute();
  return rows.map((row) => ({
    id: row.id as VersionId,
    service: row.service,
    repository: row.repository,
    commit: row.commit_id,
    subject: row.subject ?? '',
    author: row.author ?? '',
    release: (row.release ?? undefined) as ReleaseId | undefined,
    createdAtMs: Number(row.created_at_ms),
  }));
}

/** Every version's package: what housekeeping keeps is chosen from these. */
export async function readReleasedPackages(
  tx: Tx,
): Promise<(Pick<Version, 'id' | 'service' | 'package'> & { readonly createdAtMs: number })[]> {
  const rows = await tx.selectFrom('version').select(['id', 'service', 'package', 'created_at_ms']).execute();
  return rows.map((row) => ({
    id: row.id as VersionId,
    service: row.service,
    package: row.package,
    createdAtMs: Number(row.created_at_ms),
  }));
}

/** Packages of releases that have not ended: their source, and what their actions made. */
export async function readPackagesUnderWay(tx: Tx): Promise<string[]> {
  const releases = await tx.selectFrom('release').select(['id', 'source']).where('ended_at_ms', 'is', null).execute();
  const digests = releases.flatMap(({ source }) => digestsIn(source));
  const ids = releases.map(({ id }) => id as ReleaseId);
  for (const run of await readRuns(tx, ids))
    for (const output of Object.values(run.outputs)) digests.push(output.digest);
  return digests;
}

/** Whatever the form in which the source is stored, its digest is 64 hex digits. */
function digestsIn(json: string | null): string[] {
  return [...(json ?? '').matchAll(/"([0-9a-f]{64})"/g)].map((match) => match[1] as string);
}

// ---------------------------------------------------------------- rows → words

function releaseOf(row: Selectable<Schema['release']>): ReleaseOverview {
  return {
    id: row.id as ReleaseId,
    service: row.service,
    repository: row.repository,
    pipelineRevision: row.pipeline_revision,
    commit: row.commit_id,
    subject: row.subject,
    author: row.author,
    position: Number(row.position),
    createdAtMs: Number(row.created_at_ms),
    createdBy: JSON.parse(row.created_by) as Actor,
    state: row.state,
    version: (row.version ?? undefined) as VersionId | undefined,
    reason: row.reason ?? undefined,
    endedAtMs: row.ended_at_ms === null ? undefined : Number(row.ended_at_ms),
  };
}

function runOf(row: Selectable<Schema['action_run']>): RunOverview {
  return {
    id: row.id as ActionRunId,
    release: row.release as ReleaseId,
    service: row.service,
    action: row.action,
    attempt: row.attempt,
    state: row.state,
    reason: row.reason ?? undefined,
    rollout: row.rollout ?? undefined,
    host: row.host ?? undefined,
    outputs: JSON.parse(row.outputs) as Record<string, ArtifactRevision>,
    startedAtMs: row.started_at_ms === null ? undefined : Number(row.started_at_ms),
    endedAtMs: row.ended_at_ms === null ? undefined : Number(row.ended_at_ms),
  };
}

import { type Selectable, sql } from 'kysely';
import type { SourceCommit } from '../../blame/index.ts';
import type { CommitId, JudgeSpec, Problem, ServiceName, ServiceSpec } from '../../model/index.ts';
import { dialectOf, prepare, type Schema, type Tx } from '../../store/index.ts';
import type { RepositoryFacts, ServiceFacts } from '../facts.ts';
import type { ConfigResult } from '../ports.ts';

// ---------------------------------------------------------------- repositories

export async function findRepository(tx: Tx, name: string): Promise<RepositoryFacts | undefined> {
  const row = await tx.selectFrom('repository').selectAll().where('name', '=', name).executeTakeFirst();
  return row && repositoryOf(row);
}

export async function listRepositories(tx: Tx): Promise<RepositoryFacts[]> {
  return (await tx.selectFrom('repository').selectAll().orderBy('name').execute()).map(repositoryOf);
}

export async function saveRepository(tx: Tx, repository: RepositoryFacts): Promise<void> {
  const values = {
    name: repository.name,
    location: repository.location,
    branch: repository.branch,
    poll_every_ms: repository.pollEveryMs,
    created_at_ms: repository.createdAtMs,
    heads: JSON.stringify(repository.heads),
    polled_at_ms: repository.polledAtMs ?? null,
    reading_since_ms: repository.readingSinceMs ?? null,
    is_read_wanted: repository.isReadWanted ? 1 : 0,
    wanted_tips: JSON.stringify(repository.wantedTips),
  };
  await tx
    .insertInto('repository')
    .values(values)
    .onConflict((on) => on.column('name').doUpdateSet(values))
    .execute();
}

/** Git answered: written with its news, so that the next reading may begin. */
export async function endReading(tx: Tx, name: string, atMs: number): Promise<void> {
  await tx
    .updateTable('repository')
    .set({ reading_since_ms: null, polled_at_ms: atMs })
    .where('name', '=', name)
    .execute();
}

/** Asks for a reading now (enqueue `repository/poll`), also of a commit that is on no watched branch. */
export async function wantReading(tx: Tx, name: string, tip?: CommitId): Promise<void> {
  const repository = await findRepository(tx, name);
  if (repository === undefined) return;
  const wantedTips = tip === undefined ? repository.wantedTips : [...new Set([...repository.wantedTips, tip])];
  await tx
    .updateTable('repository')
    .set({ is_read_wanted: 1, wanted_tips: JSON.stringify(wantedTips) })
    .where('name', '=', name)
    .execute();
}

function repositoryOf(row: Selectable<Schema['repository']>): RepositoryFacts {
  return {
    name: row.name,
    location: row.location,
    branch: row.branch,
    pollEveryMs: row.poll_every_ms,
    createdAtMs: Number(row.created_at_ms),
    heads: JSON.parse(row.heads),
    polledAtMs: row.polled_at_ms === null ? undefined : Number(row.polled_at_ms),
    readingSinceMs: row.reading_since_ms === null ? undefined : Number(row.reading_since_ms),
    isReadWanted: row.is_read_wanted === 1,
    wantedTips: JSON.parse(row.wanted_tips),
  };
}

// ---------------------------------------------------------------- what Git told

export interface GitNews {
  readonly id: string;
  /** The branch whose head the tip is; undefined for a tip that was asked for. */
  readonly branch: string | undefined;
  readonly tip: CommitId;
  /** Parents before children. */
  readonly commits: readonly SourceCommit[];
}

export async function insertNews(tx: Tx, repository: string, news: GitNews, atMs: number): Promise<void> {
  const { id, branch, tip, commits } = news;
  await tx
    .insertInto('git_news')
    .values({ id, repository, branch: branch ?? null, tip, commits: JSON.stringify(commits), at_ms: atMs })
    .onConflict((on) => on.doNothing())
    .execute();
}

export async function listNews(tx: Tx, repository: string): Promise<GitNews[]> {
  const rows = await tx
    .selectFrom('git_news')
    .selectAll()
    .where('repository', '=', repository)
    .orderBy('at_ms')
    .orderBy('id')
    .execute();
  return rows.map((row) => ({
    id: row.id,
    branch: row.branch ?? undefined,
    tip: row.tip,
    commits: JSON.parse(row.commits),
  }));
}

export async function deleteNews(tx: Tx, ids: readonly string[]): Promise<void> {
  if (ids.length > 0)
    await tx
      .deleteFrom('git_news')
      .where('id', 'in', [...ids])
      .execute();
}

// ---------------------------------------------------------------- configurations

/** `undefined` result: it is being evaluated. */
export type ConfigAnswer =
  | { readonly ok: true; readonly value: ConfigResult }
  | { readonly ok: false; readonly error: readonly Problem[] };

export async function findConfig(
  tx: Tx,
  repository: string,
  commit: CommitId,
  path: string | undefined,
): Promise<{ readonly answer: ConfigAnswer | undefined } | undefined> {
  const row = await tx
    .selectFrom('config_result')
    .select('result')
    .where('repository', '=', repository)
    .where('commit_id', '=', commit)
    .where('path', '=', path ?? '')
    .executeTakeFirst();
  return row && { answer: row.result === null ? undefined : (JSON.parse(row.result) as ConfigAnswer) };
}

export async function saveConfig(
  tx: Tx,
  repository: string,
  commit: CommitId,
  path: string | undefined,
  answer: ConfigAnswer | undefined,
  atMs: number,
): Promise<void> {
  const values = { result: answer === undefined ? null : JSON.stringify(answer), at_ms: atMs };
  await tx
    .insertInto('config_result')
    .values({ repository, commit_id: commit, path: path ?? '', ...values })
    .onConflict((on) => on.columns(['repository', 'commit_id', 'path']).doUpdateSet(values))
    .execute();
}

/** Taken in: what it said is in a pipeline revision, or in a finding. */
export async function deleteConfigs(tx: Tx, repository: string, commits: readonly CommitId[]): Promise<void> {
  for (const commit of new Set(commits))
    await tx
      .deleteFrom('config_result')
      .where('repository', '=', repository)
      .where('commit_id', '=', commit)
      .where('result', 'is not', null)
      .execute();
}

export interface ServiceSearch {
  readonly commit: CommitId;
  readonly branch: string;
}

export async function listSearches(tx: Tx, repository: string): Promise<ServiceSearch[]> {
  const rows = await tx
    .selectFrom('service_search')
    .select(['commit_id', 'branch'])
    .where('repository', '=', repository)
    .orderBy('at_ms')
    .execute();
  return rows.map((row) => ({ commit: row.commit_id, branch: row.branch }));
}

export async function insertSearch(tx: Tx, repository: string, search: ServiceSearch, atMs: number): Promise<void> {
  await tx
    .insertInto('service_search')
    .values({ repository, commit_id: search.commit, branch: search.branch, at_ms: atMs })
    .onConflict((on) => on.doNothing())
    .execute();
}

export async function deleteSearch(tx: Tx, repository: string, search: ServiceSearch): Promise<void> {
  await tx
    .deleteFrom('service_search')
    .where('repository', '=', repository)
    .where('commit_id', '=', search.commit)
    .where('branch', '=', search.branch)
    .execute();
}

// ---------------------------------------------------------------- services and their pipelines

const selectService = prepare<{ name: string }, Selectable<Schema['service']>>((db, p) =>
  db.selectFrom('service').selectAll().where('name', '=', p.name),
);

export async function findService(tx: Tx, name: ServiceName): Promise<ServiceFacts | undefined> {
  const [row] = await selectService(tx, { name });
  return row && serviceOf(row);
}

export async function listServicesOf(tx: Tx, repository: string): Promise<ServiceFacts[]> {
  const rows = await tx
    .selectFrom('service')
    .selectAll()
    .where('repository', '=', repository)
    .orderBy('name')
    .execute();
  return rows.map(serviceOf);
}

export async function saveService(tx: Tx, service: ServiceFacts): Promise<void> {
  const values = {
    name: service.name,
    repository: service.repository,
    config_path: service.configPath,
    branch: service.branch,
    revision: service.revision ?? null,
    created_at_ms: service.createdAtMs,
  };
  await tx
    .insertInto('service')
    .values(values)
    .onConflict((on) => on.column('name').doUpdateSet(values))
    .execute();
}

function serviceOf(row: Selectable<Schema['service']>): ServiceFacts {
  return {
    name: row.name,
    repository: row.repository,
    configPath: row.config_path,
    branch: row.branch,
    revision: row.revision ?? undefined,
    createdAtMs: Number(row.created_at_ms),
  };
}

const selectJudgeSpec = prepare<{ service: string; revision: number }, { judge: string | null }>((db, p) =>
  db
    .selectFrom('pipeline_revision')
    .select(
      (dialectOf(db) === 'postgres' ? sql<string>`(spec::json -> 'judge')::text` : sql<string>`spec -> '$.judge'`).as(
        'judge',
      ),
    )
    .where('service', '=', p.service)
    .where('revision', '=', p.revision),
);

/** How a revision says that its service is judged: asked for at every look, and a small part of the whole. */
export async function findJudgeSpec(tx: Tx, service: ServiceName, revision: number): Promise<JudgeSpec | undefined> {
  const [row] = await selectJudgeSpec(tx, { service, revision });
  return row?.judge == null ? undefined : ((JSON.parse(row.judge) as JudgeSpec | null) ?? undefined);
}

export async function listRevisions(
  tx: Tx,
  service: ServiceName,
  revisions: readonly number[],
): Promise<Map<number, ServiceSpec>> {
  if (revisions.length === 0) return new Map();
  const rows = await tx
    .selectFrom('pipeline_revision')
    .select(['revision', 'spec'])
    .where('service', '=', service)
    .where('revision', 'in', [...new Set(revisions)])
    .execute();
  return new Map(rows.map((row) => [row.revision, JSON.parse(row.spec) as ServiceSpec]));
}

/** Digests of all revisions of a service: the same specification is the same revision. */
export async function listRevisionDigests(tx: Tx, service: ServiceName): Promise<Map<string, number>> {
  const rows = await tx
    .selectFrom('pipeline_revision')
    .select(['revision', 'digest'])
    .where('service', '=', service)
    .orderBy('revision')
    .execute();
  return new Map(rows.map((row) => [row.digest, row.revision]));
}

export async function insertRevision(
  tx: Tx,
  service: ServiceName,
  revision: number,
  digest: string,
  spec: string,
  commit: CommitId,
  atMs: number,
): Promise<void> {
  await tx
    .insertInto('pipeline_revision')
    .values({ service, revision, digest, spec, commit_id: commit, created_at_ms: atMs })
    .execute();
}

import type { Selectable } from 'kysely';
import type { CommitId, Problem, ReleaseId, ServiceName, VersionId } from '../../model/index.ts';
import { prepare, type Schema, type Tx } from '../../store/index.ts';
import type { DeployHold, ReleaseFacts, SourceState } from '../facts.ts';

// ---------------------------------------------------------------- releases

const selectLive = prepare<{ service: string }, Selectable<Schema['release']>>((db, p) =>
  db.selectFrom('release').selectAll().where('service', '=', p.service).where('ended_at_ms', 'is', null),
);

/** Those that have not ended. */
export async function listLiveReleases(tx: Tx, service: ServiceName): Promise<ReleaseFacts[]> {
  return (await selectLive(tx, { service })).map(releaseOf);
}

const selectRelease = prepare<{ id: string }, Selectable<Schema['release']>>((db, p) =>
  db.selectFrom('release').selectAll().where('id', '=', p.id),
);

export async function findRelease(tx: Tx, id: ReleaseId): Promise<ReleaseFacts | undefined> {
  const [row] = await selectRelease(tx, { id });
  return row && releaseOf(row);
}

/** Releases of a service at one commit, newest first. */
export async function listReleasesAt(tx: Tx, service: ServiceName, commit: CommitId): Promise<ReleaseFacts[]> {
  const rows = await tx
    .selectFrom('release')
    .selectAll()
    .where('service', '=', service)
    .where('commit_id', '=', commit)
    .orderBy('created_at_ms', 'desc')
    .orderBy('id', 'desc')
    .execute();
  return rows.map(releaseOf);
}

/** Releases of a repository whose configuration was not read yet. */
export async function listUnconfigured(tx: Tx, repository: string): Promise<ReleaseFacts[]> {
  const rows = await tx
    .selectFrom('release')
    .selectAll()
    .where('repository', '=', repository)
    .where('is_configured', '=', 0)
    .where('ended_at_ms', 'is', null)
    .orderBy('created_at_ms')
    .orderBy('id')
    .execute();
  return rows.map(releaseOf);
}

/** Releases of a service behind this place on the branch: those that a rewritten branch may have moved. */
export async function listReleasesBeyond(tx: Tx, service: ServiceName, position: number): Promise<ReleaseFacts[]> {
  const rows = await tx
    .selectFrom('release')
    .selectAll()
    .where('service', '=', service)
    .where('position', '>', position)
    .execute();
  return rows.map(releaseOf);
}

/** All of it but the source, which its own effect writes (`updateSource`). */
export async function saveRelease(tx: Tx, release: ReleaseFacts): Promise<void> {
  const { source, ...values } = rowOf(release);
  await tx
    .insertInto('release')
    .values({ ...values, source })
    .onConflict((on) => on.column('id').doUpdateSet(values))
    .execute();
}

/** Written by the decision that asks for it, and by the effect that packs it. */
export async function updateSource(tx: Tx, release: ReleaseId, source: SourceState): Promise<void> {
  await tx
    .updateTable('release')
    .set({ source: JSON.stringify(source) })
    .where('id', '=', release)
    .execute();
}

// ---------------------------------------------------------------- holds after a rollback

export async function listHolds(tx: Tx, service: ServiceName): Promise<DeployHold[]> {
  const rows = await tx.selectFrom('deploy_hold').selectAll().where('service', '=', service).execute();
  return rows.map((row) => ({
    service: row.service,
    environment: row.environment,
    by: row.by_name,
    reason: row.reason,
    atMs: Number(row.at_ms),
    rollout: (row.rollout ?? undefined) as DeployHold['rollout'],
    from: (row.from_version ?? undefined) as VersionId | undefined,
    to: (row.to_version ?? undefined) as VersionId | undefined,
  }));
}

/** One per target: a second rollback replaces the first one's. */
export async function saveHold(tx: Tx, hold: DeployHold): Promise<void> {
  const values = {
    by_name: hold.by,
    reason: hold.reason,
    rollout: hold.rollout ?? null,
    from_version: hold.from ?? null,
    to_version: hold.to ?? null,
    at_ms: hold.atMs,
  };
  await tx
    .insertInto('deploy_hold')
    .values({ service: hold.service, environment: hold.environment, ...values })
    .onConflict((on) => on.columns(['service', 'environment']).doUpdateSet(values))
    .execute();
}

export async function deleteHold(tx: Tx, hold: DeployHold): Promise<void> {
  await tx
    .deleteFrom('deploy_hold')
    .where('service', '=', hold.service)
    .where('environment', '=', hold.environment)
    .execute();
}

// ---------------------------------------------------------------- findings

/** What is wrong and needs a person. Subjects: `repository/<name>`, `service/<name>`, `release/<id>`. */
export async function saveFinding(tx: Tx, subject: string, problem: Problem, atMs: number): Promise<void> {
  const values = { problem: JSON.stringify(problem), at_ms: atMs };
  await tx
    .insertInto('pipeline_finding')
    .values({ subject, ...values })
    .onConflict((on) => on.column('subject').doUpdateSet(values))
    .execute();
}

export async function deleteFinding(tx: Tx, subject: string): Promise<void> {
  await tx.deleteFrom('pipeline_finding').where('subject', '=', subject).execute();
}

/** Git can be read again; what else is wrong with the repository stays. */
export async function deleteGitFinding(tx: Tx, subject: string): Promise<void> {
  const row = await tx
    .selectFrom('pipeline_finding')
    .select('problem')
    .where('subject', '=', subject)
    .executeTakeFirst();
  if (row && (JSON.parse(row.problem) as Problem).code.startsWith('git/')) await deleteFinding(tx, subject);
}

// ---------------------------------------------------------------- rows ↔ facts

function releaseOf(row: Selectable<Schema['release']>): ReleaseFacts {
  return {
    id: row.id as ReleaseId,
    service: row.service,
    pipelineRevision: row.pipeline_revision,
    repository: row.repository,
    commit: row.commit_id,
    subject: row.subject,
    author: row.author,
    position: Number(row.position),
    createdAtMs: Number(row.created_at_ms),
    createdBy: JSON.parse(row.created_by),
    state: row.state as ReleaseFacts['state'],
    version: (row.version ?? undefined) as VersionId | undefined,
    isConfigured: row.is_configured === 1,
    isNamed: row.is_named === 1,
    holdAfter: row.hold_after ?? undefined,
    holdFor: row.hold_for === null ? undefined : JSON.parse(row.hold_for),
    onlyTo: row.only_to ?? undefined,
    forwardOnly: row.forward_only ?? undefined,
    source: row.source === null ? { kind: 'wanted' } : JSON.parse(row.source),
    reason: row.reason ?? undefined,
    endedAtMs: row.ended_at_ms === null ? undefined : Number(row.ended_at_ms),
  };
}

function rowOf(release: ReleaseFacts): Selectable<Schema['release']> {
  return {
    id: release.id,
    service: release.service,
    pipeline_revision: release.pipelineRevision,
    repository: release.repository,
    commit_id: release.commit,
    subject: release.subject,
    author: release.author,
    position: release.position,
    created_at_ms: release.createdAtMs,
    created_by: JSON.stringify(release.createdBy),
    state: release.state,
    version: release.version ?? null,
    hold_after: release.holdAfter ?? null,
    hold_for: release.holdFor === undefined ? null : JSON.stringify(release.holdFor),
    is_named: release.isNamed ? 1 : 0,
    is_configured: release.isConfigured ? 1 : 0,
    only_to: release.onlyTo ?? null,
    forward_only: release.forwardOnly ?? null,
    source: JSON.stringify(release.source),
    reason: release.reason ?? null,
    ended_at_ms: release.endedAtMs ?? null,
  };
}

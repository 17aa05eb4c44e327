import type { Selectable } from 'kysely';
import { parseOnce } from '../../kit/index.ts';
import type { Digest, ReleaseId, ServiceName, Version, VersionId } from '../../model/index.ts';
import { byLength, padded, prepare, type Schema, type Tx } from '../../store/index.ts';

export async function findVersion(tx: Tx, id: VersionId): Promise<Version | undefined> {
  return (await listVersions(tx, [id]))[0];
}

const selectVersions = byLength((list) =>
  prepare<readonly string[], Selectable<Schema['version']>>((db, p) =>
    db.selectFrom('version').selectAll().where('id', 'in', list(p)),
  ),
);

/** Those of the versions that exist, in no particular order. */
export async function listVersions(tx: Tx, ids: readonly VersionId[]): Promise<Version[]> {
  if (ids.length === 0) return [];
  return (await selectVersions(ids.length)(tx, padded(ids))).map(toVersion);
}

/** What a mark may concern: every version of these services that was built from the repository. */
export async function listBuilds(
  tx: Tx,
  repository: string,
  services: readonly ServiceName[],
): Promise<Pick<Version, 'id' | 'service' | 'commit'>[]> {
  if (services.length === 0) return [];
  const rows = await tx
    .selectFrom('version')
    .select(['id', 'service', 'commit_id'])
    .where('repository', '=', repository)
    .where('service', 'in', [...services])
    .execute();
  return rows.map((row) => ({ id: row.id as VersionId, service: row.service, commit: row.commit_id }));
}

/** Writing the same version again changes nothing. */
export async function insertVersion(tx: Tx, version: Version): Promise<void> {
  await tx
    .insertInto('version')
    .values({
      id: version.id,
      service: version.service,
      repository: version.repository,
      commit_id: version.commit,
      release: version.release ?? null,
      package: version.package,
      task: JSON.stringify(version.task),
      created_at_ms: version.createdAtMs,
    })
    .onConflict((on) => on.column('id').doNothing())
    .execute();
}

function toVersion(row: Selectable<Schema['version']>): Version {
  return {
    id: row.id as VersionId,
    service: row.service,
    commit: row.commit_id,
    repository: row.repository,
    release: (row.release ?? undefined) as ReleaseId | undefined,
    package: row.package,
    task: parseOnce(row.task) as Version['task'],
    createdAtMs: Number(row.created_at_ms),
  };
}

// ---------------------------------------------------------------- builds that were made before

export async function findCachedBuilds(
  tx: Tx,
  keys: readonly string[],
): Promise<{ readonly key: string; readonly digest: Digest; readonly sizeBytes: number }[]> {
  if (keys.length === 0) return [];
  const rows = await tx
    .selectFrom('build_cache')
    .selectAll()
    .where('cache_key', 'in', [...keys])
    .execute();
  return rows.map((row) => ({ key: row.cache_key, digest: row.digest, sizeBytes: Number(row.size_bytes) }));
}

/** The newest package of a key is the one that is used again. */
export async function saveCachedBuild(
  tx: Tx,
  key: string,
  digest: Digest,
  sizeBytes: number,
  run: string,
  atMs: number,
): Promise<void> {
  const values = { digest, size_bytes: sizeBytes, run, at_ms: atMs };
  await tx
    .insertInto('build_cache')
    .values({ cache_key: key, ...values })
    .onConflict((on) => on.column('cache_key').doUpdateSet(values))
    .execute();
}

/**
 * Builds whose packages are not kept are not known any more. To be called in the transaction that decides what is
 * kept: what was taken from the cache before it belongs to a live release, and afterwards it cannot be taken.
 */
export async function forgetCachedBuilds(tx: Tx, kept: ReadonlySet<Digest>): Promise<void> {
  const rows = await tx.selectFrom('build_cache').select(['cache_key', 'digest']).execute();
  const gone = rows.filter(({ digest }) => !kept.has(digest)).map((row) => row.cache_key);
  for (let at = 0; at < gone.length; at += 500)
    await tx
      .deleteFrom('build_cache')
      .where('cache_key', 'in', gone.slice(at, at + 500))
      .execute();
}

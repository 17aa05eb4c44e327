import type { VersionRef } from '../../api/index.ts';
import type { VersionId } from '../../model/index.ts';
import { readVersions } from '../../pipeline/read.ts';
import type { Tx } from '../../store/index.ts';

/** Versions by id, as people recognise them. */
export async function versionRefs(tx: Tx, ids: Iterable<VersionId | undefined>): Promise<Map<string, VersionRef>> {
  const wanted = [...new Set([...ids].filter((id) => id !== undefined))];
  const found = await readVersions(tx, wanted);
  return new Map(
    found.map(({ id, commit, subject, author, release, createdAtMs }) => [
      id,
      { id, commit, subject, author, release: release ?? null, createdAtMs },
    ]),
  );
}

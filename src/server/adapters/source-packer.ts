import { type ArtifactStore, packTree } from '../../artifact/index.ts';
import { resolveTree, withTreeAt } from '../../io/index.ts';
import { ok } from '../../model/index.ts';
import type { SourcePacker } from '../../pipeline/index.ts';
import type { Mirrors } from './git-reader.ts';

/** Packs the tree of a commit as it is committed: no checkout, so nothing of the repository runs. */
export function sourcePacker(mirrors: Mirrors, artifacts: ArtifactStore): SourcePacker {
  return {
    async pack(location, commit, signal) {
      const folder = await mirrors.having(location, commit, signal);
      if (!folder.ok) return folder;
      const tree = await resolveTree(folder.value, commit);
      if (!tree.ok) return tree;
      const packed = await withTreeAt(folder.value, commit, (reader) => packTree(reader, artifacts, { signal }));
      if (!packed.ok) return packed;
      return ok({ digest: packed.value.digest, sizeBytes: packed.value.sizeBytes, tree: tree.value });
    },
  };
}

import { err, ok, ProblemError, type Result } from '../model/index.ts';
import { findEntries, type PackOptions } from './pack.ts';
import type { TreeReader, TreeWriter } from './port.ts';

/** Copies a tree with the checks of a package but without a store: the tree of a commit becomes a folder. */
export async function copyTree(
  tree: TreeReader,
  writer: TreeWriter,
  options: PackOptions = {},
): Promise<Result<{ readonly files: number }>> {
  try {
    const found = await findEntries(tree, options);
    if (!found.ok) {
      await writer.discard();
      return found;
    }
    let files = 0;
    for (const entry of found.value) {
      options.signal?.throwIfAborted();
      if (entry.kind === 'directory') await writer.directory(entry.path);
      if (entry.kind !== 'file') continue;
      const sink = await writer.openFile(entry.path, entry.executable);
      try {
        for await (const bytes of tree.read(entry.path)) await sink.write(bytes);
      } finally {
        await sink.close();
      }
      files += 1;
    }
    for (const entry of found.value) {
      if (entry.kind === 'symlink') await writer.symlink(entry.path, entry.target);
    }
    await writer.commit();
    return ok({ files });
  } catch (error) {
    await writer.discard();
    if (error instanceof ProblemError) return err(error.problem);
    throw error;
  }
}

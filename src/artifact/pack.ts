import { sha256 } from '../kit/index.ts';
import { type Digest, err, ok, problem, type Result } from '../model/index.ts';
import { createCutter } from './cut.ts';
import { type Manifest, type ManifestEntry, sizeOfPackage } from './manifest.ts';
import type { FoundEntry, TreeReader } from './port.ts';
import { findUnsafeEntry } from './safe-path.ts';
import { selectionOf } from './select.ts';
import type { ArtifactStore } from './store.ts';

export interface PackOptions {
  /** Nothing named = everything. */
  readonly include?: readonly string[] | undefined;
  readonly exclude?: readonly string[] | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly maxFiles?: number | undefined;
  readonly maxBytes?: number | undefined;
}

export interface Packed {
  readonly digest: Digest;
  readonly sizeBytes: number;
  readonly files: number;
  /** Chunks that the store did not have before. */
  readonly newChunks: number;
}

/** Packs a folder into the store. Either the whole package is there afterwards, or none of it. */
export async function packTree(
  tree: TreeReader,
  store: ArtifactStore,
  options: PackOptions = {},
): Promise<Result<Packed>> {
  const found = await findEntries(tree, options);
  if (!found.ok) return found;
  const contents = await packContents(tree, found.value, store, options);
  if (!contents.ok) return contents;
  const { entries, chunks, newChunks } = contents.value;
  const manifest: Manifest = { format: 1, entries, chunks };
  const added = await store.addPackage(manifest);
  if (!added.ok) return added;
  const files = entries.filter((entry) => 'sizeBytes' in entry).length;
  return ok({ digest: added.value, sizeBytes: sizeOfPackage(manifest), files, newChunks });
}

export async function findEntries(tree: TreeReader, options: PackOptions): Promise<Result<FoundEntry[]>> {
  const selection = selectionOf(options.include ?? [], options.exclude ?? []);
  const listed = await tree.list(selection.skips);
  const found = listed.filter((entry) => selection.includes(entry.path));
  const entries = found
    .filter((entry) => entry.kind !== 'directory' || entry.isEmpty)
    .sort((a, b) => (a.path < b.path ? -1 : 1));
  const maxFiles = options.maxFiles ?? 200_000;
  if (entries.length === 0) return cannotPack('nothing in the folder matches `include`');
  if (entries.length > maxFiles) return cannotPack(`it has ${entries.length} files, more than ${maxFiles}`);
  const other = entries.find((entry) => entry.kind === 'other');
  if (other?.kind === 'other') return cannotPack(`${JSON.stringify(other.path)} is a ${other.what}`);
  const unsafe = findUnsafeEntry(entries.map(asEntry));
  return unsafe ? err(problem('artifact/unsafe-path', unsafe)) : ok(entries);
}

interface Contents {
  readonly entries: ManifestEntry[];
  readonly chunks: Manifest['chunks'];
  readonly newChunks: number;
}

async function packContents(
  tree: TreeReader,
  found: readonly FoundEntry[],
  store: ArtifactStore,
  options: PackOptions,
): Promise<Result<Contents>> {
  const cutter = createCutter();
  const entries: ManifestEntry[] = [];
  const chunks: Manifest['chunks'] = [];
  const maxBytes = options.maxBytes ?? 4 * 1024 ** 3;
  let total = 0;
  let newChunks = 0;

  const keep = async (content: Uint8Array): Promise<Result<void>> => {
    const digest = sha256(content);
    const written = await store.writeChunk(digest, content);
    if (!written.ok) return written;
    if (written.value.isNew) newChunks += 1;
    chunks.push({ digest, sizeBytes: content.length });
    return ok(undefined);
  };

  for (const entry of found) {
    options.signal?.throwIfAborted();
    if (entry.kind !== 'file') {
      entries.push(asEntry(entry));
      continue;
    }
    let sizeBytes = 0;
    for await (const bytes of tree.read(entry.path)) {
      sizeBytes += bytes.length;
      total += bytes.length;
      if (total > maxBytes) return cannotPack(`it has more than ${maxBytes} bytes`);
      for (const chunk of cutter.push(bytes)) {
        const kept = await keep(chunk);
        if (!kept.ok) return kept;
      }
    }
    entries.push({ path: entry.path, sizeBytes, executable: entry.executable });
  }
  const rest = cutter.end();
  const kept = rest ? await keep(rest) : ok(undefined);
  return kept.ok ? ok({ entries, chunks, newChunks }) : kept;
}

/** Sizes are filled in when the files are read. */
function asEntry(entry: FoundEntry): ManifestEntry {
  if (entry.kind === 'file') return { path: entry.path, sizeBytes: 0, executable: entry.executable };
  if (entry.kind === 'symlink') return { path: entry.path, target: entry.target };
  return { path: entry.path, empty: true };
}

function cannotPack(why: string): Result<never> {
  return err(problem('artifact/cannot-pack', `The folder cannot be packed: ${why}.`));
}

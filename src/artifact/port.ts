import type { Result } from '../model/index.ts';

/** What lies in a store: `chunk` = bytes of packed trees; `manifest` = the list of one package. */
export type BlobKind = 'chunk' | 'manifest';

/**
 * Where chunks and manifests lie; `io/blob-files.ts` keeps them as files, compressed with zstd. `write` is atomic and
 * durable (or leaves nothing), `read` gives the content uncompressed, its digest checked: a damaged file is
 * `artifact/digest-mismatch`, a full disk `artifact/disk-full`.
 */
export interface Blobs {
  has(kind: BlobKind, digest: string): Promise<boolean>;
  read(kind: BlobKind, digest: string): Promise<Result<Uint8Array>>;
  /** Writing what is there already only renews its time. */
  write(kind: BlobKind, digest: string, content: Uint8Array): Promise<Result<{ readonly isNew: boolean }>>;
  list(kind: BlobKind): Promise<readonly BlobFacts[]>;
  remove(kind: BlobKind, digest: string): Promise<void>;
  /** Ends the life of a half-written file that a crash left behind. */
  removeLeftovers(): Promise<void>;
}

export interface BlobFacts {
  readonly digest: string;
  /** As it lies there, compressed. */
  readonly sizeBytes: number;
  readonly writtenAtMs: number;
}

/** One thing found in a folder. `other` = socket, pipe, device: cannot be packed. */
export type FoundEntry =
  | { readonly kind: 'file'; readonly path: string; readonly executable: boolean }
  | { readonly kind: 'symlink'; readonly path: string; readonly target: string }
  | { readonly kind: 'directory'; readonly path: string; readonly isEmpty: boolean }
  | { readonly kind: 'other'; readonly path: string; readonly what: string };

/** A folder to be packed or checked; `io/tree-files.ts` reads a real one. Paths are relative with `/`. */
export interface TreeReader {
  /** What is in it, folders that `skip` names left out with all that is below. */
  list(skip: (path: string) => boolean): Promise<readonly FoundEntry[]>;
  read(path: string): AsyncIterable<Uint8Array>;
}

/**
 * A folder to be made. Everything is written beside its final place; `commit` puts it there in one step, `discard`
 * takes it away: a folder that exists is complete.
 */
export interface TreeWriter {
  directory(path: string): Promise<void>;
  openFile(path: string, executable: boolean): Promise<FileSink>;
  symlink(path: string, target: string): Promise<void>;
  commit(): Promise<void>;
  discard(): Promise<void>;
}

export interface FileSink {
  write(bytes: Uint8Array): Promise<void>;
  close(): Promise<void>;
}

/** Where packages are fetched from: a store on this machine, or another one over the network. */
export interface PackageSource {
  /** Canonical manifest bytes of a package. */
  fetchManifest(digest: string, signal?: AbortSignal): Promise<Result<Uint8Array>>;
  fetchChunk(digest: string, signal?: AbortSignal): Promise<Result<Uint8Array>>;
}

/** Where packages are uploaded to. */
export interface PackageTarget {
  /** Which of these chunks it does not have. */
  missingChunks(digests: readonly string[], signal?: AbortSignal): Promise<Result<readonly string[]>>;
  putChunk(digest: string, content: Uint8Array, signal?: AbortSignal): Promise<Result<void>>;
  /** Last: from here on the package is there. Refused while a chunk is missing. */
  putManifest(digest: string, manifest: Uint8Array, signal?: AbortSignal): Promise<Result<void>>;
}

import type { Result } from '../model/index.ts';
import type { Manifest } from './manifest.ts';
import type { PackageSource, PackageTarget } from './port.ts';

/** Packages of this machine. A package that has a manifest is complete. */
export interface ArtifactStore extends PackageSource, PackageTarget {
  /** `putChunk` that says whether it was new; content and digest are compared first. */
  writeChunk(digest: string, content: Uint8Array): Promise<Result<{ readonly isNew: boolean }>>;
  hasPackage(digest: string): Promise<boolean>;
  manifest(digest: string): Promise<Result<Manifest>>;
  /** Stores the manifest of a tree whose chunks are all there; gives the package's digest. */
  addPackage(manifest: Manifest): Promise<Result<string>>;
  listPackages(): Promise<readonly StoredPackage[]>;
  /** Deletes packages not in `keep`, then chunks that no package uses and that nobody wrote in the last `graceMs`. */
  deleteUnreferenced(keep: ReadonlySet<string>): Promise<Deleted>;
}

export interface StoredPackage {
  readonly digest: string;
  readonly storedAtMs: number;
}

export interface Deleted {
  readonly packages: number;
  readonly chunks: number;
  readonly freedBytes: number;
}

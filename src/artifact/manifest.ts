import { z } from 'zod';
import { sha256, stableJson } from '../kit/index.ts';
import { err, ok, problem, type Result } from '../model/index.ts';
import { findUnsafeEntry } from './safe-path.ts';

/** Largest piece a package is cut into; nothing larger is ever decompressed. */
export const maxChunkBytes = 1024 * 1024;
/** Largest manifest that is read. */
export const maxManifestBytes = 64 * 1024 * 1024;

const digestSchema = z.string().regex(/^[0-9a-f]{64}$/);
const path = z.string().min(1).max(4096);

const entrySchema = z.union([
  z.strictObject({ path, sizeBytes: z.number().int().nonnegative(), executable: z.boolean() }),
  z.strictObject({ path, target: z.string().min(1).max(4096) }),
  /** Only empty folders are listed; the others follow from what is in them. */
  z.strictObject({ path, empty: z.literal(true) }),
]);

/**
 * The list of one package: what is in the tree (sorted by path; no owner, no time), and the chunks into which the
 * files' contents, one after the other in this order, are cut. Equal trees have equal manifests, to the byte.
 */
export const manifestSchema = z.strictObject({
  format: z.literal(1),
  entries: z.array(entrySchema),
  chunks: z.array(z.strictObject({ digest: digestSchema, sizeBytes: z.number().int().positive().max(maxChunkBytes) })),
});

export type Manifest = z.infer<typeof manifestSchema>;
export type ManifestEntry = Manifest['entries'][number];

/** The bytes by which a package is known: `sha256(encodeManifest(m))` is its digest. */
export function encodeManifest(manifest: Manifest): Uint8Array {
  return new TextEncoder().encode(stableJson(manifest));
}

/** The name of a package. */
export function digestOfManifest(manifest: Manifest): string {
  return sha256(encodeManifest(manifest));
}

/** Bytes of all files of a package. */
export function sizeOfPackage(manifest: Manifest): number {
  return manifest.chunks.reduce((sum, chunk) => sum + chunk.sizeBytes, 0);
}

/**
 * Reads manifest bytes that came from elsewhere: right digest, right form, nothing that could reach outside the
 * folder it will be unpacked into, as many bytes in its chunks as in its files.
 */
export function decodeManifest(bytes: Uint8Array, digest: string): Result<Manifest> {
  if (bytes.byteLength > maxManifestBytes) return invalid(digest, `it has ${bytes.byteLength} bytes`);
  if (sha256(bytes) !== digest) {
    return err(problem('artifact/digest-mismatch', `The manifest of package ${digest} has other content.`, { digest }));
  }
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    return invalid(digest, 'it is not JSON');
  }
  const parsed = manifestSchema.safeParse(json);
  if (!parsed.success) return invalid(digest, z.prettifyError(parsed.error).slice(0, 500));
  const manifest = parsed.data;
  const unsafe = findUnsafeEntry(manifest.entries);
  if (unsafe) return err(problem('artifact/unsafe-path', unsafe, { digest }));
  const inFiles = manifest.entries.reduce((sum, entry) => sum + ('sizeBytes' in entry ? entry.sizeBytes : 0), 0);
  if (inFiles !== sizeOfPackage(manifest)) return invalid(digest, 'its chunks and its files differ in size');
  return ok(manifest);
}

function invalid(digest: string, why: string): Result<never> {
  return err(problem('artifact/invalid', `The manifest of package ${digest} cannot be used: ${why}.`, { digest }));
}

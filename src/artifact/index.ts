/**
 * Packages: what a build made, known by the digest of its content, the same everywhere.
 *
 * A package is a *manifest* (what is in the tree) and *chunks* (the bytes of its files, cut where the content says, so
 * that versions that differ a little share most of them). Equal trees make equal packages, to the byte: no owner, no
 * time, no order of reading. A package that has a manifest in a store is complete. Nothing that is unpacked reaches
 * outside its folder, and every chunk is checked against its digest before it is used.
 *
 *     const store = openArtifactStore(openBlobFiles(dir), clock);                    // the files: io/
 *     const packed = await packTree(openTreeReader(checkout), store, { exclude: ['node_modules'] });
 *     await downloadPackage([server], store, digest);                                // only what is missing
 *     await unpackTree(store, digest, await createTreeWriter(target));               // whole or not at all
 */
export * from './copy.ts';
export * from './cut.ts';
export * from './keep.ts';
export * from './manifest.ts';
export * from './open-store.ts';
export { type Packed, type PackOptions, packTree } from './pack.ts';
export * from './port.ts';
export * from './safe-path.ts';
export * from './select.ts';
export * from './store.ts';
export * from './transfer.ts';
export * from './unpack.ts';
export * from './verify.ts';

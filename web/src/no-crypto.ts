/** Stands in for `node:crypto` in the browser's bundle: hashes are made by servers and agents only. */
export function createHash(): never {
  throw new Error('hashes are not made in the browser');
}

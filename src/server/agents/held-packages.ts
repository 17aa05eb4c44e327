import type { Digest, HostId } from '../../model/index.ts';

/**
 * Which packages each host has, as far as this server knows: what it said in its hello, and what it has fetched
 * since. More than the truth does no harm (to forget what is not there is nothing), so nothing here is durable.
 */
export class HeldPackages {
  readonly #held = new Map<HostId, Set<Digest>>();

  add(host: HostId, digests: Iterable<Digest>): void {
    const held = this.#held.get(host) ?? new Set();
    for (const digest of digests) held.add(digest);
    this.#held.set(host, held);
  }

  /** What of it is not in `keep`. */
  listOthers(host: HostId, keep: ReadonlySet<Digest>): Digest[] {
    return [...(this.#held.get(host) ?? [])].filter((digest) => !keep.has(digest)).sort();
  }

  remove(host: HostId, digests: Iterable<Digest>): void {
    for (const digest of digests) this.#held.get(host)?.delete(digest);
  }
}

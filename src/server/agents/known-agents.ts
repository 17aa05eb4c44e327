import { createPublicKey, type KeyObject } from 'node:crypto';
import { findHost } from '../../fleet/read.ts';
import type { HostId } from '../../model/index.ts';
import type { Store } from '../../store/index.ts';

/** Keys of the agents that joined; read once each, again after one did not fit (it may have joined anew). */
export class KnownAgents {
  readonly #store: Store;
  readonly #keys = new Map<HostId, KeyObject>();

  constructor(store: Store) {
    this.#store = store;
  }

  async findKey(host: HostId): Promise<KeyObject | undefined> {
    const known = this.#keys.get(host);
    if (known !== undefined) return known;
    const record = await this.#store.read((tx) => findHost(tx, host));
    const key = record === undefined ? undefined : publicKeyOf(record.publicKey);
    if (key !== undefined) this.#keys.set(host, key);
    return key;
  }

  forget(host: HostId): void {
    this.#keys.delete(host);
  }
}

/** An Ed25519 public key in PEM; undefined for anything else, private keys too. */
export function publicKeyOf(pem: string): KeyObject | undefined {
  if (pem.length > 1000 || !pem.startsWith('-----BEGIN PUBLIC KEY-----')) return undefined;
  try {
    const key = createPublicKey(pem);
    return key.asymmetricKeyType === 'ed25519' ? key : undefined;
  } catch {
    return undefined;
  }
}

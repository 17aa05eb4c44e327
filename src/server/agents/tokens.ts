import { randomBytes } from 'node:crypto';
import type { z } from 'zod';
import type { joinTokenSchema } from '../../api/index.ts';
import { sha256 } from '../../kit/index.ts';

/** What a host needs to join: the content of its token file. */
export type TokenFile = z.infer<typeof joinTokenSchema>;

/** A new join token: what goes into the file, and what is kept of it. Only the hash of the secret is kept. */
export interface MadeToken {
  readonly file: TokenFile;
  readonly secretHash: string;
}

/** 256 random bits, so a plain hash of them is as good as a slow one. */
export function makeToken(fingerprint: string, addresses: readonly string[]): MadeToken {
  const secret = randomBytes(32).toString('base64url');
  return { file: { format: 1, fingerprint, secret, addresses: [...addresses] }, secretHash: hashOfSecret(secret) };
}

export function hashOfSecret(secret: string): string {
  return sha256(secret);
}

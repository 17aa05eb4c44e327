import { randomBytes } from 'node:crypto';
import { sha256 } from '../../kit/index.ts';

/** 256 random bits behind a word that says what it is, so that scanners for leaked secrets can find it. */
export function newSecret(what: 'rwt' | 'rwc' | 'rws'): string {
  return `${what}_${randomBytes(32).toString('base64url')}`;
}

/** How a secret is stored and looked up. With 256 random bits a plain digest cannot be guessed back. */
export function hashSecret(secret: string): string {
  return sha256(`rollway-secret:${secret}`);
}

import { createHash } from 'node:crypto';
import { stableJson } from './stable-json.ts';

/** Lower-case hex SHA-256. */
export function sha256(content: string | Uint8Array): string {
  return createHash('sha256').update(content).digest('hex');
}

/** SHA-256 of a value's stable JSON: equal values have equal digests, whatever the order of their keys. */
export function digestOf(value: unknown): string {
  return sha256(stableJson(value));
}

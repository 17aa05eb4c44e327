import type { HostId } from '../../model/index.ts';
import type { Tx } from '../../store/index.ts';

export interface NewJoinToken {
  readonly id: string;
  readonly secretHash: string;
  readonly createdBy: string;
  readonly createdAtMs: number;
  readonly expiresAtMs: number;
}

export async function insertJoinToken(tx: Tx, token: NewJoinToken): Promise<void> {
  await tx
    .insertInto('join_token')
    .values({
      id: token.id,
      secret_hash: token.secretHash,
      created_by: token.createdBy,
      created_at_ms: token.createdAtMs,
      expires_at_ms: token.expiresAtMs,
      used_at_ms: null,
      used_by: null,
    })
    .execute();
}

export interface JoinTokenFacts {
  readonly id: string;
  readonly expiresAtMs: number;
  readonly usedBy: HostId | undefined;
}

export async function findJoinToken(tx: Tx, secretHash: string): Promise<JoinTokenFacts | undefined> {
  const row = await tx.selectFrom('join_token').selectAll().where('secret_hash', '=', secretHash).executeTakeFirst();
  return row && { id: row.id, expiresAtMs: Number(row.expires_at_ms), usedBy: row.used_by ?? undefined };
}

/** Spends a token, once and before it expires; false: it is unknown, used or expired. */
export async function spendJoinToken(tx: Tx, secretHash: string, host: HostId, nowMs: number): Promise<boolean> {
  const spent = await tx
    .updateTable('join_token')
    .set({ used_at_ms: nowMs, used_by: host })
    .where('secret_hash', '=', secretHash)
    .where('used_at_ms', 'is', null)
    .where('expires_at_ms', '>', nowMs)
    .returning('id')
    .executeTakeFirst();
  return spent !== undefined;
}

import type { Actor, TokenId } from '../model/index.ts';
import type { Tx } from '../store/index.ts';

/** The roles a token can have. */
export type TokenRole = 'viewer' | 'operator' | 'admin' | 'push';

export interface ApiToken {
  readonly id: TokenId;
  readonly name: string;
  readonly role: TokenRole;
  /** Of a `push` token: the job or task it may hand in for, `shop@production` or `shop@production/3`. */
  readonly scope: string | undefined;
  readonly createdBy: Actor;
  readonly createdAtMs: number;
  readonly expiresAtMs: number | undefined;
  readonly usedAtMs: number | undefined;
}

// ---------------------------------------------------------------- tokens

export async function insertToken(tx: Tx, token: ApiToken, secretHash: string): Promise<void> {
  await tx
    .insertInto('api_token')
    .values({
      id: token.id,
      name: token.name,
      role: token.role,
      scope: token.scope ?? null,
      secret_hash: secretHash,
      created_by: JSON.stringify(token.createdBy),
      created_at_ms: token.createdAtMs,
      expires_at_ms: token.expiresAtMs ?? null,
      used_at_ms: null,
    })
    .execute();
}

export async function listTokens(tx: Tx): Promise<ApiToken[]> {
  return (await tx.selectFrom('api_token').selectAll().orderBy('id').execute()).map(tokenOf);
}

/** The token with this secret, unless it has expired. */
export async function findTokenBySecret(tx: Tx, secretHash: string, nowMs: number): Promise<ApiToken | undefined> {
  const row = await tx.selectFrom('api_token').selectAll().where('secret_hash', '=', secretHash).executeTakeFirst();
  return row && isAlive(row, nowMs) ? tokenOf(row) : undefined;
}

export async function findToken(tx: Tx, token: TokenId, nowMs: number): Promise<ApiToken | undefined> {
  const row = await tx.selectFrom('api_token').selectAll().where('id', '=', token).executeTakeFirst();
  return row && isAlive(row, nowMs) ? tokenOf(row) : undefined;
}

export async function updateTokenUse(tx: Tx, token: TokenId, atMs: number): Promise<void> {
  await tx.updateTable('api_token').set({ used_at_ms: atMs }).where('id', '=', token).execute();
}

/** Takes the token away, with its codes and sessions. False: there was none. */
export async function deleteToken(tx: Tx, token: TokenId): Promise<boolean> {
  await tx.deleteFrom('session').where('token', '=', token).execute();
  await tx.deleteFrom('sign_in_code').where('token', '=', token).execute();
  const gone = await tx.deleteFrom('api_token').where('id', '=', token).returning('id').executeTakeFirst();
  return gone !== undefined;
}

// ---------------------------------------------------------------- codes and sessions

export async function insertCode(tx: Tx, codeHash: string, token: TokenId, expiresAtMs: number): Promise<void> {
  await tx
    .insertInto('sign_in_code')
    .values({ code_hash: codeHash, token, expires_at_ms: expiresAtMs, used_at_ms: null })
    .execute();
}

/** Spends a code, once and before it expires; gives the token it stands for. */
export async function spendCode(tx: Tx, codeHash: string, nowMs: number): Promise<TokenId | undefined> {
  const spent = await tx
    .updateTable('sign_in_code')
    .set({ used_at_ms: nowMs })
    .where('code_hash', '=', codeHash)
    .where('used_at_ms', 'is', null)
    .where('expires_at_ms', '>', nowMs)
    .returning('token')
    .executeTakeFirst();
  return spent?.token as TokenId | undefined;
}

export interface NewSession {
  readonly sessionHash: string;
  readonly token: TokenId;
  readonly createdAtMs: number;
  readonly expiresAtMs: number;
}

export async function insertSession(tx: Tx, session: NewSession): Promise<void> {
  await tx
    .insertInto('session')
    .values({
      session_hash: session.sessionHash,
      token: session.token,
      created_at_ms: session.createdAtMs,
      expires_at_ms: session.expiresAtMs,
    })
    .execute();
}

export interface FoundSession {
  readonly token: ApiToken;
  readonly expiresAtMs: number;
}

/** A session that has not ended, and whose token has not. */
export async function findSession(tx: Tx, sessionHash: string, nowMs: number): Promise<FoundSession | undefined> {
  const session = await tx
    .selectFrom('session')
    .selectAll()
    .where('session_hash', '=', sessionHash)
    .where('expires_at_ms', '>', nowMs)
    .executeTakeFirst();
  if (!session) return undefined;
  const row = await tx.selectFrom('api_token').selectAll().where('id', '=', session.token).executeTakeFirst();
  return row && isAlive(row, nowMs) ? { token: tokenOf(row), expiresAtMs: Number(session.expires_at_ms) } : undefined;
}

export async function deleteSession(tx: Tx, sessionHash: string): Promise<void> {
  await tx.deleteFrom('session').where('session_hash', '=', sessionHash).execute();
}

/** Forgets codes, sessions and remembered answers that are of no use any more. */
export async function deleteExpired(tx: Tx, nowMs: number, keepAnswersMs: number): Promise<void> {
  await tx.deleteFrom('sign_in_code').where('expires_at_ms', '<=', nowMs).execute();
  await tx.deleteFrom('session').where('expires_at_ms', '<=', nowMs).execute();
  await tx
    .deleteFrom('answered_request')
    .where('at_ms', '<', nowMs - keepAnswersMs)
    .execute();
}

// ---------------------------------------------------------------- repeated requests

export interface RequestKey {
  readonly token: string;
  readonly key: string;
  readonly digest: string;
}

/** What was answered to a request with this key before. */
export interface FormerAnswer {
  readonly digest: string;
  /** undefined: it is still being answered, or its server died meanwhile. */
  readonly status: number | undefined;
  readonly body: string | undefined;
  readonly atMs: number;
}

/** Takes the key; when somebody has it already, gives what was answered then. */
export async function takeRequestKey(tx: Tx, request: RequestKey, atMs: number): Promise<FormerAnswer | undefined> {
  const taken = await tx
    .insertInto('answered_request')
    .values({
      token: request.token,
      request_key: request.key,
      request_digest: request.digest,
      status: null,
      body: null,
      at_ms: atMs,
    })
    .onConflict((on) => on.columns(['token', 'request_key']).doNothing())
    .returning('at_ms')
    .executeTakeFirst();
  if (taken) return undefined;
  const row = await tx
    .selectFrom('answered_request')
    .selectAll()
    .where('token', '=', request.token)
    .where('request_key', '=', request.key)
    .executeTakeFirstOrThrow();
  return {
    digest: row.request_digest,
    status: row.status ?? undefined,
    body: row.body ?? undefined,
    atMs: Number(row.at_ms),
  };
}

export async function saveAnswer(tx: Tx, request: RequestKey, status: number, body: string): Promise<void> {
  await tx
    .updateTable('answered_request')
    .set({ status, body })
    .where('token', '=', request.token)
    .where('request_key', '=', request.key)
    .execute();
}

/** The request came to nothing: its key may be used again. */
export async function dropRequestKey(tx: Tx, request: RequestKey): Promise<void> {
  await tx
    .deleteFrom('answered_request')
    .where('token', '=', request.token)
    .where('request_key', '=', request.key)
    .execute();
}

// ---------------------------------------------------------------- rows → words

interface StoredToken {
  id: string;
  name: string;
  role: string;
  scope: string | null;
  created_by: string;
  created_at_ms: number;
  expires_at_ms: number | null;
  used_at_ms: number | null;
}

function isAlive(row: StoredToken, nowMs: number): boolean {
  return row.expires_at_ms === null || Number(row.expires_at_ms) > nowMs;
}

function tokenOf(row: StoredToken): ApiToken {
  return {
    id: row.id as TokenId,
    name: row.name,
    role: row.role as TokenRole,
    scope: row.scope ?? undefined,
    createdBy: JSON.parse(row.created_by) as Actor,
    createdAtMs: Number(row.created_at_ms),
    expiresAtMs: row.expires_at_ms === null ? undefined : Number(row.expires_at_ms),
    usedAtMs: row.used_at_ms === null ? undefined : Number(row.used_at_ms),
  };
}

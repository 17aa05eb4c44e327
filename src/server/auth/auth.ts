import type { Role } from '../../api/index.ts';
import { type Chance, type Clock, makeId } from '../../kit/index.ts';
import type { Actor, TokenId } from '../../model/index.ts';
import type { Store } from '../../store/index.ts';
import { refuse } from '../errors.ts';
import * as rows from '../rows.ts';
import { createAttempts } from './attempts.ts';
import { readCookie } from './cookie.ts';
import { hashSecret, newSecret } from './secrets.ts';

/** Who a request comes from. */
export interface Identity {
  readonly actor: Actor;
  readonly role: Exclude<Role, 'public'>;
  readonly token: TokenId;
  /** Of a `push` token: whose metrics it may hand in. */
  readonly scope: string | undefined;
  readonly expiresAtMs: number | undefined;
  /** Set when a browser's session speaks, not a token. */
  readonly session: string | undefined;
}

export interface NewToken {
  readonly name: string;
  readonly role: rows.TokenRole;
  readonly scope?: string | undefined;
  readonly createdBy: Actor;
  readonly expiresInMs?: number | undefined;
}

export interface Auth {
  readonly cookieName: string;
  /** undefined: nobody we know. */
  identify(headers: Headers): Promise<Identity | undefined>;
  createToken(token: NewToken): Promise<{ readonly token: rows.ApiToken; readonly secret: string }>;
  listTokens(): Promise<rows.ApiToken[]>;
  deleteToken(token: TokenId): Promise<boolean>;
  /** Whether whoever this was may still come in. */
  isCurrent(identity: Identity): Promise<boolean>;
  /** Whether this secret is a token that may be used. */
  isAlive(secret: string): Promise<boolean>;
  createCode(token: TokenId): Promise<{ readonly code: string; readonly expiresAtMs: number }>;
  createCodeBySecret(secret: string): Promise<{ readonly code: string; readonly expiresAtMs: number }>;
  /** Exchanges a code for a session; refuses what is wrong, used, expired, or tried too often. */
  signIn(code: string): Promise<{ readonly identity: Identity; readonly secret: string; readonly maxAgeMs: number }>;
  signOut(identity: Identity): Promise<void>;
}

export interface AuthOptions {
  readonly store: Store;
  readonly clock: Pick<Clock, 'nowMs'>;
  readonly chance: Chance;
  readonly cookieName: string;
  readonly sessionMs: number;
}

const codeMs = 10 * 60_000;
/** `used_at_ms` is for people: written at most this often. */
const useResolutionMs = 60_000;

export function createAuth({ store, clock, chance, cookieName, sessionMs }: AuthOptions): Auth {
  const attempts = createAttempts(10, 60_000);
  const now = () => clock.nowMs();

  const findBySecret = (secret: string) => store.read((tx) => rows.findTokenBySecret(tx, hashSecret(secret), now()));

  const recordUse = async (token: rows.ApiToken): Promise<void> => {
    if (token.usedAtMs !== undefined && token.usedAtMs > now() - useResolutionMs) return;
    await store.transaction((tx) => rows.updateTokenUse(tx, token.id, now()));
  };

  const createCode = async (token: TokenId) => {
    const code = newSecret('rwc');
    const expiresAtMs = now() + codeMs;
    await store.transaction((tx) => rows.insertCode(tx, hashSecret(code), token, expiresAtMs));
    return { code, expiresAtMs };
  };

  return {
    cookieName,
    async identify(headers) {
      const bearer = /^Bearer +(\S+)$/i.exec(headers.get('authorization') ?? '')?.[1];
      if (bearer !== undefined) {
        const token = await findBySecret(bearer);
        if (!token) return undefined;
        await recordUse(token);
        return identityOf(token, token.expiresAtMs, undefined);
      }
      const secret = readCookie(headers.get('cookie'), cookieName);
      if (secret === undefined) return undefined;
      const session = hashSecret(secret);
      const found = await store.read((tx) => rows.findSession(tx, session, now()));
      if (!found) return undefined;
      await recordUse(found.token);
      return identityOf(found.token, found.expiresAtMs, session);
    },
    async createToken({ name, role, scope, createdBy, expiresInMs }) {
      const secret = newSecret('rwt');
      const createdAtMs = now();
      const token: rows.ApiToken = {
        id: makeId('tok', createdAtMs, chance),
        name,
        role,
        scope,
        createdBy,
        createdAtMs,
        expiresAtMs: expiresInMs === undefined ? undefined : createdAtMs + expiresInMs,
        usedAtMs: undefined,
      };
      await store.transaction((tx) => rows.insertToken(tx, token, hashSecret(secret)));
      return { token, secret };
    },
    listTokens: () => store.read(rows.listTokens),
    deleteToken: (token) => store.transaction((tx) => rows.deleteToken(tx, token)),
    isCurrent: ({ token, session }) =>
      store.read(async (tx) => {
        if (session !== undefined) return (await rows.findSession(tx, session, now())) !== undefined;
        return (await rows.findToken(tx, token, now())) !== undefined;
      }),
    isAlive: async (secret) => (await findBySecret(secret)) !== undefined,
    createCode,
    async createCodeBySecret(secret) {
      const token = await findBySecret(secret);
      return token ? createCode(token.id) : refuse('auth/bad-token', 'There is no such token.');
    },
    async signIn(code) {
      if (!attempts.mayTry(now())) refuse('auth/too-many-attempts', 'Ten attempts failed within a minute.');
      const secret = newSecret('rws');
      const found = await store.transaction(async (tx) => {
        const token = await rows.spendCode(tx, hashSecret(code), now());
        if (token === undefined) return undefined;
        const session = { sessionHash: hashSecret(secret), token, createdAtMs: now(), expiresAtMs: now() + sessionMs };
        await rows.insertSession(tx, session);
        return rows.findSession(tx, session.sessionHash, now());
      });
      if (!found) {
        attempts.recordFailure(now());
        return refuse('auth/bad-token', 'The sign-in code is wrong, was used, or is older than ten minutes.');
      }
      const identity = identityOf(found.token, found.expiresAtMs, hashSecret(secret));
      return { identity, secret, maxAgeMs: sessionMs };
    },
    async signOut({ session }) {
      if (session !== undefined) await store.transaction((tx) => rows.deleteSession(tx, session));
    },
  };
}

function identityOf(token: rows.ApiToken, expiresAtMs: number | undefined, session: string | undefined): Identity {
  return {
    actor: { kind: 'person', name: token.name },
    role: token.role,
    scope: token.scope,
    token: token.id,
    expiresAtMs,
    session,
  };
}

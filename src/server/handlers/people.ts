import type { TokenView } from '../../api/index.ts';
import { actorName } from '../../model/index.ts';
import type { Handlers, ServerContext } from '../context.ts';
import { refuse } from '../errors.ts';
import type { ApiToken } from '../rows.ts';

/** Who is who: sessions, codes, tokens. */
export function peopleHandlers({ auth }: ServerContext) {
  return {
    async getMe(_, { identity }) {
      return { name: actorName(identity.actor), role: identity.role, expiresAtMs: identity.expiresAtMs ?? null };
    },
    async signOut(_, { identity, answer }) {
      await auth.signOut(identity);
      answer.set('set-cookie', `${auth.cookieName}=; Path=/; Max-Age=0; HttpOnly; SameSite=Strict`);
      return undefined;
    },
    async createSignInCode(_, { identity, origin }) {
      const { code, expiresAtMs } = await auth.createCode(identity.token);
      return { code, url: `${origin}/sign-in#code=${code}`, expiresAtMs };
    },
    async listTokens() {
      return { items: (await auth.listTokens()).map(tokenView) };
    },
    async createToken({ body }, { actor }) {
      const { token, secret } = await auth.createToken({ ...body, createdBy: actor });
      return { ...tokenView(token), secret };
    },
    async deleteToken({ params }) {
      if (!(await auth.deleteToken(params.token))) {
        refuse('api/not-found', `There is no token ${params.token}.`, {}, 'List them with `rollway token list`.');
      }
      return undefined;
    },
  } satisfies Partial<Handlers>;
}

function tokenView(token: ApiToken): TokenView {
  const { id, name, role, scope, createdBy, createdAtMs, expiresAtMs, usedAtMs } = token;
  return {
    id,
    name,
    role,
    scope: scope ?? null,
    createdAtMs,
    createdBy: { kind: createdBy.kind, name: actorName(createdBy) },
    expiresAtMs: expiresAtMs ?? null,
    usedAtMs: usedAtMs ?? null,
  };
}

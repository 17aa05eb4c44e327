import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import type { TokenView } from '../../api/index.ts';
import { writeFileAtomic } from '../../io/index.ts';
import { formatDuration, parseDuration } from '../../kit/index.ts';
import { ProblemError, problem } from '../../model/index.ts';
import type { Session } from '../session.ts';

interface CreateFlags {
  readonly name: string;
  readonly role: 'viewer' | 'operator' | 'admin';
  readonly expires?: string;
  readonly out?: string;
}

const mayDo = { viewer: 'look at everything', operator: 'deploy and steer', admin: 'do everything' } as const;

/** A token for a person or a program; its secret goes into a file of its owner's alone, never onto the screen. */
export async function create(session: Session, _: readonly string[], flags: CreateFlags) {
  const { name, role } = flags;
  const expiresInMs = flags.expires === undefined ? undefined : durationOf(flags.expires);
  const file = resolve(flags.out ?? `rollway-${name}.token`);
  // Before it is made: its secret is told once.
  if (existsSync(file)) {
    const detail = `${file} is there already, and may be somebody’s token`;
    throw new ProblemError(problem('cli/unclear', detail, { file }, 'Name another file with --out.'));
  }
  const body = { name, role, ...(expiresInMs === undefined ? {} : { expiresInMs }) };
  const { secret, ...token } = await session.client.createToken({ body });
  await keepOrTakeAway(session, token.id, () => writeFileAtomic(file, `${secret}\n`));
  session.out.show({ ...token, file }, () => {
    const until = expiresInMs === undefined ? 'until it is revoked' : `for ${formatDuration(expiresInMs)}`;
    session.out.line(`Wrote ${file} (mode 0600): ${name} may ${mayDo[role]} ${until}.`);
    session.out.next(`rollway --server ${session.url} --token-file ${file} status`);
  });
  return undefined;
}

/** A token whose secret nobody has is of no use to anybody. */
async function keepOrTakeAway({ client }: Session, token: TokenView['id'], write: () => Promise<void>): Promise<void> {
  try {
    await write();
  } catch (error) {
    await client.deleteToken({ params: { token } });
    throw error;
  }
}

/** `30d`, `12h`; between a second and a year. */
export function durationOf(text: string): number {
  const ms = parseDuration(text);
  if (ms !== undefined && ms >= 1000 && ms <= 366 * 86_400_000) return ms;
  const remedy = 'Say how long it is to work, from 1s to 366d: --expires 30d.';
  throw new ProblemError(problem('cli/unclear', `--expires ${text} is no such time`, {}, remedy));
}

export async function list({ client, out }: Session) {
  const { items } = await client.listTokens();
  out.show(items, () => {
    const nowMs = Date.now();
    const ago = (atMs: number | null) => (atMs === null ? 'never' : `${formatDuration(Math.max(0, nowMs - atMs))} ago`);
    out.table(
      [
        { title: 'token', value: (row) => row.id },
        { title: 'name', value: (row) => row.name },
        { title: 'role', value: (row) => (row.scope === null ? row.role : `${row.role} ${row.scope}`) },
        { title: 'made by', value: (row) => row.createdBy.name },
        { title: 'used', value: (row) => ago(row.usedAtMs) },
        { title: 'expires', value: (row) => expiryOf(row, nowMs) },
      ],
      items,
      'no tokens',
    );
  });
  return undefined;
}

export function expiryOf({ expiresAtMs }: Pick<TokenView, 'expiresAtMs'>, nowMs: number): string {
  if (expiresAtMs === null) return '';
  return expiresAtMs <= nowMs ? 'expired' : `in ${formatDuration(expiresAtMs - nowMs)}`;
}

/** By id, or by a name that only one token has. */
export async function revoke({ client, out }: Session, [named = '']: readonly string[]) {
  const { items } = await client.listTokens();
  const token = tokenNamed(items, named);
  await client.deleteToken({ params: { token: token.id } });
  out.show(token, () => out.line(`${token.id} (${token.name}, ${token.role}) is revoked; its sessions have ended.`));
  return undefined;
}

export function tokenNamed<T extends Pick<TokenView, 'id' | 'name'>>(items: readonly T[], named: string): T {
  const found = items.filter(({ id, name }) => id === named || name === named);
  const [only] = found;
  if (only !== undefined && found.length === 1) return only;
  const detail =
    only === undefined
      ? `there is no token ${named}`
      : `several tokens are called ${named}: ${found.map(({ id }) => id).join(', ')}`;
  throw new ProblemError(problem('cli/unclear', detail, {}, 'Name it by its id: `rollway token list`.'));
}

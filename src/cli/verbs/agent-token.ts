import { resolve } from 'node:path';
import { writeFileAtomic } from '../../io/index.ts';
import type { Session } from '../session.ts';

export async function run(session: Session, _args: readonly string[], flags: { out: string }) {
  const token = await session.client.createJoinToken();
  const file = resolve(flags.out);
  await writeFileAtomic(file, `${JSON.stringify(token.file)}\n`);
  session.out.show(
    { file, servers: token.file.addresses, fingerprint: token.file.fingerprint, expiresAtMs: token.expiresAtMs },
    () => {
      session.out.line(`Wrote ${file}: it lets one host join, once, within the hour. Bring it there, then:`);
      session.out.next(`rollway agent --join ${file}`);
    },
  );
  return undefined;
}

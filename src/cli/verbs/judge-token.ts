import { resolve } from 'node:path';
import { writeFileAtomic } from '../../io/index.ts';
import type { Session } from '../session.ts';

/** A token that may hand in metrics and nothing else; its secret goes into a file, never onto the screen. */
export async function run(session: Session, [scope]: readonly string[], flags: { out: string; name: string }) {
  const body = { name: flags.name, role: 'push' as const, ...(scope === undefined ? {} : { scope }) };
  const { secret, ...token } = await session.client.createToken({ body });
  const file = resolve(flags.out);
  await writeFileAtomic(file, `${secret}\n`);
  session.out.show({ ...token, file }, () => {
    const whose = scope === undefined ? 'any task' : scope;
    session.out.line(`Wrote ${file}: it may hand in metrics of ${whose}, and nothing else.`);
    session.out.line(`OTLP: ${session.url}/otlp   plain JSON: ${session.url}/api/v1/samples`);
  });
  return undefined;
}

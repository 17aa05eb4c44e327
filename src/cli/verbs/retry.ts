import { once, showCommand } from '../commands.ts';
import type { Session } from '../session.ts';

export async function run(session: Session, [release, action]: readonly string[], flags: { reason?: string }) {
  const body = {
    ...(action === undefined ? {} : { action }),
    ...(flags.reason === undefined ? {} : { reason: flags.reason }),
  };
  const answer = await session.client.retryRelease({ params: { release: release as `rel_${string}` }, body }, once());
  return showCommand(session, answer, `rollway explain ${release}`);
}

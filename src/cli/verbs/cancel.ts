import { once, showCommand } from '../commands.ts';
import type { Session } from '../session.ts';
import { reasonOf } from '../subject.ts';

export async function run(session: Session, [release]: readonly string[], flags: { reason?: string }) {
  const reason = reasonOf(flags, 'cancelling a release');
  const answer = await session.client.cancelRelease(
    { params: { release: release as `rel_${string}` }, body: { reason } },
    once(),
  );
  return showCommand(session, answer);
}

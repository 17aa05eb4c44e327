import { exitCodes } from '../failure.ts';
import { rolloutLines } from '../render/rollout.ts';
import type { Session } from '../session.ts';
import { findRollout } from '../subject.ts';
import { watchLoop } from '../watch.ts';

const ended = ['succeeded', 'reverted', 'aborted', 'superseded'];

export async function run(session: Session, [named]: readonly string[], flags: { watch?: boolean; service?: string }) {
  const rollout = await findRollout(session, named, { service: flags.service, isAny: true });
  const read = () => session.client.getRollout({ params: { rollout } });
  if (flags.watch === true) {
    let state = '';
    await watchLoop(
      session,
      read,
      (detail) => {
        state = detail.state;
        return rolloutLines(detail, session.out.style);
      },
      (detail) => ended.includes(detail.state),
    );
    return state === 'reverted' || state === 'aborted' ? exitCodes.failed : undefined;
  }
  const detail = await read();
  session.out.show(detail, () => {
    for (const line of rolloutLines(detail, session.out.style)) session.out.line(line);
    if (!ended.includes(detail.state)) session.out.next(`rollway rollout show ${rollout} --watch`);
  });
  return undefined;
}

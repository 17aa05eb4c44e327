import type { RolloutCommand } from '../../model/index.ts';
import { once, showCommand } from '../commands.ts';
import type { Session } from '../session.ts';
import { findRollout, reasonOf } from '../subject.ts';

const needsNoReason: readonly RolloutCommand[] = ['resume', 'confirm-override'];

interface Flags {
  readonly reason?: string;
  readonly service?: string;
  readonly budget?: number;
  readonly together?: boolean;
}

/** Whatever a rollout can be told: one call of the same route. */
export function command(name: RolloutCommand) {
  return {
    async run(session: Session, [named]: readonly string[], flags: Flags) {
      const reason = needsNoReason.includes(name) ? flags.reason : reasonOf(flags, name);
      const rollout = await findRollout(session, named, { service: flags.service, isAny: false });
      const answer = await session.client.commandRollout(
        {
          params: { rollout },
          body: {
            command: name,
            ...(reason === undefined ? {} : { reason }),
            ...(flags.budget === undefined ? {} : { budget: flags.budget }),
            // Whoever names none means all that one deployment does.
            ...(named === undefined || flags.together === true ? { together: true } : {}),
          },
        },
        once(),
      );
      return showCommand(session, answer, `rollway rollout show ${rollout}`);
    },
  };
}

import { ProblemError, problem, type VersionId } from '../../model/index.ts';
import { once, showCommand } from '../commands.ts';
import type { Session } from '../session.ts';
import { findService, reasonOf } from '../subject.ts';

interface Flags {
  readonly reason?: string;
  readonly service?: string;
  readonly environment?: string;
}

export async function run(session: Session, [version]: readonly string[], flags: Flags) {
  const reason = reasonOf(flags, 'a rollback');
  const service = await findService(session, flags.service);
  const environment = flags.environment ?? (await onlyEnvironment(session, service));
  const answer = await session.client.rollBack(
    {
      params: { service },
      body: { environment, reason, ...(version === undefined ? {} : { to: version as VersionId }) },
    },
    once(),
  );
  return showCommand(session, answer, 'rollway rollout show --watch');
}

/** Ends the hold that a rollback left behind: releases with the change that was rolled back may come again. */
export async function unhold(session: Session, _words: readonly string[], flags: Flags) {
  const reason = reasonOf(flags, 'ending a hold');
  const service = await findService(session, flags.service);
  const environment = flags.environment ?? (await onlyEnvironment(session, service));
  const answer = await session.client.endHold({ params: { service }, body: { environment, reason } }, once());
  return showCommand(session, answer, 'rollway releases');
}

/** Of a service that runs in one place only; else a person has to say which. */
export async function onlyEnvironment(session: Session, service: string): Promise<string> {
  const { environments } = await session.client.getService({ params: { service } });
  const names = environments.map((entry) => entry.environment);
  if (names.length === 1) return names[0] as string;
  const detail = `${service} runs in ${names.length} environments: ${names.join(', ')}`;
  throw new ProblemError(problem('cli/unclear', detail, {}, 'Say which with --environment <name>.'));
}

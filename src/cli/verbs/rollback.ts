import { ProblemError, problem, type VersionId } from '../../model/index.ts';
import { once, showCommand } from '../commands.ts';
import type { Session } from '../session.ts';
import { findService, reasonOf } from '../subject.ts';

interface Flags {
  readonly reason?: string;
  readonly service?: string;
  readonly environment?: string;
  readonly job?: string;
}

export async function run(session: Session, [version]: readonly string[], flags: Flags) {
  const reason = reasonOf(flags, 'a rollback');
  const service = await findService(session, flags.service);
  const environment = flags.environment ?? (await onlyEnvironment(session, service));
  const answer = await session.client.rollBack(
    {
      params: { service },
      body: {
        environment,
        reason,
        ...(flags.job === undefined ? {} : { job: flags.job }),
        ...(version === undefined ? {} : { to: version as VersionId }),
      },
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
  const names = [...new Set(environments.map((entry) => entry.environment))];
  if (names.length === 1) return names[0] as string;
  const detail = `${service} runs in ${names.length} environments: ${names.join(', ')}`;
  throw new ProblemError(problem('cli/unclear', detail, {}, 'Say which with --environment <name>.'));
}

/** One of several jobs of an environment; undefined where there is only one. */
export async function onlyJob(
  session: Session,
  service: string,
  environment: string,
  named: string | undefined,
): Promise<string | undefined> {
  if (named !== undefined) return named;
  const { environments } = await session.client.getService({ params: { service } });
  const jobs = environments.filter((entry) => entry.environment === environment);
  if (jobs.length < 2) return jobs[0]?.name ?? undefined;
  const names = jobs.map(({ name }) => name ?? environment).join(', ');
  const detail = `${service} has ${jobs.length} jobs in ${environment}: ${names}`;
  throw new ProblemError(problem('cli/unclear', detail, {}, 'Say which with --job <name>.'));
}

import { ProblemError, problem } from '../model/index.ts';
import type { Session } from './session.ts';
import { findRepository } from './working-copy.ts';

/**
 * Which service a command is about: the one named, the one of the repository in this folder, or the only one there is.
 */
export async function findService({ client }: Session, named: string | undefined): Promise<string> {
  if (named !== undefined) return named;
  const { items } = await client.listServices();
  const here = await findRepository();
  if (here !== undefined) {
    const repositories = await client.listRepositories();
    const mine = repositories.items.find((repository) => here.addresses.includes(repository.url));
    if (mine !== undefined && mine.services.length === 1) return mine.services[0] as string;
    if (mine !== undefined && mine.services.length > 1) {
      throw new ProblemError(
        problem(
          'cli/unclear',
          `this repository has several services: ${mine.services.join(', ')}`,
          {},
          'Say which with --service <name>.',
        ),
      );
    }
  }
  if (items.length === 1) return (items[0] as { name: string }).name;
  throw new ProblemError(
    items.length === 0
      ? problem('cli/nothing-yet', 'the server knows no service')
      : problem(
          'cli/unclear',
          `there are several services: ${items.map((item) => item.name).join(', ')}`,
          {},
          'Say which with --service <name>.',
        ),
  );
}

/** The rollout that is meant: the one named, else the newest one under way (or, when `isAny`, the newest at all). */
export async function findRollout(
  session: Session,
  named: string | undefined,
  options: { readonly service?: string | undefined; readonly isAny: boolean },
): Promise<`ro_${string}`> {
  if (named !== undefined) return named as `ro_${string}`;
  const query = options.service === undefined ? {} : { service: options.service };
  const { items } = await session.client.listRollouts({ query: { ...query, limit: 50 } });
  const underWay = items.find((item) => ['waiting', 'running', 'held', 'reverting'].includes(item.state));
  const found = underWay ?? (options.isAny ? items[0] : undefined);
  if (found === undefined) {
    throw new ProblemError(
      options.isAny
        ? problem('cli/nothing-yet', 'there was no rollout yet')
        : problem('rollout/none', 'there is none to steer'),
    );
  }
  return found.id;
}

/** The reason given with --reason; a problem when there is none. */
export function reasonOf(flags: { readonly reason?: string }, what: string): string {
  const reason = flags.reason?.trim() ?? '';
  if (reason === '') throw new ProblemError(problem('rollout/needs-reason', `${what} needs a reason`));
  return reason;
}

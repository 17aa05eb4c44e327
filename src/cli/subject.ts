import { ProblemError, problem } from '../model/index.ts';
import type { Session } from './session.ts';
import { findRepository, hasConfig } from './working-copy.ts';

/**
 * Which service a command is about: the one named, the one of the repository in this folder, or, outside of one that
 * is deployed, the only one there is.
 */
export async function findService({ client }: Session, named: string | undefined): Promise<string> {
  if (named !== undefined) return named;
  const { items } = await client.listServices();
  const mine = await servicesHere(client);
  if (mine.kind === 'known' && mine.services.length === 1) return mine.services[0] as string;
  if (mine.kind === 'known' && mine.services.length > 1) {
    const detail = `this repository has several services: ${mine.services.join(', ')}`;
    throw new ProblemError(problem('cli/unclear', detail, {}, 'Say which with --service <name>.'));
  }
  // Its owner means this one, not whatever else the server has.
  if (mine.kind === 'unknown') {
    const detail = `the server does not know the repository ${mine.root}`;
    throw new ProblemError(problem('cli/nothing-yet', detail, {}, 'Run `rollway deploy`.'));
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

type Here =
  | { readonly kind: 'nowhere' }
  | { readonly kind: 'unknown'; readonly root: string }
  | { readonly kind: 'known'; readonly services: readonly string[] };

/** What the server knows of the repository the command was called in; one without a configuration counts as nowhere. */
async function servicesHere(client: Session['client']): Promise<Here> {
  const here = await findRepository();
  if (here === undefined) return { kind: 'nowhere' };
  const { items } = await client.listRepositories();
  const mine = items.find((repository) => here.addresses.includes(repository.url));
  if (mine !== undefined) return { kind: 'known', services: mine.services };
  return (await hasConfig(here.root)) ? { kind: 'unknown', root: here.root } : { kind: 'nowhere' };
}

/**
 * The rollout that is meant: the one named, else the newest one under way (or, when `isAny`, the newest at all) of the
 * service named, or of this repository, or of all when this is none.
 */
export async function findRollout(
  session: Session,
  named: string | undefined,
  options: { readonly service?: string | undefined; readonly isAny: boolean },
): Promise<`ro_${string}`> {
  if (named !== undefined) return named as `ro_${string}`;
  const here = options.service === undefined ? await servicesHere(session.client) : { kind: 'nowhere' as const };
  const only = here.kind === 'known' && here.services.length === 1 ? here.services[0] : options.service;
  const query = only === undefined ? {} : { service: only };
  const listed = await session.client.listRollouts({ query: { ...query, limit: 50 } });
  const isMine = (job: string) =>
    here.kind === 'nowhere' || (here.kind === 'known' && here.services.includes(job.split('@')[0] ?? ''));
  const items = listed.items.filter(({ job }) => isMine(job));
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

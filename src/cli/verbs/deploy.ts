import type { ReleaseSummary, RepositoryView } from '../../api/index.ts';
import { parseDuration } from '../../kit/index.ts';
import { type HoldFor, ProblemError, problem } from '../../model/index.ts';
import { bringCommit } from '../bring-commit.ts';
import { once } from '../commands.ts';
import { plain } from '../render/style.ts';
import { shortCommit } from '../render/words.ts';
import type { Session } from '../session.ts';
import { pause } from '../watch.ts';
import { watchRelease } from '../watch-release.ts';
import { needRepository, refuseDirty, resolveCommit, type WorkingCopy } from '../working-copy.ts';

interface Flags {
  readonly service?: string;
  readonly environment?: string;
  readonly holdAfter?: string;
  readonly for?: string;
  readonly then?: string;
  readonly forwardOnly?: boolean;
  readonly plan?: string;
  readonly reason?: string;
  readonly detach?: boolean;
}

/** Releases a commit of the repository here: makes it known to the server, uploads what is missing, then watches. */
export async function run(session: Session, [named = 'HEAD']: readonly string[], flags: Flags) {
  const here = await needRepository();
  if (named === 'HEAD') await refuseDirty(here);
  const commit = await resolveCommit(named);
  const repository = await findOrRegister(session, here);
  await session.client.readRepository({ params: { repository: repository.name } });
  await bringCommit(session, here, repository.name, commit);
  const service = flags.service ?? (await serviceOf(session, repository.name, commit));
  const release = await session.client.deploy(
    {
      params: { service },
      body: {
        commit,
        ...(flags.environment === undefined ? {} : { environment: flags.environment }),
        ...(flags.holdAfter === undefined ? {} : { holdAfter: flags.holdAfter }),
        ...holdForOf(flags),
        ...(flags.forwardOnly === true ? { forwardOnly: true } : {}),
        ...(flags.plan === undefined ? {} : { planHash: flags.plan }),
        ...(flags.reason === undefined ? {} : { reason: flags.reason }),
      },
    },
    once(),
  );
  if (flags.detach === true) return showDetached(session, release);
  return watchRelease(session, release.id);
}

/** A canary that somebody forgets goes back by itself. */
function holdForOf({ holdAfter, for: time, then = 'revert' }: Flags): { holdFor?: HoldFor } {
  if (time === undefined) return {};
  const ms = parseDuration(time);
  if (holdAfter === undefined) throw unclear('--for says how long a hold lasts: say `--hold-after <phase>` too');
  if (ms === undefined || ms === 0) throw unclear(`--for ${time} is no time; say \`30m\` or \`2h\``);
  if (then !== 'revert' && then !== 'resume') throw unclear(`--then ${then} is neither \`revert\` nor \`resume\``);
  return { holdFor: { ms, next: then } };
}

function unclear(detail: string): ProblemError {
  return new ProblemError(problem('cli/unclear', detail));
}

function showDetached({ out }: Session, release: ReleaseSummary): undefined {
  out.show(release, () => {
    out.line(`${release.id}: ${shortCommit(release.commit)} ${plain(release.subject)} is on its way`);
    out.next(`rollway explain ${release.id}`);
  });
  return undefined;
}

async function findOrRegister({ client, out, url }: Session, here: WorkingCopy): Promise<RepositoryView> {
  const { items } = await client.listRepositories();
  const known = items.find((item) => here.addresses.includes(item.url));
  if (known !== undefined) return known;
  const isLocal = ['127.0.0.1', 'localhost', '[::1]'].includes(new URL(url).hostname);
  // A server on this machine reads the folder itself; another one needs the remote.
  const address = isLocal ? here.root : here.addresses[1];
  if (address === undefined) {
    const detail = `${here.root} has no remote "origin", and the server is another machine`;
    throw new ProblemError(problem('git/not-a-repository', detail, {}, 'Add a remote that the server can reach.'));
  }
  if (here.branch === undefined) {
    throw new ProblemError(
      problem(
        'git/unknown-branch',
        'no branch is checked out, so none can be watched',
        {},
        'Check out the branch to watch.',
      ),
    );
  }
  if (out.format === 'table') out.line(`The server watches ${address}, branch ${here.branch}, from now on.`);
  return client.registerRepository({ body: { url: address, branch: here.branch } }, once());
}

/** The service that the repository's configuration describes; waits while a new repository is read. */
async function serviceOf({ client, signal }: Session, name: string, commit: string): Promise<string> {
  const deadline = Date.now() + 30_000;
  let last: string | null = null;
  while (Date.now() < deadline && !signal.aborted) {
    const { items } = await client.listRepositories();
    const repository = items.find((item) => item.name === name);
    if (repository?.services.length === 1) return repository.services[0] as string;
    if (repository !== undefined && repository.services.length > 1) {
      const detail = `this repository has several services: ${repository.services.join(', ')}`;
      throw new ProblemError(problem('cli/unclear', detail, {}, 'Say which with --service <name>.'));
    }
    last = repository?.problem ?? null;
    // The mistake of an earlier commit may be mended by this one, which is about to be read.
    const isOfThis = repository?.problemAt == null || repository.problemAt === commit;
    if (last !== null && isOfThis) throw new ProblemError(problem('spec/invalid', last));
    await pause(300, signal);
  }
  if (last !== null) throw new ProblemError(problem('spec/invalid', last));
  throw new ProblemError(problem('spec/not-found', `${name} has no configuration that the server could read`));
}

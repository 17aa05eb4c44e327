import { ProblemError, problem, type VersionId } from '../../model/index.ts';
import { once, showCommand } from '../commands.ts';
import { plain } from '../render/style.ts';
import { shortCommit } from '../render/words.ts';
import type { Session } from '../session.ts';
import { reasonOf } from '../subject.ts';
import { findRepository, resolveCommit } from '../working-copy.ts';

type MarkId = `mark_${string}`;
interface WithReason {
  readonly reason?: string;
}

export async function add(
  session: Session,
  commits: readonly string[],
  flags: WithReason & { repository?: string; target?: string[] },
) {
  const reason = reasonOf(flags, 'a mark');
  const repository = flags.repository ?? (await repositoryHere(session));
  const resolved = await Promise.all(commits.map((commit) => resolveCommit(commit)));
  const body = {
    repository,
    commits: resolved,
    reason,
    ...(flags.target === undefined ? {} : { targets: flags.target }),
  };
  return showCommand(session, await session.client.createMark({ body }, once()), 'rollway marks');
}

export async function show(session: Session, [mark]: readonly string[]) {
  const detail = await session.client.getMark({ params: { mark: mark as MarkId } });
  const { out } = session;
  out.show(detail, () => {
    out.line(
      `${out.style.bold(detail.id)}  ${detail.isLive ? out.style.bad('live') : 'cleared'}  by ${detail.createdBy.name}`,
    );
    out.line(plain(detail.evidence));
    for (const commit of detail.candidates)
      out.line(`  ✗ ${shortCommit(commit.id)} ${plain(commit.subject)}  ${out.style.dim(commit.author)}`);
    for (const commit of detail.fixes)
      out.line(`  ✓ ${shortCommit(commit.id)} ${plain(commit.subject)}  ${out.style.dim('fixes it')}`);
    for (const carrier of detail.carriers) {
      const runs = carrier.running.map((job) => `${job.job} ${job.indices.join(',')}`).join('; ');
      out.line(
        `  carrier ${carrier.version.id} ${shortCommit(carrier.version.commit)}${runs === '' ? '' : `, runs on ${runs}`}`,
      );
    }
    out.line(detail.clearedBy);
  });
  return undefined;
}

export async function clear(session: Session, [mark]: readonly string[], flags: WithReason) {
  const reason = reasonOf(flags, 'clearing a mark');
  return showCommand(
    session,
    await session.client.clearMark({ params: { mark: mark as MarkId }, body: { reason } }, once()),
  );
}

export async function fix(session: Session, [mark, commit = '']: readonly string[], flags: WithReason) {
  const body = { commit: await resolveCommit(commit), ...(flags.reason === undefined ? {} : { reason: flags.reason }) };
  return showCommand(session, await session.client.fixMark({ params: { mark: mark as MarkId }, body }, once()));
}

export async function override(session: Session, [mark, version]: readonly string[], flags: WithReason) {
  const reason = reasonOf(flags, 'an override');
  const body = { version: version as VersionId, reason };
  return showCommand(session, await session.client.overrideMark({ params: { mark: mark as MarkId }, body }, once()));
}

async function repositoryHere(session: Session): Promise<string> {
  const here = await findRepository();
  const { items } = await session.client.listRepositories();
  const mine = items.find((item) => here?.addresses.includes(item.url)) ?? (items.length === 1 ? items[0] : undefined);
  if (mine !== undefined) return mine.name;
  throw new ProblemError(
    problem('cli/unclear', 'it could be about several repositories', {}, 'Say which with --repository <name>.'),
  );
}

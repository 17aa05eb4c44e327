import { existsSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';
import { readTrailers, type SourceCommit } from '../../blame/index.ts';
import {
  commitsSince,
  hasCommit,
  headOf,
  headStamp,
  isCommitId,
  mirrorRepository,
  readCommit,
  remoteHead,
  resolveCommit,
} from '../../io/index.ts';
import { sha256 } from '../../kit/index.ts';
import { type CommitId, ok, type Result } from '../../model/index.ts';
import type { GitReader } from '../../pipeline/index.ts';

/** Our bare copy of each watched repository: what was seen once stays, whatever happens to the original. */
export interface Mirrors {
  /** The folder of the copy; nothing is fetched. */
  folderOf(location: string): string;
  /** Brings the copy up to date. */
  update(location: string, signal?: AbortSignal): Promise<Result<string>>;
  /** A copy that has this commit; fetches only when it has not. */
  having(location: string, commit: CommitId, signal?: AbortSignal): Promise<Result<string>>;
}

export function openMirrors(dataFolder: string): Mirrors {
  const folderOf = (location: string) => join(dataFolder, 'git', sha256(location).slice(0, 24));
  const update: Mirrors['update'] = async (location, signal) => {
    const folder = folderOf(location);
    const done = await mirrorRepository(location, folder, signal ? { signal } : {});
    return done.ok ? ok(folder) : done;
  };
  return {
    folderOf,
    update,
    async having(location, commit, signal) {
      const folder = folderOf(location);
      return (await hasCommit(folder, commit)) ? ok(folder) : update(location, signal);
    },
  };
}

/** `pipeline/`'s reader over mirrors. */
export function gitReader(mirrors: Mirrors): GitReader {
  /** What a branch was found at, by location and branch; its commit is in our copy. */
  const known = new Map<string, { readonly stamp: string | undefined; readonly head: CommitId }>();

  /** Most polls find nothing new: then nothing is copied, and for a local repository no Git is run. */
  const headOfBranch: GitReader['headOf'] = async (location, branch, signal) => {
    const key = JSON.stringify([location, branch]);
    const folder = mirrors.folderOf(location);
    const stamp = await headStamp(location, branch);
    const last = known.get(key);
    if (last !== undefined && stamp !== undefined && stamp === last.stamp && existsSync(folder)) {
      return ok(last.head);
    }
    const found = await lookAgain(location, branch, folder, signal);
    // The stamp is older than the answer: what moved in between is seen the next time.
    if (found.ok) known.set(key, { stamp, head: found.value });
    else known.delete(key);
    return found;
  };

  /** Asks where the branch is; only a commit that our copy lacks is fetched. */
  async function lookAgain(
    location: string,
    branch: string,
    folder: string,
    signal: AbortSignal,
  ): Promise<Result<CommitId>> {
    if (isAbsolute(location) || existsSync(folder)) {
      const there = isAbsolute(location)
        ? await headOf(location, branch)
        : await remoteHead(folder, location, branch, { signal });
      const isKnown = there.ok && known.get(JSON.stringify([location, branch]))?.head === there.value;
      if (there.ok && (isKnown || (await hasCommit(folder, there.value)))) return there;
    }
    const updated = await mirrors.update(location, signal);
    return updated.ok ? headOf(updated.value, branch) : updated;
  }

  return {
    headOf: headOfBranch,
    async resolve(location, revision, signal) {
      const known = await resolveCommit(mirrors.folderOf(location), revision).catch(() => undefined);
      // A full id means the same for ever; a branch, or a short id that is not unique any more, may have moved.
      if (known?.ok && isCommitId(revision)) return known;
      const updated = await mirrors.update(location, signal);
      return updated.ok ? resolveCommit(updated.value, revision) : updated;
    },
    async commitsSince(location, tip, known, limit, signal) {
      const folder = await mirrors.having(location, tip, signal);
      if (!folder.ok) return folder;
      const found = await commitsSince(folder.value, tip, known);
      return found.ok ? ok(found.value.commits.slice(0, limit).map(sourceCommit)) : found;
    },
  };
}

/** One commit of a mirror, for people. */
export async function describeCommit(folder: string, commit: CommitId): Promise<Result<SourceCommit>> {
  const found = await readCommit(folder, commit);
  return found.ok ? ok(sourceCommit(found.value)) : found;
}

interface Facts {
  readonly id: CommitId;
  readonly parents: readonly CommitId[];
  readonly author: string;
  readonly authoredAtMs: number;
  readonly subject: string;
  readonly message: string;
}

function sourceCommit({ id, parents, author, subject, authoredAtMs, message }: Facts): SourceCommit {
  return { id, parents, author, subject, committedAtMs: authoredAtMs, trailers: readTrailers(message) };
}

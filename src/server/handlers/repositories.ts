import { randomBytes } from 'node:crypto';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { RepositoryView } from '../../api/index.ts';
import { readCommits } from '../../blame/read.ts';
import { acceptBundle, knownCommits, makeBare } from '../../io/index.ts';
import { type RepositoryOverview, readRepositories } from '../../pipeline/read.ts';
import type { Tx } from '../../store/index.ts';
import { describeCommit } from '../adapters/git-reader.ts';
import type { Handlers, ServerContext } from '../context.ts';
import { refuse, valueOrThrow } from '../errors.ts';
import { commitRef } from './marks.ts';

/** Repositories that are watched, and commits that clients bring. */
export function repositoryHandlers(context: ServerContext) {
  const { store, mirrors, git, settings, disk } = context;

  const find = async (name: string): Promise<RepositoryOverview> => {
    const known = (await store.read(readRepositories)).find((one) => one.name === name);
    return known ?? refuse('api/not-found', `There is no repository ${name}.`);
  };

  const describe = async (location: string, commit: string) => {
    const found = valueOrThrow(await describeCommit(mirrors.folderOf(location), commit));
    return { id: found.id, subject: found.subject, author: found.author, atMs: found.committedAtMs };
  };

  return {
    async listRepositories() {
      return store.read(async (tx) => {
        const items: RepositoryView[] = [];
        for (const repository of await readRepositories(tx)) items.push(await repositoryView(tx, repository));
        return { items };
      });
    },
    async findCommit({ params }, { signal }) {
      const { location } = await find(params.repository);
      return describe(location, valueOrThrow(await git.resolve(location, params.commit, signal)));
    },
    async listKnownCommits({ params, body }) {
      const { location } = await find(params.repository);
      return { commits: valueOrThrow(await knownCommits(mirrors.folderOf(location), body.commits)) };
    },
    async uploadBundle({ params, query, bytes }) {
      valueOrThrow(await disk.checkRoom());
      const { location } = await find(params.repository);
      const folder = mirrors.folderOf(location);
      valueOrThrow(await makeBare(folder));
      const file = join(settings.dataFolder, 'git', `upload-${randomBytes(8).toString('hex')}.bundle`);
      try {
        await writeFile(file, bytes, { mode: 0o600 });
        valueOrThrow(await acceptBundle(folder, file, query.commit));
      } finally {
        await rm(file, { force: true });
      }
      return describe(location, query.commit);
    },
  } satisfies Partial<Handlers>;
}

export async function repositoryView(tx: Tx, repository: RepositoryOverview): Promise<RepositoryView> {
  const branch = repository.branch;
  const head = repository.heads[branch];
  const [commit] = head === undefined ? [] : await readCommits(tx, repository.name, [head]);
  return {
    name: repository.name,
    url: repository.location,
    branch,
    head: commit ? commitRef(commit) : null,
    services: repository.services.map(({ name }) => name),
    readAtMs: repository.polledAtMs ?? null,
    problemAt: typeof repository.problem?.facts.commit === 'string' ? repository.problem.facts.commit : null,
    problem: repository.problem ? `${repository.problem.detail} ${repository.problem.remedy}` : null,
  };
}

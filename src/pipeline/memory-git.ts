import { type CommitTrailers, readTrailers, type SourceCommit } from '../blame/index.ts';
import { sha256 } from '../kit/index.ts';
import { type CommitId, err, ok, type Problem, problem, type Result, type ServiceSpec } from '../model/index.ts';
import type { ConfigReader, GitReader, SourcePacker } from './ports.ts';

/** One commit to be made. */
export interface MemoryChange {
  readonly message: string;
  /** Default: the branch's head. */
  readonly parents?: readonly CommitId[];
  readonly branch?: string;
  readonly author?: string;
  /** Its configuration, or what is wrong with it. Default: that of the first parent. */
  readonly config?: ServiceSpec | readonly Problem[];
  /** Commits with the same content have the same tree. Default: a content of its own. */
  readonly content?: string;
}

/** A repository in memory: the pipeline's outer ports without Git, for simulations and tests. */
export interface MemoryGit extends GitReader, SourcePacker {
  readonly config: ConfigReader;
  /** All commits in the order of their making. */
  readonly commits: readonly CommitId[];
  commit(change: MemoryChange): CommitId;
  /** Moves a branch by force. */
  reset(branch: string, to: CommitId): void;
  commitOf(id: CommitId): SourceCommit;
}

interface Stored extends SourceCommit {
  readonly config: ServiceSpec | readonly Problem[] | undefined;
  readonly content: string;
}

export function openMemoryGit(nowMs: () => number): MemoryGit {
  const commits = new Map<CommitId, Stored>();
  const branches = new Map<string, CommitId>();

  const find = (id: CommitId): Result<Stored> => {
    const commit = commits.get(id);
    return commit ? ok(commit) : err(problem('git/unknown-commit', `There is no commit ${id}.`, { commit: id }));
  };
  const contained = (tips: readonly CommitId[]): Set<CommitId> => {
    const found = new Set<CommitId>();
    const waiting = tips.filter((tip) => commits.has(tip));
    for (let id = waiting.pop(); id !== undefined; id = waiting.pop()) {
      if (found.has(id)) continue;
      found.add(id);
      waiting.push(...(commits.get(id)?.parents ?? []));
    }
    return found;
  };

  return {
    get commits() {
      return [...commits.keys()];
    },
    commit({ message, parents, branch = 'main', author = 'ada', config, content }) {
      const head = branches.get(branch);
      const from = parents ?? (head === undefined ? [] : [head]);
      const first = from[0] === undefined ? undefined : commits.get(from[0]);
      const id = sha256(`${commits.size} ${message} ${from.join(' ')}`).slice(0, 40);
      const [subject = ''] = message.split('\n');
      const trailers: CommitTrailers = readTrailers(message);
      const words = { id, parents: from, author, subject, committedAtMs: nowMs(), trailers };
      commits.set(id, { ...words, config: config ?? first?.config, content: content ?? id });
      branches.set(branch, id);
      return id;
    },
    reset: (branch, to) => void branches.set(branch, to),
    commitOf(id) {
      const found = find(id);
      if (!found.ok) throw new Error(found.error.detail);
      return found.value;
    },
    async headOf(_location, branch) {
      const head = branches.get(branch);
      return head ? ok(head) : err(problem('git/unknown-commit', `There is no branch ${branch}.`, { branch }));
    },
    async resolve(_location, revision) {
      const matching = [...commits.keys()].filter((id) => id.startsWith(revision));
      const id = branches.get(revision) ?? (matching.length === 1 ? matching[0] : undefined);
      return id ? ok(id) : err(problem('git/unknown-commit', `There is no commit ${revision}.`, { revision }));
    },
    async commitsSince(_location, tip, known, limit) {
      const found = find(tip);
      if (!found.ok) return found;
      const wanted = contained([tip]);
      const have = contained(known);
      // In the order of their making, which is parents first.
      const news = [...commits.values()].filter(({ id }) => wanted.has(id) && !have.has(id));
      return ok(news.slice(0, limit).map(({ config: _config, content: _content, ...commit }) => commit));
    },
    config: {
      async read(_location, commit) {
        const found = find(commit);
        if (!found.ok) return err([found.error]);
        const { config } = found.value;
        if (config === undefined) return err([problem('spec/not-found', 'There is no rollway.config.ts.')]);
        return Array.isArray(config)
          ? err(config as readonly Problem[])
          : ok({ spec: config as ServiceSpec, path: 'rollway.config.ts' });
      },
    },
    async pack(_location, commit) {
      const found = find(commit);
      if (!found.ok) return found;
      const { content } = found.value;
      return ok({ digest: sha256(`source ${content}`), sizeBytes: content.length, tree: sha256(content).slice(0, 40) });
    },
  };
}

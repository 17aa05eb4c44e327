import { readCommits } from '../blame/read.ts';
import { type CommitId, ProblemError } from '../model/index.ts';
import { readRepository } from '../pipeline/work.ts';
import type { Call, ServerContext } from './context.ts';
import { waitFor } from './wait.ts';

/** How long a person's command waits for its commit to be read from the repository. */
const readingMs = 20_000;

/** Has a commit read in that was made a moment ago, and waits until it is known. */
export async function bringCommit(
  context: ServerContext,
  repository: string,
  commit: CommitId,
  call: Call,
): Promise<void> {
  const { engine, store } = context;
  const isKnown = () => store.read((tx) => readCommits(tx, repository, [commit])).then((found) => found.length > 0);
  if (await isKnown()) return;
  const asked = await engine.commitAs(call.actor, readRepository(repository, commit));
  if (asked && !asked.ok) throw new ProblemError(asked.error);
  await waitFor(context, { waitMs: readingMs, signal: call.signal, pollMs: 100 }, isKnown, Boolean);
}

import { ProblemError, problem } from '../model/index.ts';
import { applyProposal } from './apply.ts';
import { isConflict } from './conflict.ts';
import { type Core, failIfAbandoned, transact } from './core.ts';
import { Conflict, openView } from './guards.ts';
import type { Moment } from './hooks.ts';
import type { Proposal, View } from './port.ts';
import type { WorkFence } from './work-rows.ts';

export type Attempt<T> = (view: View) => Promise<Proposal<T> | undefined>;

/** Every conflict means that somebody else's decision went through; so many in a row mean a bug. */
const maxConflicts = 100;

/** Guard → load → decide → one transaction, again whenever a guard has changed in between. */
export async function commitAttempt<T>(
  core: Core,
  moment: Moment,
  attempt: Attempt<T>,
  fence?: WorkFence,
): Promise<T | undefined> {
  const tryOnce = core.store.kind === 'sqlite' ? tryTogether : tryApart;
  for (let conflicts = 0; conflicts < maxConflicts; conflicts++) {
    try {
      return await tryOnce(core, moment, attempt, fence);
    } catch (error) {
      if (!(error instanceof Conflict) && !isConflict(error)) throw error;
    }
  }
  throw new ProblemError(
    problem('api/conflict', `${moment.kind} ${moment.key} met ${maxConflicts} conflicts in a row.`),
  );
}

/** SQLite: nobody else writes between reading and writing, so that one transaction holds all of it. */
async function tryTogether<T>(
  core: Core,
  moment: Moment,
  attempt: Attempt<T>,
  fence: WorkFence | undefined,
): Promise<T | undefined> {
  const done = await transact(core, moment, async (tx, ripples) => {
    const view = openView(tx);
    const proposal = await attempt(view);
    if (proposal === undefined) return undefined;
    await applyProposal(core, tx, proposal, view.guards, fence, ripples);
    return { result: proposal.result };
  });
  return done?.result;
}

/** PostgreSQL: decides on a snapshot that locks nobody, then compares the guards while it writes. */
async function tryApart<T>(
  core: Core,
  moment: Moment,
  attempt: Attempt<T>,
  fence: WorkFence | undefined,
): Promise<T | undefined> {
  failIfAbandoned(core);
  const { proposal, guards } = await core.store.read(async (tx) => {
    const view = openView(tx);
    return { proposal: await attempt(view), guards: view.guards };
  });
  if (proposal === undefined) return undefined;
  const done = await transact(core, moment, async (tx, ripples) => {
    await applyProposal(core, tx, proposal, guards, fence, ripples);
    return { result: proposal.result };
  });
  return done?.result;
}

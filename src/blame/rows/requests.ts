import type { VersionId } from '../../model/index.ts';
import type { Tx } from '../../store/index.ts';
import type { MarkRequest } from '../facts.ts';

/**
 * A failed rollout asks for a mark, or brings newer facts about its failure. Call it in `write`, and enqueue
 * `blame/mark` with the repository as key. After a decision it changes nothing.
 */
export async function recordMarkRequest(tx: Tx, request: MarkRequest): Promise<void> {
  const facts = JSON.stringify(request.facts);
  await tx
    .insertInto('mark_request')
    .values({
      rollout: request.rollout,
      repository: request.repository,
      service: request.service,
      release: request.release ?? null,
      version: request.version,
      facts,
      state: 'open',
      outcome: null,
      at_ms: request.atMs,
    })
    .onConflict((on) => on.column('rollout').doUpdateSet({ facts }).where('mark_request.state', '=', 'open'))
    .execute();
}

/** How the wish of this rollout for a mark ended, if it did: the mark's id, or why there is none. */
export async function findMarkOutcome(
  tx: Tx,
  rollout: string,
): Promise<{ readonly state: 'open' | 'marked' | 'refused'; readonly outcome: string | undefined } | undefined> {
  const row = await tx
    .selectFrom('mark_request')
    .select(['state', 'outcome'])
    .where('rollout', '=', rollout)
    .executeTakeFirst();
  return row && { state: row.state, outcome: row.outcome ?? undefined };
}

/** Requests that are not decided; `waitsFor`: what was missing when they were last looked at. */
export async function listOpenRequests(
  tx: Tx,
  repository: string,
): Promise<(MarkRequest & { readonly waitsFor: string | undefined })[]> {
  const rows = await tx
    .selectFrom('mark_request')
    .selectAll()
    .where('repository', '=', repository)
    .where('state', '=', 'open')
    .orderBy('at_ms')
    .execute();
  return rows.map((row) => ({
    rollout: row.rollout as MarkRequest['rollout'],
    repository: row.repository,
    service: row.service,
    release: (row.release ?? undefined) as MarkRequest['release'],
    version: row.version as VersionId,
    facts: JSON.parse(row.facts),
    atMs: Number(row.at_ms),
    waitsFor: row.outcome ?? undefined,
  }));
}

/** `open`: it waits for more facts, in words. */
export async function updateRequest(
  tx: Tx,
  rollout: string,
  state: 'open' | 'marked' | 'refused',
  outcome: string,
): Promise<void> {
  await tx.updateTable('mark_request').set({ state, outcome }).where('rollout', '=', rollout).execute();
}

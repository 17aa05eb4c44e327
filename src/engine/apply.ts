import type { NewEvent } from '../model/index.ts';
import type { Tx } from '../store/index.ts';
import { recordAnswer } from './commands-rows.ts';
import type { Core, Ripples } from './core.ts';
import { insertEffect, withdrawEffects, withdrawEffectsFor } from './effects-rows.ts';
import { appendEvents } from './events.ts';
import { type ReadGuard, settleGuards } from './guards.ts';
import type { Enqueue, NewEffect, Proposal } from './port.ts';
import { holdsWork, insertWanted, type WorkFence } from './work-rows.ts';

/** The work row was taken over by somebody else: this turn is over, its decision void. */
export class Fenced extends Error {
  constructor(fence: WorkFence) {
    super(`another process has taken over ${fence.kind} ${fence.key}`);
    this.name = 'Fenced';
  }
}

/**
 * Writes a proposal. Rows that several commits may want are locked in one order for all: guards, streams, work rows
 * (the claim's own among those that are enqueued).
 */
export async function applyProposal(
  core: Core,
  tx: Tx,
  proposal: Proposal<unknown>,
  read: ReadonlyMap<string, ReadGuard>,
  fence: WorkFence | undefined,
  ripples: Ripples,
): Promise<void> {
  const nowMs = core.clock.nowMs();
  if (read.size > 0 || proposal.bump !== undefined) await settleGuards(tx, read, proposal.bump ?? []);
  if (proposal.write !== undefined) await proposal.write(tx);
  for (const answer of proposal.answers ?? []) await recordAnswer(tx, answer, nowMs);
  if (proposal.withdraw !== undefined && proposal.withdraw.length > 0) {
    await withdrawEffects(tx, proposal.withdraw, nowMs);
    ripples.effects = true;
  }
  for (const receiver of proposal.withdrawFrom ?? []) {
    await withdrawEffectsFor(tx, receiver, nowMs);
    ripples.effects = true;
  }
  await addEffects(tx, proposal.effects, nowMs, ripples);
  await addEvents(core, tx, proposal.events, nowMs, ripples);
  await addWork(tx, proposal.work ?? [], nowMs, ripples, fence);
}

export async function addEffects(
  tx: Tx,
  effects: readonly NewEffect[] | undefined,
  nowMs: number,
  ripples: Ripples,
): Promise<void> {
  if (effects === undefined || effects.length === 0) return;
  for (const effect of effects) await insertEffect(tx, effect, nowMs);
  ripples.effects = true;
}

export async function addEvents(
  core: Core,
  tx: Tx,
  events: readonly NewEvent[] | undefined,
  nowMs: number,
  ripples: Ripples,
): Promise<void> {
  if (events === undefined || events.length === 0) return;
  const position = await appendEvents(tx, events, nowMs, core.store.kind === 'sqlite');
  ripples.events = true;
  if (position !== undefined) ripples.position = position;
}

/** Enqueues, and checks the claim, in the order of the rows' keys. */
export async function addWork(
  tx: Tx,
  work: readonly Enqueue[],
  nowMs: number,
  ripples: Ripples,
  fence?: WorkFence,
): Promise<void> {
  let isChecked = fence === undefined;
  const sorted = work.length > 1 ? [...work].sort(byRow) : work;
  for (const one of sorted) {
    if (fence !== undefined && !isChecked && byRow(fence, one) <= 0) {
      await checkFence(tx, fence);
      isChecked = true;
    }
    await insertWanted(tx, one, nowMs);
    ripples.work = true;
  }
  if (fence !== undefined && !isChecked) await checkFence(tx, fence);
}

function byRow(a: { kind: string; key: string }, b: { kind: string; key: string }): number {
  if (a.kind !== b.kind) return a.kind < b.kind ? -1 : 1;
  return a.key === b.key ? 0 : a.key < b.key ? -1 : 1;
}

async function checkFence(tx: Tx, fence: WorkFence): Promise<void> {
  if (!(await holdsWork(tx, fence))) throw new Fenced(fence);
}

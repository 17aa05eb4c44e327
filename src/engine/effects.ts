import { backoffMs } from '../kit/index.ts';
import { rollway } from '../model/index.ts';
import { addEvents, addWork } from './apply.ts';
import { type Core, callHook, transact } from './core.ts';
import { describeError } from './describe-error.ts';
import { type ClaimedEffect, claimEffects, endEffect, returnEffect } from './effects-rows.ts';
import { never } from './never.ts';
import type { EffectKind, EffectOutcome } from './port.ts';

const defaultAttemptMs = 300_000;

/** Takes due effects, each the first of its order. */
export async function takeEffects(core: Core, limit: number): Promise<ClaimedEffect[]> {
  const claimed = await transact(core, { what: 'claim', kind: 'effect', key: '' }, async (tx) => {
    const now = core.clock.nowMs();
    const rows = await claimEffects(tx, { now, until: now + core.settings.leaseMs, owner: core.processId, limit });
    return rows.length === 0 ? undefined : rows;
  });
  return claimed ?? [];
}

/** How long one attempt may take; the lease is shorter, and renewed until then. */
export function longestAttemptMs(core: Core, effect: ClaimedEffect): number {
  return core.effectKinds.get(effect.kind)?.leaseMs ?? defaultAttemptMs;
}

/** Runs one claimed effect outside any transaction and records what came of it. Only `Abandon` gets out. */
export async function runEffect(core: Core, effect: ClaimedEffect, signal: AbortSignal): Promise<void> {
  const kind = core.effectKinds.get(effect.kind);
  if (kind === undefined) {
    return returnForAnotherTry(core, effect, `nobody is registered for the effect ${effect.kind}`, undefined);
  }
  // A claim before this one neither ended nor failed: its process died, perhaps after the deed.
  const isUncertain = effect.epoch > effect.attempts + 1;
  if (isUncertain && !kind.safeToRepeat) return parkUncertain(core, effect);
  const { id, receiver, epoch: attempt } = effect;
  let outcome: EffectOutcome;
  try {
    const payload: unknown = JSON.parse(effect.payload);
    outcome = await kind.run({ id: id as never, kind: kind.kind, receiver, payload, attempt, signal });
  } catch (error) {
    if (core.isAbandoned) throw error;
    if (signal.aborted && kind.safeToRepeat) return giveBack(core, effect);
    core.onTrouble({ what: `the effect ${effect.kind} for ${receiver} failed`, error });
    return returnForAnotherTry(core, effect, describeError(error), kind);
  }
  callHook(core, core.hooks.afterEffect, momentOf(effect));
  await recordOutcome(core, effect, outcome);
}

const momentOf = (effect: ClaimedEffect) => ({ what: 'effect', kind: effect.kind, key: effect.id }) as const;

async function recordOutcome(core: Core, effect: ClaimedEffect, outcome: EffectOutcome): Promise<void> {
  await transact(core, momentOf(effect), async (tx, ripples) => {
    const nowMs = core.clock.nowMs();
    if (!(await endEffect(tx, effect, { state: 'done', nowMs }))) return undefined;
    if (outcome.write !== undefined) await outcome.write(tx);
    await addEvents(core, tx, outcome.events, nowMs, ripples);
    await addWork(tx, outcome.work ?? [], nowMs, ripples);
    ripples.effects = true;
    return true;
  });
}

/** Interrupted or not begun, not failed: the next process begins it at once. */
export async function giveBack(core: Core, effect: ClaimedEffect): Promise<void> {
  await transact(core, momentOf(effect), async (tx) => {
    const retryAtMs = core.clock.nowMs();
    await returnEffect(tx, effect, { state: 'pending', retryAtMs, attempts: effect.epoch, error: null });
    return true;
  });
}

async function parkUncertain(core: Core, effect: ClaimedEffect): Promise<void> {
  const error = 'The process that ran it died; whether it was done is unknown, and doing it twice might harm.';
  // As if every claim had been counted, so that a person's "again" is not uncertain.
  await park(core, effect, error, { retryAtMs: never, attempts: effect.epoch });
}

async function returnForAnotherTry(
  core: Core,
  effect: ClaimedEffect,
  error: string,
  kind: EffectKind | undefined,
): Promise<void> {
  const { settings } = core;
  const nowMs = core.clock.nowMs();
  const attempts = effect.epoch;
  if (kind !== undefined && !kind.safeToRepeat && kind.maxAttempts === undefined) {
    return park(core, effect, error, { retryAtMs: never, attempts });
  }
  if (kind?.maxAttempts !== undefined && attempts >= kind.maxAttempts) {
    return park(core, effect, error, { retryAtMs: nowMs + settings.parkedRetryMs, attempts });
  }
  const waitMs = backoffMs(Math.min(attempts, 30), settings.backoffBaseMs, settings.backoffCapMs, core.chance);
  await transact(core, momentOf(effect), async (tx, ripples) => {
    ripples.effects = true;
    await returnEffect(tx, effect, { state: 'pending', retryAtMs: nowMs + waitMs, attempts, error });
    return true;
  });
}

async function park(
  core: Core,
  effect: ClaimedEffect,
  error: string,
  to: { retryAtMs: number; attempts: number },
): Promise<void> {
  await transact(core, momentOf(effect), async (tx, ripples) => {
    if (!(await returnEffect(tx, effect, { state: 'parked', ...to, error }))) return undefined;
    const { id, kind, receiver } = effect;
    const data = { id, kind, receiver, attempts: to.attempts, error, uncertain: to.retryAtMs === never };
    const event = { stream: `effect/${receiver}`, type: 'effect.parked', actor: rollway('engine'), data };
    await addEvents(core, tx, [event], core.clock.nowMs(), ripples);
    return true;
  });
}

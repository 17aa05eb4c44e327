import type { Core } from './core.ts';
import { runEffect, takeEffects } from './effects.ts';
import { findNextEffectAtMs } from './effects-rows.ts';
import { never } from './never.ts';
import { recoverOnce } from './recover.ts';
import { sealAll } from './seal.ts';
import { type EndedTurn, runTurn, settleAndClaim } from './turns.ts';
import { findNextWorkAtMs } from './work-rows.ts';

const unstoppable = new AbortController().signal;

/** Runs one due effect, or else one due work row; false: nothing was due. */
export async function step(core: Core): Promise<boolean> {
  await recoverOnce(core);
  const didSomething = (await stepEffect(core)) || (await stepWork(core));
  await sealAll(core);
  return didSomething;
}

/**
 * Runs everything that is due now, effects first, one after another: what `step` until nothing is left would run, in
 * the same order. A turn's end is written down and the next row taken in one transaction, as `run` does it.
 */
export async function runDue(core: Core): Promise<RanDue> {
  await recoverOnce(core);
  let ended: EndedTurn[] = [];
  for (let count = 0; ; count++) {
    if (mayHaveEffects(core)) {
      // Before the next effect this turn is over, as it is for `step`.
      if (ended.length > 0) await settleAndClaim(core, ended, 0);
      ended = [];
      if (await stepEffect(core)) continue;
      const { effectStirs: stirs } = core;
      core.quietEffects = { stirs, untilMs: (await core.store.read(findNextEffectAtMs)) ?? never };
    }
    const [row] = await settleAndClaim(core, ended, 1);
    if (row === undefined) {
      await sealAll(core);
      return { count, nextDueAtMs: await nextDueAtMs(core) };
    }
    ended = [await runTurn(core, row, unstoppable)];
  }
}

/** What it ran, and when there will be something to do again; undefined if nothing ever will be. */
export interface RanDue {
  readonly count: number;
  readonly nextDueAtMs: number | undefined;
}

/** Whoever is alone with the store knows from the last look when the next effect is due. */
function mayHaveEffects({ quietEffects, effectStirs, clock, settings, store }: Core): boolean {
  if (!(settings.isSoleProcess ?? store.kind === 'sqlite') || quietEffects === undefined) return true;
  return quietEffects.stirs !== effectStirs || quietEffects.untilMs <= clock.nowMs();
}

export async function nextDueAtMs(core: Core): Promise<number | undefined> {
  return core.store.read(async (tx) => {
    const work = await findNextWorkAtMs(tx);
    const effect = await findNextEffectAtMs(tx);
    if (work === undefined || effect === undefined) return work ?? effect;
    return Math.min(work, effect);
  });
}

async function stepEffect(core: Core): Promise<boolean> {
  const [effect] = await takeEffects(core, 1);
  if (effect === undefined) return false;
  await runEffect(core, effect, unstoppable);
  return true;
}

async function stepWork(core: Core): Promise<boolean> {
  const [row] = await settleAndClaim(core, [], 1);
  if (row === undefined) return false;
  const ended = await runTurn(core, row, unstoppable);
  await settleAndClaim(core, [ended], 0);
  return true;
}

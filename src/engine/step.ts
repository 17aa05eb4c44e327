import type { Core } from './core.ts';
import { runEffect, takeEffects } from './effects.ts';
import { recoverOnce } from './recover.ts';
import { sealAll } from './seal.ts';
import { runTurn, settleAndClaim } from './turns.ts';

const unstoppable = new AbortController().signal;

/** Runs one due effect, or else one due work row; false: nothing was due. */
export async function step(core: Core): Promise<boolean> {
  await recoverOnce(core);
  const didSomething = (await stepEffect(core)) || (await stepWork(core));
  await sealAll(core);
  return didSomething;
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

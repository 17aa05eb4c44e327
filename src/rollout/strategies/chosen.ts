import type { Rollout } from '../../model/index.ts';
import type { Draft } from '../draft.ts';
import { isRound } from '../rounds.ts';
import { type ChosenStrategy, strategyOf } from './book.ts';

/** The strategy by which a rollout goes; undefined: this server does not have it. A round goes in place. */
export function chosenFor(draft: Draft, rollout: Rollout): ChosenStrategy | undefined {
  return strategyOf(isRound(rollout) ? {} : rollout.plan, draft.rules.strategies);
}

/** Whether its tasks may all be stopped before any starts again. */
export function takesDown(draft: Draft, rollout: Rollout): boolean {
  return chosenFor(draft, rollout)?.strategy.down !== undefined;
}

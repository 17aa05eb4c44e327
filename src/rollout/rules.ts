import {
  admit,
  budgetInForce,
  budgetParts,
  endByFacts,
  endByReport,
  foldReport,
  limitRates,
  needsAck,
  outOf,
  readAnswer,
  servingExtras,
} from '../disruption/index.ts';
import { type DriverBook, noDrivers } from '../drivers/index.ts';
import { place } from '../fleet/index.ts';
import { barrierAtEnd, barrierBefore, failureOf } from './barrier.ts';
import { readBasicChecks } from './basic-checks.ts';
import { revertTargetOf } from './good-versions.ts';
import { judgePhase } from './judge-phase.ts';
import { newcomerVersion } from './newcomers.ts';
import { proposeFor } from './propose.ts';
import { selectMembers } from './select.ts';
import { ownStrategies, type StrategyBook } from './strategies/book.ts';

/**
 * The decisions that `decideJob` is put together from. They are handed in so that a job can have another controller
 * or pace, and so that the simulator can show that it sees a broken one.
 */
export const standardRules = {
  admit,
  barrierAtEnd,
  barrierBefore,
  budgetInForce,
  budgetParts,
  endByFacts,
  endByReport,
  failureOf,
  foldReport,
  judgePhase,
  needsAck,
  newcomerVersion,
  outOf,
  place,
  proposeFor,
  rateLimit: limitRates,
  readAnswer,
  readBasicChecks,
  revertTargetOf,
  selectMembers,
  servingExtras,
  strategies: ownStrategies as StrategyBook,
  drivers: noDrivers as DriverBook,
};

export type Rules = typeof standardRules;

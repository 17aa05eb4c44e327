import type { SharedLimits } from '../disruption/index.ts';
import { appendAnswer } from '../disruption/rows.ts';
import type { ClusterDriver, DriverBook, ExecuteRequest } from '../drivers/index.ts';
import type { EffectKind, WorkKind } from '../engine/index.ts';
import type { Clock } from '../kit/index.ts';
import type { HostId, JobId, OperationId, TaskIndex } from '../model/index.ts';
import { decideJob } from './decide.ts';
import { standardRules } from './rules.ts';
import type { StrategyBook } from './strategies/book.ts';

export { type Asked, askForTasks } from './work/ask.ts';

import { jobDecide, loadState, withRoom } from './work/load.ts';
import { observeWork } from './work/observe.ts';
import { proposalOf } from './work/propose.ts';
import { RememberedJobs, type RememberingLimits, rowsAfter, rowsOf } from './work/remembered.ts';

export { forgetOldOperations } from './work/forget.ts';

export interface RolloutWorld {
  /** What executes the operations of jobs with this driver name. */
  readonly driverOf: (name: string) => ClusterDriver;
  readonly clock: Pick<Clock, 'nowMs'>;
  /** Rates over all jobs, as the server is set. */
  readonly limits?: SharedLimits;
  /** Strategies that plans may name; left out: Rollway's own. */
  readonly strategies?: StrategyBook;
  /** Drivers that jobs may name; left out: Rollway's own. */
  readonly drivers?: DriverBook;
  /** The decision itself; the simulator looks over its shoulder. */
  readonly decide?: typeof decideJob;
  /** Which jobs are kept in memory between two decisions; the standard is large ones. */
  readonly remember?: RememberingLimits;
}

/** `job/decide` and `job/observe` (key: job), and the effects `agent/execute` and `agent/cancel` around the cluster driver. */
export function rolloutWork(world: RolloutWorld): { work: readonly WorkKind[]; effects: readonly EffectKind[] } {
  const remembered = new RememberedJobs(world.remember);
  return {
    work: [decideWork(world.decide ?? decideBy(world), world.limits, remembered), observeWork(remembered)],
    effects: [executeEffect(world), cancelEffect(world)],
  };
}

/** Pure as ever: what is handed in are functions without a memory. */
function decideBy({ strategies, drivers }: RolloutWorld): typeof decideJob {
  const own = { ...(strategies && { strategies }), ...(drivers && { drivers }) };
  const rules = { ...standardRules, ...own };
  return (state, nowMs, id) => decideJob(state, nowMs, id, rules);
}

/** One turn decides everything about the job, and commits it as one. */
function decideWork(decide: typeof decideJob, limits: SharedLimits | undefined, remembered: RememberedJobs): WorkKind {
  return {
    kind: jobDecide,
    async run(turn) {
      const job = turn.key as JobId;
      // What the job's rows are once this turn has committed.
      let known: Parameters<RememberedJobs['keep']> | undefined;
      await turn.commit(async (view) => {
        known = undefined;
        let state = await loadState(view, job, limits, remembered);
        if (state === undefined) return undefined;
        let decision = decide(state, turn.nowMs, turn.id);
        if (decision.wantsRoom) {
          state = await withRoom(view, state);
          decision = decide(state, turn.nowMs, turn.id);
        }
        const proposal = await proposalOf(view, state, decision, turn.nowMs);
        const isChanged = proposal?.bump !== undefined;
        known = [
          job,
          state.revision + (isChanged ? 1 : 0),
          isChanged ? rowsAfter(decision, rowsOf(state)) : rowsOf(state),
        ];
        return proposal;
      });
      if (known !== undefined) remembered.keep(...known);
    },
  };
}

/** Hands an admitted operation to its agent. Done = the agent has written it down; results come as reports. */
function executeEffect({ driverOf, clock }: RolloutWorld): EffectKind {
  return {
    kind: 'agent/execute',
    safeToRepeat: true,
    leaseMs: 60_000,
    async run({ payload, signal }) {
      const { driver, request } = payload as { readonly driver: string; readonly request: ExecuteRequest };
      await driverOf(driver).execute(request, signal);
      const { id: operation, job } = request;
      return {
        write: (tx) => appendAnswer(tx, job, { operation, answer: 'begun', atMs: clock.nowMs() }),
        work: [{ kind: jobDecide, key: job }],
      };
    },
  };
}

interface CancelOrder {
  readonly driver: string;
  readonly id: OperationId;
  readonly job: JobId;
  readonly index: TaskIndex;
  readonly host: HostId | undefined;
}

/** Asks for a tombstone, ahead of everything else that waits for the agent. */
function cancelEffect({ driverOf, clock }: RolloutWorld): EffectKind {
  return {
    kind: 'agent/cancel',
    safeToRepeat: true,
    leaseMs: 60_000,
    async run({ payload, signal }) {
      const { driver, id: operation, job, index, host } = payload as CancelOrder;
      const answer = await driverOf(driver).cancel(operation, { host, job, index }, signal);
      return {
        write: (tx) => appendAnswer(tx, job, { operation, answer, atMs: clock.nowMs() }),
        work: [{ kind: jobDecide, key: job }],
      };
    },
  };
}

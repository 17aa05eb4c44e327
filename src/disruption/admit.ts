import type { Incarnation, TaskIndex } from '../model/index.ts';
import { isExtra } from './extras.ts';
import type { Exemption, LedgerOperation, TaskFacts } from './facts.ts';
import { type HostStates, isHeard, isServing, mayLive } from './out.ts';
import { type BudgetPart, fullPart } from './parts.ts';

/** What admission looks at: OUT as it is at this moment of the turn, and the budget for this operation. */
export interface AdmitFacts {
  readonly out: ReadonlySet<TaskIndex>;
  /** With one more for each extra task that serves. */
  readonly budget: number;
  /** Extra tasks that serve: to stop one takes its one away. */
  readonly extras?: ReadonlySet<TaskIndex>;
  /** Parts of the job with budgets of their own. */
  readonly parts: readonly BudgetPart[];
  /** A person raised every budget to this for its rollout; 0: nobody did. */
  readonly raisedTo: number;
  readonly task: TaskFacts | undefined;
  readonly hostStates: HostStates;
  /** Of the version that the task's newest incarnation runs. */
  readonly readyDeadlineMs: number;
  readonly nowMs: number;
}

/** What an exemption, or the need of an ack, follows from. */
export type ExemptionFacts = Pick<AdmitFacts, 'task' | 'hostStates' | 'readyDeadlineMs' | 'nowMs'>;

export type Admission =
  | { readonly admitted: true; readonly exemption: Exemption | undefined; readonly stillOut: Incarnation | undefined }
  | { readonly admitted: false; readonly reason: string };

/**
 * May this operation begin now? Only if OUT with its index fits into the budget (invariant I1) and into that of
 * each part of the job that it belongs to, unless it is exempt. Says nothing of controllers, rates or phases: those come before.
 */
export function admit(operation: LedgerOperation, facts: AdmitFacts): Admission {
  const exemption = exemptionOf(operation, facts);
  if (exemption !== undefined) {
    const stillOut = exemption === 'still-out' ? operation.incarnation : undefined;
    return { admitted: true, exemption, stillOut };
  }
  if (isExtra(operation.index)) return admitForExtra(operation, facts);
  const wouldBeOut = facts.out.has(operation.index) ? facts.out.size : facts.out.size + 1;
  if (wouldBeOut > facts.budget) return { admitted: false, reason: budgetSentence(facts) };
  const full = fullPart(facts.parts, operation.index, facts.out, facts.raisedTo);
  if (full !== undefined) return { admitted: false, reason: `The budget of ${full.max} for ${full.name} is used up.` };
  return { admitted: true, exemption: undefined, stillOut: undefined };
}

/** What is done to an extra task takes nobody of the job's own out; it may take away the room that others stand in. */
function admitForExtra({ index }: LedgerOperation, { out, extras, budget }: AdmitFacts): Admission {
  const left = extras?.has(index) === true ? budget - 1 : budget;
  if (out.size <= left || extras?.has(index) !== true) {
    return { admitted: true, exemption: undefined, stillOut: undefined };
  }
  return { admitted: false, reason: 'Its room is needed: others are out in its place.' };
}

/**
 * (a) Starting an index that has no living incarnation costs nothing. (b) Neither does an operation on an index that
 * has no live process, crash-loops, or has been out longer than its ready deadline; its agent checks that the named
 * incarnation is still out when it begins. (A maintenance past its deadline is forced.)
 */
export function exemptionOf(operation: LedgerOperation, facts: ExemptionFacts): Exemption | undefined {
  if (operation.exemption === 'forced') return 'forced';
  const current = facts.task?.current;
  if (operation.kind === 'start') {
    const state = current === undefined ? 'fenced' : facts.hostStates(current.host);
    const isGone = current === undefined || state === 'lost' || !mayLive(current, facts.hostStates);
    return isGone ? 'no-living-incarnation' : undefined;
  }
  if (operation.kind === 'stop' || operation.kind === 'move') return undefined;
  if (current === undefined || current.incarnation !== operation.incarnation) return undefined;
  // Only the incarnation's own agent can check the precondition.
  if (operation.host !== current.host || !isHeard(facts.hostStates(current.host))) return undefined;
  if (isServing(facts.task, facts.hostStates)) return undefined;
  const { state } = current;
  if (state === 'failed' || state === 'stopped' || state === 'crash-looping') return 'still-out';
  const since = facts.task?.outSinceMs;
  return since !== undefined && facts.nowMs - since > facts.readyDeadlineMs ? 'still-out' : undefined;
}

function budgetSentence({ budget }: AdmitFacts): string {
  if (budget === 0) return 'The budget is 0: no task may be taken out; raise the budget, or use surge.';
  return `The budget of ${budget} is used up.`;
}

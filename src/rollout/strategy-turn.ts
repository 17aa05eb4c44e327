import { isServing, mayLive, type TaskFacts } from '../disruption/index.ts';
import { isUnderWay, type Rollout, type TaskIndex, type VersionId } from '../model/index.ts';
import { type Draft, emitForRollout, type StrategyTurn, wakeAt } from './draft.ts';
import { hold } from './holds.ts';
import { placesOf, progressOf } from './phases.ts';
import { ownedBy } from './revert.ts';
import type { TaskPlace } from './select.ts';
import { nameStrategy } from './strategies/book.ts';
import { checkedDown, checkedStep } from './strategies/checked.ts';
import { chosenFor } from './strategies/chosen.ts';
import type { StrategyFacts, StrategyMember, StrategyStep } from './strategies/port.ts';

/** Holds a rollout whose strategy is not followed: with what it said, or because it is not here. */
export function refuseStrategy(draft: Draft, rollout: Rollout, sentence: string): Rollout {
  const strategy = nameStrategy(rollout.plan.strategy).name;
  emitForRollout(draft, rollout.id, 'rollout.strategy-refused', { strategy, sentence });
  return hold(draft, rollout, 'strategy', sentence);
}

export function noSuchStrategy(rollout: Rollout): string {
  const { name } = nameStrategy(rollout.plan.strategy);
  return `This server has no strategy ${name}: start it with that plug-in and resume, or deploy a plan without it.`;
}

/** Asks the strategy who is next. One that is not followed holds its rollout; on the way back it counts as in place. */
export function askStrategy(draft: Draft, active: Rollout | undefined): StrategyTurn | undefined {
  if (active === undefined) return undefined;
  const isGoingBack = active.state === 'reverting';
  const phase = active.phases[active.currentPhase];
  const isMoving = active.state === 'running' && (phase?.state === 'updating' || phase?.state === 'judging');
  if (!isGoingBack && !isMoving) return undefined;
  const chosen = chosenFor(draft, active);
  if (chosen === undefined) {
    if (!isGoingBack) refuseStrategy(draft, active, noSuchStrategy(active));
    return undefined;
  }
  const { next, down } = chosen.strategy;
  if (down === undefined && (next === undefined || isGoingBack)) return undefined;
  const facts = factsFor(draft, active);
  const taken = checkedDown(chosen, facts);
  const step = isGoingBack ? undefined : checkedStep(chosen, facts);
  const refusal = [taken, step].find((one) => one?.ok === false) as { error: string } | undefined;
  if (refusal !== undefined || !taken.ok || step?.ok === false) {
    if (!isGoingBack) refuseStrategy(draft, active, refusal!.error);
    return undefined;
  }
  const who = step?.value;
  if (who?.untilMs !== undefined) wakeAt(draft, who.untilMs);
  if (!isGoingBack && isStuck(draft, active, facts, who, taken.value)) {
    const { name } = chosen.strategy;
    refuseStrategy(
      draft,
      active,
      `The strategy ${name} names nobody although tasks are missing and nothing is under way.`,
    );
    return undefined;
  }
  return {
    rollout: active.id,
    ranks: who && new Map(who.next.map((index, at) => [index, at])),
    reason: who?.reason ?? `The strategy ${chosen.strategy.name} takes others first.`,
    down: down && new Set(taken.value),
  };
}

/** Nothing that it says would ever lead to anything, and it does not want to be asked again. */
function isStuck(
  draft: Draft,
  rollout: Rollout,
  { members }: StrategyFacts,
  step: StrategyStep | undefined,
  down: readonly TaskIndex[],
): boolean {
  if (step !== undefined && step.untilMs !== undefined && step.untilMs > draft.nowMs) return false;
  if (members.some(({ isUnderWay: busy }) => busy)) return false;
  const stays = new Set(down);
  if (members.some(({ index, runs }) => runs === 'other' && stays.has(index))) return false;
  const mayGo =
    step === undefined ? members.some((one) => !one.isThere && !stays.has(one.index)) : step.next.length > 0;
  return !mayGo && progressOf(draft, rollout.phases[rollout.currentPhase]!, rollout).missing.length > 0;
}

function factsFor(draft: Draft, rollout: Rollout): StrategyFacts {
  const phase = rollout.phases[rollout.currentPhase];
  const isGoingBack = rollout.state === 'reverting';
  const indices = isGoingBack ? ownedBy(draft, rollout).map(({ index }) => index) : (phase?.members ?? []);
  const places = placesOf(draft);
  const busy = new Set<TaskIndex>();
  for (const { index, state } of draft.operations.values()) if (isUnderWay(state)) busy.add(index);
  const members: StrategyMember[] = [];
  for (const index of indices) {
    const place = places[index];
    if (place !== undefined) members.push(Object.freeze(memberOf(draft, place, busy.has(index))));
  }
  return Object.freeze({
    phase: phase?.name ?? '',
    isGoingBack,
    members: Object.freeze(members),
    concurrency: phase?.concurrency ?? 1,
    nowMs: draft.nowMs,
  });
}

function memberOf(draft: Draft, place: TaskPlace, isBusy: boolean): StrategyMember {
  const task = draft.tasks.get(place.index);
  const wanted = draft.assignment.get(place.index)?.version;
  const runs = livesOf(draft, task, wanted);
  const isThere = runs === 'wanted' && isServing(task, draft.hostStates) && task?.current?.version === wanted;
  return { ...place, runs, isThere, isUnderWay: isBusy };
}

/** What of it may live. A superseded incarnation of the version that is wanted is none of it: its task is to start. */
function livesOf(draft: Draft, task: TaskFacts | undefined, wanted: VersionId | undefined): StrategyMember['runs'] {
  if (task === undefined) return 'nothing';
  let found: StrategyMember['runs'] = 'nothing';
  for (const one of task.current === undefined ? task.others : [task.current, ...task.others]) {
    if (!mayLive(one, draft.hostStates) || draft.hostStates(one.host) === 'lost') continue;
    if (one.version !== wanted) return 'other';
    if (one === task.current) found = 'wanted';
  }
  return found;
}

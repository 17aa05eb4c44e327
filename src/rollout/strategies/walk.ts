import type { PhaseSpec, TaskIndex } from '../../model/index.ts';
import type { TaskPlace } from '../select.ts';
import type { ChosenStrategy } from './book.ts';
import { checkedDown, checkedStep } from './checked.ts';
import type { StrategyMember } from './port.ts';

export interface PhaseToWalk {
  readonly spec: PhaseSpec;
  readonly members: readonly TaskIndex[];
  /** So many of them, the last ones, are new in this phase. */
  readonly adds: number;
  readonly places: readonly TaskPlace[];
  /** What concurrency and budget leave. */
  readonly atOnce: number;
}

export interface Walk {
  /** Most tasks that are worked on at once. */
  readonly atOnce: number;
  /** Lots that follow each other. */
  readonly batches: number;
  readonly mostOut: number;
  readonly stopsAll: boolean;
}

/** Beyond so many questions, or tasks told of in all of them, the plan is not walked to its end: nobody else is served. */
const mostSteps = 2000;
const mostTold = 2_000_000;

/**
 * A phase in a world in which everything comes up at once: what the strategy is told, and what follows from its answers.
 * Undefined: it says nothing of its own, or cannot be followed; then plain arithmetic has to do.
 */
export function walkPhase(chosen: ChosenStrategy, phase: PhaseToWalk): Walk | undefined {
  const { next, down } = chosen.strategy;
  if (next === undefined && down === undefined) return undefined;
  const { spec, members: indices, adds, places } = phase;
  const byIndex = new Map(places.map((place) => [place.index, place]));
  const runs = new Map<TaskIndex, StrategyMember['runs']>();
  for (const [at, index] of indices.entries()) runs.set(index, at < indices.length - adds ? 'wanted' : 'other');
  let [atOnce, batches, mostOut, stopsAll, nowMs] = [0, 0, 0, false, 0];
  const steps = Math.min(mostSteps, Math.ceil(mostTold / Math.max(1, indices.length)));
  for (let step = 0; step < steps; step++) {
    const members = indices.map((index) => {
      const state = runs.get(index)!;
      return { ...byIndex.get(index)!, runs: state, isThere: state === 'wanted', isUnderWay: false };
    });
    const left = members.filter(({ isThere }) => !isThere);
    if (left.length === 0) return { atOnce, batches, mostOut, stopsAll };
    const facts = { phase: spec.name, isGoingBack: false, members, concurrency: phase.atOnce, nowMs };
    const taken = checkedDown(chosen, facts);
    const said = checkedStep(chosen, facts);
    if (!taken.ok || !said.ok) return undefined;
    const stays = new Set(taken.value);
    const stops = members.filter((one) => stays.has(one.index) && one.runs === 'other');
    for (const { index } of stops) runs.set(index, 'nothing');
    if (stops.length > 0) stopsAll = true;
    const mayGo = (said.value?.next ?? left.map(({ index }) => index)).filter((index) => !stays.has(index));
    const lot = mayGo.slice(0, phase.atOnce);
    const untilMs = said.value?.untilMs;
    if (lot.length === 0 && stops.length === 0) {
      if (untilMs === undefined || untilMs <= nowMs) return undefined;
      nowMs = untilMs;
      continue;
    }
    const out = new Set(lot);
    for (const [index, state] of runs) if (state === 'nothing') out.add(index);
    mostOut = Math.max(mostOut, out.size);
    if (lot.length > 0) batches += 1;
    atOnce = Math.max(atOnce, lot.length, stops.length);
    for (const index of lot) runs.set(index, 'wanted');
  }
  return undefined;
}

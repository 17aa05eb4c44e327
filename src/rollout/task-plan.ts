import { digestOf } from '../kit/index.ts';
import { type Amount, budgetOf, type TaskIndex } from '../model/index.ts';
import { planOf } from './plan.ts';
import { roundPlan } from './rounds.ts';
import type { TaskPlace } from './select.ts';

/** What a person wants done with the tasks of a job, apart from deployments. */
export type TaskWish =
  | {
      readonly do: 'restart' | 'move';
      readonly tasks: readonly TaskIndex[] | undefined;
      readonly atOnce: Amount | undefined;
    }
  | { readonly do: 'resize'; readonly size: number }
  | { readonly do: 'retire' };

export interface TaskPlanFacts {
  readonly wish: TaskWish;
  readonly budget: Amount;
  readonly places: readonly TaskPlace[];
}

export interface TaskPlanStep {
  readonly name: string;
  readonly adds: readonly TaskIndex[];
  readonly atOnce: number;
  readonly batches: number;
  /** Tasks that serve at every moment of it, if nothing else takes any out. */
  readonly servingAtLeast: number;
}

export interface TaskPlan {
  readonly size: number;
  readonly budget: number;
  readonly steps: readonly TaskPlanStep[];
  /** Starting with another one is refused. */
  readonly hash: string;
}

export const everyoneAtOnce: Amount = { percent: 100 };

/** Who is restarted, moved, started or stopped, in which order, and how many serve meanwhile. */
export function planTasks({ wish, budget: amount, places }: TaskPlanFacts): TaskPlan {
  const size = places.length;
  const budget =
    wish.do === 'resize' || wish.do === 'retire' ? budgetOfResize(wish, amount, size) : budgetOf(amount, size);
  const steps = stepsOf(wish, amount, budget, places);
  return { size, budget, steps, hash: digestOf({ wish, size, budget, steps }).slice(0, 16) };
}

/** During a resize the smaller budget is in force. */
function budgetOfResize(wish: TaskWish, amount: Amount, size: number): number {
  return Math.min(budgetOf(amount, size), budgetOf(amount, wish.do === 'resize' ? wish.size : 0));
}

function stepsOf(wish: TaskWish, amount: Amount, budget: number, places: readonly TaskPlace[]): TaskPlanStep[] {
  const size = places.length;
  switch (wish.do) {
    case 'restart':
    case 'move': {
      const plan = roundPlan(wish.tasks, wish.atOnce ?? everyoneAtOnce);
      const { phases } = planOf({ plan, places, budget: amount, isFirst: false });
      return phases.map(({ spec, members, adds, atOnce, batches, servingAtLeast }) => ({
        name: spec.name,
        adds: members.slice(members.length - adds),
        atOnce,
        batches,
        // A move has the new one serve before the old one stops.
        servingAtLeast: wish.do === 'move' ? size : servingAtLeast,
      }));
    }
    case 'resize': {
      if (wish.size === size) return [];
      const [low, high] = [Math.min(size, wish.size), Math.max(size, wish.size)];
      const adds = Array.from({ length: high - low }, (_, at) => low + at);
      if (wish.size > size) {
        return [{ name: 'start', adds, atOnce: adds.length, batches: 1, servingAtLeast: size }];
      }
      return [stopStep(adds, budget, wish.size)];
    }
    case 'retire': {
      const all = places.map(({ index }) => index);
      return all.length === 0 ? [] : [stopStep(all, budget, 0)];
    }
  }
}

function stopStep(adds: readonly TaskIndex[], budget: number, left: number): TaskPlanStep {
  const atOnce = Math.max(1, Math.min(budget, adds.length));
  return { name: 'stop', adds, atOnce, batches: Math.ceil(adds.length / atOnce), servingAtLeast: left };
}

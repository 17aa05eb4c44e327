import { err, ok, type Result, type TaskIndex } from '../../model/index.ts';
import type { TaskPlace } from '../select.ts';
import type { ChosenStrategy } from './book.ts';
import type { StrategyFacts, StrategyStep } from './port.ts';

/*
 * What a strategy says is taken only when it makes sense. A proposal that does not is an error in words: whoever asked
 * holds the rollout with it. Strategies of users may be wrong in any way, also by throwing; what is taken is a copy, which
 * they do not have in their hands any more.
 */

/** Whether it takes the settings of the plan. */
export function checkedSettings({ strategy, settings }: ChosenStrategy): Result<undefined, string> {
  if (strategy.check === undefined) return ok(undefined);
  return asked(strategy.name, () => {
    const wrong: unknown = strategy.check!(settings);
    return wrong === undefined ? ok(undefined) : refused(`it does not take its settings: ${say(wrong)}`);
  });
}

/** Extra tasks: at most as many as the job has. */
export function checkedExtras({ strategy, settings }: ChosenStrategy, size: number): Result<number, string> {
  if (strategy.extras === undefined) return ok(0);
  return asked(strategy.name, () => {
    const extras: unknown = strategy.extras!(settings, size);
    const isCount = typeof extras === 'number' && Number.isInteger(extras) && extras >= 0;
    if (!isCount) return refused(`it borrows ${say(extras)} extra tasks`);
    return extras > size ? refused(`it borrows ${extras} extra tasks for a job of ${size}`) : ok(extras);
  });
}

/** The job's tasks in the strategy's order; undefined: it has none of its own. */
export function checkedOrder(
  { strategy, settings }: ChosenStrategy,
  tasks: readonly TaskPlace[],
): Result<readonly TaskIndex[] | undefined, string> {
  if (strategy.order === undefined) return ok(undefined);
  return asked(strategy.name, () => {
    const order: unknown = strategy.order!(settings, tasks);
    const wrong = namesOnly(order, new Set(tasks.map(({ index }) => index)), 'the job');
    if (wrong !== undefined) return refused(wrong);
    const found = order as readonly TaskIndex[];
    if (found.length < tasks.length) return refused(`it orders ${found.length} of the ${tasks.length} tasks`);
    return ok([...found]);
  });
}

/** Who is next; undefined: everybody, in the order of the phase. */
export function checkedStep(
  { strategy, settings }: ChosenStrategy,
  facts: StrategyFacts,
): Result<StrategyStep | undefined, string> {
  if (strategy.next === undefined) return ok(undefined);
  return asked(strategy.name, () => {
    const step: unknown = strategy.next!(settings, facts);
    if (typeof step !== 'object' || step === null) return refused(`its step is ${say(step)}`);
    const { next, reason, untilMs } = step as Partial<StrategyStep>;
    const wrong = namesMembers(next, facts);
    if (wrong !== undefined) return refused(wrong);
    if (reason !== undefined && typeof reason !== 'string') return refused(`its reason is ${say(reason)}`);
    if (untilMs !== undefined && !Number.isFinite(untilMs)) return refused(`it wants to be asked at ${say(untilMs)}`);
    return ok({ next: [...next!], reason: reason?.slice(0, mostSaid), untilMs });
  });
}

/** Members of which nothing may run for now. */
export function checkedDown(
  { strategy, settings }: ChosenStrategy,
  facts: StrategyFacts,
): Result<readonly TaskIndex[], string> {
  if (strategy.down === undefined) return ok([]);
  return asked(strategy.name, () => {
    const down: unknown = strategy.down!(settings, facts);
    const wrong = namesMembers(down, facts);
    return wrong === undefined ? ok([...(down as readonly TaskIndex[])]) : refused(wrong);
  });
}

const mostSaid = 300;

function namesMembers(named: unknown, { members, phase }: StrategyFacts): string | undefined {
  if (Array.isArray(named) && named.length > members.length) {
    return `it names ${named.length} tasks, and ${phase} has ${members.length}`;
  }
  const wrong = namesOnly(named, new Set(members.map(({ index }) => index)), phase);
  if (wrong !== undefined) return wrong;
  const there = new Set<TaskIndex>();
  for (const { index, isThere } of members) if (isThere) there.add(index);
  const done = (named as readonly TaskIndex[]).find((index) => there.has(index));
  return done === undefined ? undefined : `it names task ${done}, which is there already`;
}

function namesOnly(named: unknown, known: ReadonlySet<TaskIndex>, where: string): string | undefined {
  if (!Array.isArray(named)) return `it names ${say(named)} instead of a list of tasks`;
  const seen = new Set<unknown>();
  for (const index of named) {
    if (!known.has(index)) return `it names task ${say(index)}, which is not in ${where}`;
    if (seen.has(index)) return `it names task ${index} twice`;
    seen.add(index);
  }
  return undefined;
}

/** Whatever it throws is a refusal too. */
function asked<T>(name: string, ask: () => Result<T, string>): Result<T, string> {
  let answer: Result<T, string>;
  try {
    answer = ask();
  } catch (error) {
    answer = refused(`it threw ${say(messageOf(error))}`);
  }
  return answer.ok ? answer : err(`The strategy ${name} is not followed: ${answer.error}.`);
}

function refused(why: string): Result<never, string> {
  return err(why);
}

/** Of what was thrown; an error of a plug-in may throw even here. */
function messageOf(error: unknown): unknown {
  try {
    return error instanceof Error ? error.message : error;
  } catch {
    return 'an error without words';
  }
}

/** Anything a plug-in may hand over, short. */
function say(value: unknown): string {
  try {
    const text = typeof value === 'object' && value !== null ? Object.prototype.toString.call(value) : String(value);
    return text.slice(0, mostSaid);
  } catch {
    return `something of type ${typeof value}`;
  }
}

import { type Chance, pickBelow, pickOne, seededChance, stableJson } from '../../kit/index.ts';
import { ok, type Result, type TaskIndex } from '../../model/index.ts';
import { planOf as plannedOf } from '../plan.ts';
import type { TaskPlace } from '../select.ts';
import { planOf, smallJob, v0, v1 } from '../testing/small-job.ts';
import { type ChosenStrategy, ownStrategies } from './book.ts';
import { checkedDown, checkedExtras, checkedOrder, checkedStep } from './checked.ts';
import type { Strategy, StrategyFacts, StrategyMember, StrategySettings, StrategyStep } from './port.ts';

/** One rule that every strategy keeps, and how this one breaks it. */
export interface TriedRule {
  readonly rule: string;
  readonly failure: string | undefined;
}

export interface Trial {
  /** What a configuration would say to it; left out: its own example, or nothing. */
  readonly settings?: StrategySettings;
  /** Labels that hosts of a trial may have, each with its values. */
  readonly labels?: Readonly<Record<string, readonly string[]>>;
  /** How many drawn jobs, phases and rollouts; default 200. */
  readonly times?: number;
}

/**
 * What every strategy must do, whoever wrote it: tried on drawn jobs and phases, then in whole rollouts by the engine
 * itself. The same strategy gives the same answers each time.
 *
 *     for (const { rule, failure } of tryStrategy(mine)) console.log(failure === undefined ? 'ok' : 'BROKEN', rule, failure ?? '');
 */
export function tryStrategy(strategy: Strategy, trial: Trial = {}): readonly TriedRule[] {
  const { settings = strategy.example ?? {}, times = 200 } = trial;
  const chosen: ChosenStrategy = { strategy, settings };
  const some = (stream: string, attempt: (chance: Chance) => string | undefined, share = 1): string | undefined => {
    for (let seed = 1; seed <= Math.ceil(times * share); seed++) {
      const failure = attempt(seededChance(seed, stream));
      if (failure !== undefined) return `${failure} (draw ${seed})`;
    }
    return undefined;
  };
  const labels = trial.labels ?? { rack: ['a', 'b', 'c'], canary: ['true'] };
  return [
    { rule: 'it has a name, and takes its settings', failure: saysWhoItIs(chosen) },
    {
      rule: 'it names tasks that there are, none twice, none that is there already',
      failure: some('names', (chance) => namesWell(chosen, chance, labels)),
    },
    {
      rule: 'it says the same of the same facts, and leaves them as they are',
      failure: some('again', (chance) => saysTheSame(chosen, chance, labels)),
    },
    {
      rule: 'a phase comes to its end, also when tasks fail meanwhile, or nothing ran before',
      failure: some('walk', (chance) => comesToItsEnd(chosen, chance, labels)),
    },
    {
      rule: 'a rollout by the engine has the phases of its plan, and everybody has the new version',
      failure: some('rollout', (chance) => runsAsPlanned(chosen, chance), 0.15),
    },
    {
      rule: 'a bad version is given back everywhere',
      failure: some('revert', (chance) => goesBack(chosen, chance), 0.15),
    },
  ];
}

function saysWhoItIs({ strategy, settings }: ChosenStrategy): string | undefined {
  const { name } = strategy;
  if (!/^[a-z][a-z0-9-]{0,62}$/.test(name)) return `its name is ${JSON.stringify(name)}`;
  return strategy.check?.(settings);
}

type Labels = NonNullable<Trial['labels']>;

function drawnPlaces(chance: Chance, labels: Labels): TaskPlace[] {
  const hosts = Array.from({ length: 1 + pickBelow(chance, 6) }, (_, at) => {
    const own = Object.entries(labels).filter(() => chance.next() < 0.7);
    return { id: `host-${at}`, labels: Object.fromEntries(own.map(([key, values]) => [key, pickOne(chance, values)])) };
  });
  return Array.from({ length: 1 + pickBelow(chance, 12) }, (_, index) => {
    const host = chance.next() < 0.9 ? pickOne(chance, hosts) : undefined;
    return { index, host: host?.id, labels: host?.labels ?? {} };
  });
}

function drawnMember(chance: Chance, place: TaskPlace): StrategyMember {
  const runs = pickOne(chance, ['nothing', 'wanted', 'other', 'other'] as const);
  const isThere = runs === 'wanted' && chance.next() < 0.8;
  return { ...place, runs, isThere, isUnderWay: !isThere && chance.next() < 0.2 };
}

function factsOf(chance: Chance, members: readonly StrategyMember[], nowMs: number): StrategyFacts {
  return freeze({
    ...{ phase: 'trial', isGoingBack: false, members, nowMs },
    concurrency: 1 + pickBelow(chance, members.length),
  });
}

/** All the way down: whoever changes what it is handed throws. */
function freeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const part of Object.values(value)) freeze(part);
  }
  return value;
}

interface Said {
  readonly extras: number;
  readonly order: readonly TaskIndex[] | undefined;
  readonly step: StrategyStep | undefined;
  readonly down: readonly TaskIndex[];
}

function ask(chosen: ChosenStrategy, places: readonly TaskPlace[], facts: StrategyFacts): Result<Said, string> {
  const extras = checkedExtras(chosen, places.length);
  if (!extras.ok) return extras;
  const order = checkedOrder(chosen, freeze(places));
  if (!order.ok) return order;
  const step = checkedStep(chosen, facts);
  if (!step.ok) return step;
  const down = checkedDown(chosen, facts);
  if (!down.ok) return down;
  return ok({ extras: extras.value, order: order.value, step: step.value, down: down.value });
}

function namesWell(chosen: ChosenStrategy, chance: Chance, labels: Labels): string | undefined {
  const places = drawnPlaces(chance, labels);
  const members = places.map((place) => drawnMember(chance, place));
  const facts = factsOf(chance, members, 1_000_000);
  const said = ask(chosen, places, { ...facts, isGoingBack: chance.next() < 0.3 });
  return said.ok ? undefined : said.error;
}

function saysTheSame(chosen: ChosenStrategy, chance: Chance, labels: Labels): string | undefined {
  const places = drawnPlaces(chance, labels);
  const members = places.map((place) => drawnMember(chance, place));
  const facts = factsOf(chance, members, 1_000_000);
  const before = stableJson(facts);
  const answers = [1, 2, 3].map(() => stableJson(ask(chosen, places, facts)));
  if (stableJson(facts) !== before) return 'it changed the facts';
  return new Set(answers).size === 1
    ? undefined
    : `it says ${answers[0]}, then ${answers.find((one) => one !== answers[0])}`;
}

const mostSteps = 500;

/** Tasks come up after a while; some fail, until all is calm. */
function comesToItsEnd(chosen: ChosenStrategy, chance: Chance, labels: Labels): string | undefined {
  // A first deployment: nothing runs yet, and nobody is anywhere.
  const isFirst = chance.next() < 0.2;
  const runs = (isFirst ? 'nothing' : 'other') as StrategyMember['runs'];
  const members = drawnPlaces(chance, labels).map((place) => {
    const where = isFirst ? { index: place.index, host: undefined, labels: {} } : place;
    return { ...where, runs, isThere: false, isUnderWay: false };
  });
  const concurrency = 1 + pickBelow(chance, members.length);
  let nowMs = 1_000_000;
  for (let step = 0; step < mostSteps; step++, nowMs += 1000) {
    if (members.every(({ isThere }) => isThere)) return undefined;
    const facts = freeze({ phase: 'trial', isGoingBack: false, concurrency, nowMs, members: structuredClone(members) });
    const down = checkedDown(chosen, facts);
    const said = checkedStep(chosen, facts);
    const refusal = wrongOf(down) ?? wrongOf(said);
    if (refusal !== undefined) return refusal;
    const stays = new Set(down.ok ? down.value : []);
    const next =
      (said.ok ? said.value?.next : undefined) ?? members.filter((one) => !one.isThere).map(({ index }) => index);
    for (const one of members) {
      if (one.isUnderWay && chance.next() < 0.7)
        Object.assign(one, { isUnderWay: false, isThere: one.runs === 'wanted' });
      else if (stays.has(one.index) && one.runs === 'other') one.runs = 'nothing';
    }
    const busy = members.filter((one) => one.isUnderWay).length;
    const lot = next.filter((index) => !stays.has(index)).slice(0, Math.max(0, concurrency - busy));
    for (const one of members) {
      if (lot.includes(one.index) && !one.isUnderWay && !one.isThere)
        Object.assign(one, { isUnderWay: true, runs: 'wanted' });
      else if (step < 40 && chance.next() < 0.03 && !one.isUnderWay) {
        Object.assign(one, { isThere: false, runs: one.runs === 'wanted' ? 'nothing' : one.runs });
      }
    }
  }
  return `after ${mostSteps} questions ${members.filter(({ isThere }) => !isThere).length} tasks still wait`;
}

function wrongOf(answer: Result<unknown, string>): string | undefined {
  return answer.ok ? undefined : answer.error;
}

/** A job in the hand, whose engine has this strategy among its own. */
function jobWith({ strategy, settings }: ChosenStrategy, chance: Chance) {
  const size = 1 + pickBelow(chance, 9);
  const isDown = strategy.down !== undefined;
  const budget = isDown ? size : 1 + pickBelow(chance, size);
  const world = smallJob({ size, budget, hosts: 1 + pickBelow(chance, 5) });
  world.rules = { ...world.rules, strategies: new Map(ownStrategies).set('on-trial', strategy) };
  const counts = pickOne(chance, [[size], [1, size], [1, Math.ceil(size / 2), size]]);
  const plan = planOf(
    counts,
    { concurrency: { count: 1 + pickBelow(chance, size) } },
    {
      strategy: { plugin: 'on-trial', settings: settings as Record<string, never> },
    },
  );
  world.deploy(v1, { plan });
  const labels = new Map(world.state.inventory.hosts.map((host) => [host.id, host.labels]));
  const places = Array.from({ length: size }, (_, index): TaskPlace => {
    const host = world.state.tasks.get(index)!.current!.host;
    return { index, host, labels: labels.get(host) ?? {} };
  });
  const facts = { plan, places, budget: { count: budget }, isFirst: false };
  return { world, size, planned: plannedOf({ ...facts, strategies: world.rules.strategies }) };
}

function runsAsPlanned(chosen: ChosenStrategy, chance: Chance): string | undefined {
  const { world, size, planned } = jobWith(chosen, chance);
  if (planned.refusal !== undefined) return planned.refusal;
  const ended = settled(world);
  if (ended !== undefined) return ended;
  const { state, hold, phases } = world.rollout();
  if (state !== 'succeeded') return `the rollout is ${state}${hold === undefined ? '' : `: ${hold.reason}`}`;
  const started = phases.filter(({ members, passedBy }) => members.length > 0 && passedBy?.note !== 'it adds nobody');
  const real = stableJson(started.map(({ name, members }) => [name, members]));
  const said = stableJson(planned.phases.map(({ spec, members }) => [spec.name, members]));
  if (real !== said) return `its phases were ${real}, planned were ${said}`;
  return everybodyRuns(world, size, v1);
}

function goesBack(chosen: ChosenStrategy, chance: Chance): string | undefined {
  const { world, size } = jobWith(chosen, chance);
  const failsAt = chance.next();
  const ended = settled(world, () => {
    const there = [...world.state.tasks.values()].filter(({ current }) => current?.version === v1).length;
    if (world.rollout().state === 'running' && there > failsAt * (size - 1)) world.judge({ verdict: 'fail' });
  });
  if (ended !== undefined) return ended;
  const { state, hold } = world.rollout();
  if (state === 'reverted') return everybodyRuns(world, size, v0);
  // It may have passed before anything was found.
  return state === 'succeeded' ? undefined : `the rollout is ${state}${hold === undefined ? '' : `: ${hold.reason}`}`;
}

type World = ReturnType<typeof smallJob>;

function settled(world: World, meanwhile: () => void = () => {}): string | undefined {
  try {
    world.settle(() => {
      meanwhile();
      return false;
    });
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function everybodyRuns(world: World, size: number, version: string): string | undefined {
  const others = [...world.state.tasks.values()].filter(
    ({ index, current }) => index < size && (current?.version !== version || current.state !== 'serving'),
  );
  return others.length === 0 ? undefined : `${others.length} of ${size} tasks do not serve ${version} at the end`;
}

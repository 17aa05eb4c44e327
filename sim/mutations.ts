import { admit, isExtra, type TaskFacts } from '../src/disruption/index.ts';
import type { TaskController } from '../src/model/index.ts';
import { type Rules, standardRules } from '../src/rollout/index.ts';
import { scenarioOf, v0, v2 } from './scenario.ts';
import { type RunOptions, runDecisions } from './world.ts';

/** A decision broken on purpose: what the simulator has to see. Handed in; nothing in `src/` knows of it. */
export interface Mutation {
  readonly name: string;
  readonly broken: Partial<Rules>;
  /** Seen only with a service that has a say. */
  readonly controller?: RunOptions['controller'];
}

const { foldReport, outOf, place, proposeFor, readAnswer } = standardRules;

const recreate = standardRules.strategies.get('recreate')!;

const oneAtATime: TaskController = ({ request, inFlight }) => ({
  ack: inFlight.length === 0 ? request.slice(0, 1).map(({ opId }) => opId) : [],
});

const without = (tasks: Iterable<TaskFacts>, isForgotten: (task: TaskFacts) => boolean): TaskFacts[] =>
  [...tasks].filter((task) => !isForgotten(task));

export const mutations: readonly Mutation[] = [
  {
    name: 'the budget forgets tasks that were stopped for maintenance',
    broken: {
      outOf: (tasks, ops, hosts) =>
        outOf(
          without(tasks, (task) => task.current?.state === 'stopped'),
          ops,
          hosts,
        ),
    },
  },
  {
    name: 'a task that is to stay on a host under maintenance is moved away',
    broken: { proposeFor: (facts) => proposeFor({ ...facts, answer: 'move' }) },
  },
  {
    name: 'tasks are started on hosts under maintenance',
    broken: { place: (request, inventory) => place({ ...request, excluded: {} }, inventory) },
  },
  {
    name: 'the budget forgets failures',
    broken: { outOf: (_, operations, hosts) => outOf([], operations, hosts) },
  },
  {
    name: 'the budget forgets operations under way',
    broken: { outOf: (tasks, _, hosts) => outOf(tasks, [], hosts) },
  },
  {
    name: 'a suspected host counts as serving',
    broken: {
      outOf: (tasks, ops, hosts) => outOf(tasks, ops, (host) => (hosts(host) === 'suspected' ? 'up' : hosts(host))),
    },
  },
  {
    name: 'the budgets of racks and groups are forgotten',
    broken: { budgetParts: () => [] },
  },
  {
    name: 'extra tasks raise the budget whether they serve or not',
    broken: {
      servingExtras: (tasks) => new Set([...tasks].filter(({ index }) => isExtra(index)).map(({ index }) => index)),
    },
  },
  {
    name: 'extra tasks stop although others are out in their place',
    broken: {
      admit: (operation, facts) =>
        isExtra(operation.index)
          ? { admitted: true, exemption: undefined, stillOut: undefined }
          : admit(operation, facts),
    },
  },
  {
    name: 'rates are forgotten',
    broken: { rateLimit: () => ({ allowed: true, takes: [] }) },
  },
  {
    name: 'a rate looks at half of its period',
    broken: {
      rateLimit: (operation, facts) =>
        standardRules.rateLimit(operation, {
          ...facts,
          buckets: facts.buckets.map((one) => ({ ...one, limit: { ...one.limit, perMs: one.limit.perMs / 2 } })),
        }),
    },
  },
  {
    name: 'the budget rounds up',
    broken: { budgetInForce: (facts) => standardRules.budgetInForce(facts) + 1 },
  },
  {
    name: 'a resize takes the larger budget',
    broken: {
      budgetInForce: (facts) =>
        Math.max(
          standardRules.budgetInForce({ ...facts, resizingFrom: undefined }),
          standardRules.budgetInForce({ ...facts, size: facts.resizingFrom ?? facts.size, resizingFrom: undefined }),
        ),
    },
  },
  {
    name: 'a revert ignores the ledger',
    broken: {
      admit: (operation, facts) =>
        operation.kind === 'update' && operation.to === v0
          ? { admitted: true, exemption: undefined, stillOut: undefined }
          : admit(operation, facts),
    },
  },
  {
    name: 'an exemption forgets its precondition',
    broken: {
      admit: (operation, facts) => {
        const admission = admit(operation, facts);
        return admission.admitted ? { ...admission, stillOut: undefined } : admission;
      },
    },
  },
  {
    name: 'whatever starts is exempt',
    broken: {
      admit: (operation, facts) =>
        facts.task?.current?.state === 'starting'
          ? { admitted: true, exemption: 'still-out', stillOut: operation.incarnation }
          : admit(operation, facts),
    },
  },
  {
    name: 'a task that fails over takes the newest version',
    broken: {
      proposeFor: (facts) => {
        const proposal = proposeFor(facts);
        if (proposal.kind !== 'operate' || proposal.wanted.kind !== 'start') return proposal;
        return { ...proposal, wanted: { ...proposal.wanted, to: v2 } };
      },
    },
  },
  {
    name: 'a suspected host ends its operations',
    broken: {
      endByFacts: (operation, task, hosts) =>
        operation.host !== undefined && hosts(operation.host) === 'suspected'
          ? { state: 'cancelled', outcome: 'it took too long' }
          : standardRules.endByFacts(operation, task, hosts),
    },
  },
  {
    name: 'a late report is believed',
    broken: {
      foldReport: (task, report) => foldReport(task, { ...report, sequence: (task.current?.sequence ?? 0) + 1 }),
    },
  },
  {
    name: 'a superseded incarnation speaks for the task',
    broken: {
      foldReport: (task, report) => {
        const current = task.current;
        if (current === undefined || report.incarnation >= current.incarnation) return foldReport(task, report);
        const folded = foldReport(task, report);
        const old = folded.others.find((one) => one.incarnation === report.incarnation);
        return old === undefined ? folded : { ...folded, current: old };
      },
    },
  },
  {
    name: 'a revert goes back to a carrier',
    broken: {
      revertTargetOf: (lastGood, good, _, failed) => standardRules.revertTargetOf(lastGood, good, new Map(), failed),
    },
  },
  {
    name: 'newcomers take the new version whatever the phase allows',
    broken: {
      newcomerVersion: (facts) =>
        facts.rollout === undefined || facts.carriers.has(facts.rollout.to)
          ? standardRules.newcomerVersion(facts)
          : { version: facts.rollout.to, isTaken: true },
    },
  },
  {
    name: 'the first phase takes everybody',
    broken: { selectMembers: (_, places) => places.map((place) => place.index) },
  },
  {
    name: 'undecided passes',
    broken: {
      judgePhase: (rollout, phase, evidence, basic, nowMs) => {
        const judgement = standardRules.judgePhase(rollout, phase, evidence, basic, nowMs);
        return evidence?.verdict === 'undecided' ? { kind: 'pass', by: 'judge', note: 'nothing was seen' } : judgement;
      },
    },
  },
  {
    name: 'failing tasks go unnoticed',
    broken: { readBasicChecks: (facts) => ({ ...standardRules.readBasicChecks(facts), failing: [] }) },
  },
  {
    name: 'a failed task is never repaired',
    broken: {
      proposeFor: (facts) => (facts.task.current?.state === 'failed' ? { kind: 'settled' } : proposeFor(facts)),
    },
  },
  {
    name: 'a lost host is waited for',
    broken: {
      proposeFor: (facts) => {
        const current = facts.task.current;
        const isLost = current !== undefined && facts.hostStates(current.host) === 'lost';
        return isLost ? { kind: 'wait', untilMs: undefined, reason: 'It may come back.' } : proposeFor(facts);
      },
    },
  },
  {
    name: 'a superseded incarnation is left running',
    broken: {
      proposeFor: (facts) => {
        const proposal = proposeFor(facts);
        return proposal.kind === 'operate' && proposal.wanted.purpose === 'cleanup' ? { kind: 'settled' } : proposal;
      },
    },
  },
  {
    name: 'recreate stops and starts task by task',
    broken: { strategies: new Map(standardRules.strategies).set('recreate', { name: 'recreate' }) },
  },
  {
    name: 'recreate starts before the last one has stopped',
    broken: {
      strategies: new Map(standardRules.strategies).set('recreate', {
        name: 'recreate',
        down: (_, { members }) => members.filter(({ runs }) => runs === 'other').map(({ index }) => index),
      }),
    },
  },
  {
    name: 'a phase does not wait for the other job',
    broken: { barrierBefore: () => undefined },
  },
  {
    name: 'a rollout ends while the other job can still fail',
    broken: { barrierAtEnd: () => undefined },
  },
  {
    name: 'a rollout goes on although the other job goes back',
    broken: { failureOf: () => undefined },
  },
  {
    name: 'who rides out a maintenance is stopped all the same',
    broken: {
      proposeFor: (facts) => proposeFor({ ...facts, answer: facts.answer === 'ignore' ? 'hold' : facts.answer }),
    },
  },
  {
    name: 'recreate forgets the way back',
    broken: {
      strategies: new Map(standardRules.strategies).set('recreate', {
        name: 'recreate',
        down: (settings, facts) => (facts.isGoingBack ? [] : recreate.down!(settings, facts)),
      }),
    },
  },
  {
    name: 'a late answer of the controller is accepted',
    controller: oneAtATime,
    broken: {
      readAnswer: (control, answer, operations) =>
        readAnswer({ ...control, sequence: answer.sequence, isAwaited: true }, answer, operations),
    },
  },
  {
    name: 'acks for what was not asked are accepted',
    controller: (request) => ({ ...oneAtATime(request), ack: ['op_invented', ...oneAtATime(request).ack] }),
    broken: {
      // Whatever is acked stands for everything that waits.
      readAnswer: (control, answer, operations) => {
        const all = answer.reply && { ...answer.reply, ack: [...control.asked] };
        return readAnswer(control, { ...answer, reply: answer.reply?.ack.length ? all : answer.reply }, operations);
      },
    },
  },
  {
    name: 'the controller is asked for nothing',
    controller: oneAtATime,
    broken: { needsAck: () => false },
  },
];

export interface Caught {
  /** Runs it took; undefined: not caught in so many. */
  readonly runs: number | undefined;
  readonly by: string | undefined;
  readonly seed: number | undefined;
}

/** Runs scenarios with the broken decision until an invariant is seen broken. */
export function hunt(mutation: Mutation, from: number, limit: number): Caught {
  const rules: Rules = { ...standardRules, ...mutation.broken };
  for (let seed = from; seed < from + limit; seed++) {
    const by = whatIsSeen(seed, rules, mutation.controller);
    if (by !== undefined) return { runs: seed - from + 1, by, seed };
  }
  return { runs: undefined, by: undefined, seed: undefined };
}

function whatIsSeen(seed: number, rules: Rules, controller: RunOptions['controller']): string | undefined {
  try {
    return runDecisions(scenarioOf(seed), { rules, ...(controller && { controller }) }).violation?.invariant;
  } catch (error) {
    // An assertion of the decisions themselves is as good.
    return error instanceof Error ? error.name : 'error';
  }
}

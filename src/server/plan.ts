import type { JobPlan, PlanView, VersionRef } from '../api/index.ts';
import { type DriverBook, noDrivers, refuseDriver } from '../drivers/index.ts';
import type { Inventory } from '../fleet/index.ts';
import { type PhasePromise, promiseLines } from '../judge/index.ts';
import { digestOf, formatDuration } from '../kit/index.ts';
import {
  type ActionSpec,
  type Amount,
  type CheckSpec,
  fleetDriver,
  type GroupSpec,
  type JobId,
  type JobSpec,
  jobId,
  type Maintenance,
  type PhaseSpec,
  type PlannedJob,
  type PlanSpec,
  pluginDriver,
  type Rate,
  type ServiceSpec,
} from '../model/index.ts';
import {
  orderOfGroup,
  type PlannedPhase,
  type PlannedRollout,
  placeboBakeMs,
  placeboTasks,
  planOf,
  type StrategyBook,
  secondSetOf,
  type TaskPlace,
} from '../rollout/index.ts';

import { maintenanceNotes } from './planned-maintenance.ts';
import { roomNotes } from './planned-room.ts';

export type DeployAction = Extract<ActionSpec, { type: 'deploy' }>;

/** Everything a plan follows from. */
export interface PlanFacts {
  readonly spec: ServiceSpec;
  /** The job that it is of, with its own plan. */
  readonly job: PlannedJob;
  readonly environment: string;
  readonly commit: string;
  /** Where the tasks of the job are; before the first deployment nowhere. */
  readonly places: readonly TaskPlace[];
  readonly from: readonly VersionRef[];
  /** Live marks that the commit's version would carry, as sentences. */
  readonly marks: readonly string[];
  readonly hasHosts: boolean;
  /** Where tasks would find room; left out: nobody asks. */
  readonly inventory?: Inventory;
  /** Open ones; left out: none. */
  readonly maintenances?: readonly Maintenance[];
  /** Those that this server has. */
  readonly strategies: StrategyBook;
  readonly drivers?: DriverBook;
  /** What recent traffic lets each phase show, by name; empty: nothing was seen lately. */
  readonly promises: readonly PhasePromise[];
  /** Restart curves that are known of the job; left out: none. */
  readonly curves?: number;
  readonly nowMs: number;
}

/** A task is assumed to need this long from its start until it is ready, when nothing is known. */
const usualStartMs = 1500;

/** Exactly what a deploy would do: the same selection, rounding and gates as the rollout itself. Pure. */
export function decidePlan(facts: PlanFacts): JobPlan {
  const { spec, job, environment } = facts;
  const planned = planOf({
    plan: job.plan,
    places: facts.places,
    budget: job.spec.budget,
    isFirst: facts.from.length === 0,
    strategies: facts.strategies,
  });
  const { size, budget } = planned;
  const phases = planned.phases.map((phase) => phaseView(facts, phase));
  // Of what would happen, not of what runs now: the traffic changes all the time.
  const what = {
    job: jobId(spec.name, environment, job.job),
    service: spec.name,
    environment,
    commit: facts.commit,
    from: [...facts.from],
    size,
    budget,
    phases,
    limits: [
      ...placeboSentences(facts, size),
      ...driverSentences(job.spec),
      ...strategySentences(job.plan.strategy),
      ...surgeSentences(planned.extras),
      ...limitSentences(spec, job.spec),
    ],
  };
  return {
    ...what,
    hash: digestOf(what).slice(0, 16),
    phases: phases.map((phase) => ({ ...phase, shows: showsOf(facts, phase.name, planned) })),
    estimateMs: {
      least: phases.reduce((sum, phase) => sum + phase.estimateMs.least, 0),
      most: phases.reduce((sum, phase) => sum + phase.estimateMs.most, 0),
    },
    notes: notes(facts, planned),
    atMs: facts.nowMs,
  };
}

/** Old tasks that are restarted first: costs of theirs are told beforehand. */
function placeboSentences({ spec: { judge }, job, from, curves = 0 }: PlanFacts, size: number): string[] {
  if (from.length === 0 || judge.checks.length + (judge.guards ?? []).length === 0) return [];
  const tasks = placeboTasks({ placebo: judge.placebo, size, budget: job.spec.budget, curves });
  if (tasks.length === 0) return [];
  const who = tasks.length === 1 ? `Task ${tasks[0]} is` : `Tasks ${tasks.join(', ')} are`;
  const time = formatDuration(placeboBakeMs(job.plan));
  return [
    `${who} restarted on the old version first, within the budget, and looked at for ${time}: what a restart alone does (judge.placebo).`,
  ];
}

function driverSentences({ driver }: JobSpec): string[] {
  if (typeof driver !== 'object') return [];
  const settings = Object.keys(driver.settings).length === 0 ? '' : ` (${JSON.stringify(driver.settings)})`;
  return [`The driver ${driver.plugin}${settings} runs the tasks; it is a plug-in of this server.`];
}

/** The same that would hold its rollout. */
function driverNotes({ drivers = noDrivers, job: { spec, plan } }: PlanFacts, { extras }: PlannedRollout): string[] {
  if (typeof spec.driver !== 'object') return [];
  const { plugin, settings } = spec.driver;
  const refusal = refuseDriver(drivers, pluginDriver(plugin, '' as JobId), settings, {
    surge: extras > 0 && typeof plan.strategy === 'object',
  });
  const [first, ...rest] = [...drivers.keys()];
  const has = first === undefined ? 'it has none' : `it has ${[first, ...rest].join(', ')}`;
  if (refusal !== undefined && !drivers.has(plugin))
    return [`This server has no driver ${plugin}; ${has}. A deployment would be held at once.`];
  return refusal === undefined ? [] : [`${refusal} A deployment would be held at once.`];
}

function strategySentences(strategy: PlanSpec['strategy']): string[] {
  if (typeof strategy === 'object' && 'blueGreen' in strategy) {
    const { checkMs, keepOldMs } = strategy.blueGreen;
    return [
      `A whole second set comes up beside the first and serves for ${formatDuration(checkMs)} out of traffic; then all traffic is switched to it at once.`,
      `The first set stays as it is for ${formatDuration(keepOldMs)}: going back until then is a switch. Then it gets the new version too, and the second set goes.`,
    ];
  }
  if (strategy === 'recreate') return ['All tasks of a phase stop before any of them starts again.'];
  if (typeof strategy !== 'object' || !('plugin' in strategy)) return [];
  const settings = Object.keys(strategy.settings).length === 0 ? '' : ` (${JSON.stringify(strategy.settings)})`;
  return [`The strategy ${strategy.plugin}${settings} says which tasks are next; it is a plug-in of this server.`];
}

/** A job of several, with its plan as written and as it would be. */
export interface NamedPlan {
  readonly name: string;
  readonly plan: PlanSpec;
  readonly view: JobPlan;
}

/** The plans of all jobs of an environment, in the order in which the barrier lets their phases begin. Pure. */
export function decideTogether(group: GroupSpec, jobs: readonly NamedPlan[]): PlanView {
  const timed = (bound: 'least' | 'most') =>
    orderOfGroup(
      group,
      jobs.map(({ name, plan, view }) => ({
        name,
        phases: plan.phases.map((spec) => {
          const planned = view.phases.find((phase) => phase.name === spec.name);
          return { name: spec.name, tookMs: planned?.estimateMs[bound] ?? 0 };
        }),
      })),
    );
  const [least, most] = [timed('least'), timed('most')];
  const order = least.map(({ job, phase, after, startsMs }) => {
    const latest = most.find((one) => one.job === job && one.phase === phase);
    return { job, phase, after: [...after], startsMs: { least: startsMs, most: latest?.startsMs ?? startsMs } };
  });
  const { waves, barrier } = group;
  const views = jobs.map(({ name, view }) => ({ ...view, name }));
  const first = views[0]!;
  const endOf = (phases: readonly { readonly endsMs: number }[]) => Math.max(0, ...phases.map(({ endsMs }) => endsMs));
  return {
    ...first,
    hash: digestOf({ waves, barrier, plans: views.map(({ hash }) => hash) }).slice(0, 16),
    estimateMs: { least: endOf(least), most: endOf(most) },
    notes: [...new Set(views.flatMap(({ notes: own }) => own))],
    together: { barrier, waves, jobs: views, order },
  };
}

function surgeSentences(extras: number): string[] {
  if (extras === 0) return [];
  return [
    `Borrows ${extras} extra ${extras === 1 ? 'task' : 'tasks'} of the version of before; each that serves raises the budget by one.`,
  ];
}

/** What limits it beside the budget of the job. */
function limitSentences({ name, rates }: ServiceSpec, job: JobSpec): string[] {
  const found: string[] = [];
  const each = (amount: Amount): string => ('count' in amount ? `${amount.count}` : `${amount.percent} %`);
  for (const [label, amount] of Object.entries(job.budgetPerDomain)) {
    found.push(`Of the tasks on hosts with the same ${label}, at most ${each(amount)} may be out.`);
  }
  const group = job.budgetPerGroup;
  if (group !== null) {
    const which = typeof group.groups === 'number' ? `group of ${group.groups} neighbours` : 'listed group of tasks';
    found.push(`Of each ${which}, at most ${group.max} may be out.`);
  }
  const pace = ({ count, perMs }: Rate): string => `${count} per ${formatDuration(perMs)}`;
  if (rates.service !== null) found.push(`Tasks of ${name} are taken out at most at ${pace(rates.service)}.`);
  for (const [label, rate] of Object.entries(rates.perDomain)) {
    found.push(`Of those on hosts with the same ${label}, at most at ${pace(rate)}.`);
  }
  return found;
}

/** The first tasks go at once; each further lot has to wait a period. */
function leastAtRate(rate: Rate | null, adds: number): number {
  return rate === null ? 0 : Math.floor((adds - 1) / rate.count) * rate.perMs;
}

function phaseView(
  { spec, places, from, job: { plan: own } }: PlanFacts,
  planned: PlannedPhase,
): Omit<JobPlan['phases'][number], 'shows'> {
  const { spec: phase, members, adds, concurrency, batches, servingAtLeast } = planned;
  const isFirst = from.length === 0;
  const startsOnly = isFirst || planned.isBeside === true;
  const checkMs = planned.isBeside === true ? (secondSetOf(own)?.checkMs ?? 0) : 0;
  const { drainMs, stop, ready } = spec.task;
  const stopMs = startsOnly ? 0 : drainMs;
  const pacedMs = startsOnly ? 0 : leastAtRate(spec.rates.service, adds);
  return {
    name: phase.name,
    members: [...members],
    adds,
    concurrency,
    servingAtLeast,
    of: places.length,
    gates: gatesOf(spec, phase),
    onFail:
      typeof phase.onFail === 'string'
        ? phase.onFail
        : `hold, then revert after ${formatDuration(phase.onFail.holdThenRevertAfterMs)}`,
    onUndecided:
      phase.onUndecided ?? 'proceed when the promised power was reached or nothing can be measured, else hold',
    estimateMs: {
      least: Math.max(pacedMs, batches * (stopMs + usualStartMs)) + checkMs + phase.minBakeMs,
      most:
        checkMs + pacedMs + batches * (stopMs + (startsOnly ? 0 : stop.graceMs) + ready.deadlineMs) + phase.maxBakeMs,
    },
    notes: phaseNotes(planned, isFirst),
  };
}

function phaseNotes(planned: PlannedPhase, isFirst: boolean): string[] {
  const { adds, atOnce, concurrency, stopsAll, usual } = planned;
  if (isFirst) return [];
  if (planned.isBeside)
    return [`${adds} more tasks, which need room beside those that serve; no traffic until the switch.`];
  if (stopsAll)
    return [`${adds === 1 ? 'Its task stops' : `Its ${adds} tasks all stop`} before the new version starts.`];
  if (usual < concurrency) return [`The budget allows ${usual} at a time; the phase would allow ${concurrency}.`];
  return atOnce < usual ? [`The strategy takes ${atOnce} at a time at most.`] : [];
}

/** What the judge will be able to see in this phase, in words. */
function showsOf({ spec, from, promises }: PlanFacts, phase: string, { phases }: PlannedRollout): string[] {
  if (from.length === 0 || spec.judge.checks.length === 0) return [];
  if (phases.some(({ spec: one, isBeside }) => one.name === phase && isBeside === true))
    return ['after the switch errors and latencies are held against what the first set showed before it'];
  const promise = promises.find((one) => one.phase === phase);
  if (!promise) return ['nothing was seen of this service lately: what its traffic can show is not known'];
  return promiseLines(promise);
}

function gatesOf(spec: ServiceSpec, phase: PhaseSpec): string[] {
  const gates = [`every member ready within ${formatDuration(spec.task.ready.deadlineMs)}, no restarts`];
  if (phase.minBakeMs > 0) gates.push(`at least ${formatDuration(phase.minBakeMs)} on the new version`);
  if (phase.maxBakeMs > 0) {
    for (const check of spec.judge.checks) {
      gates.push(`${check.name}: ${gateOf(check)}, within ${formatDuration(phase.maxBakeMs)}`);
    }
  }
  for (const { service, trust } of spec.judge.neighbours ?? []) {
    if (trust !== 'observe') gates.push(`${service}: its own checks against its own past; damage there: ${trust}`);
  }
  return gates;
}

/** `, and what the fleet sees of its tasks by itself (cpu, memory)` */
function guardsIn({ judge: { guards = [] } }: ServiceSpec): string {
  const names = guards.flatMap(({ name, trust }) => (trust === 'observe' ? [] : [name]));
  return names.length === 0 ? '' : `, and what the fleet sees of its tasks by itself (${names.join(', ')})`;
}

/** What a check asks of new tasks. */
function gateOf({ against, limit, margin, metric, worse }: CheckSpec): string {
  if ('kayenta' in metric) return `Kayenta score at least ${metric.kayenta.pass} of 100 at the end`;
  const most = worse === 'higher' ? 'at most' : 'at least';
  if (against === 'trend') return `grows by at most ${percentOf(limit ?? 0)} an hour`;
  if (against === 'limit') {
    if ('errorRatio' in metric) return `at most ${percentOf(limit ?? 0)} of requests fail`;
    if ('latency' in metric) return `p${metric.latency.quantile * 100} at most ${formatDuration((limit ?? 0) * 1000)}`;
    return `${most} ${limit}`;
  }
  return `new against ${against === 'old' ? 'old' : 'before'}, at most ${percentOf(margin)} worse`;
}

function percentOf(share: number): string {
  return `${Number((share * 100).toPrecision(3))} %`;
}

/** For tasks that start beside those that there are. */
function roomFor({ spec, job, environment, from, hasHosts, inventory }: PlanFacts, planned: PlannedRollout): string[] {
  const id = jobId(spec.name, environment, job.job);
  const { driver = fleetDriver, hosts: hostLabels } = job.spec;
  const isFirst = from.length === 0;
  // A plug-in names its hosts when the job is there.
  if (!hasHosts || inventory === undefined || (isFirst && typeof driver === 'object')) return [];
  const beside = planned.phases.find(({ isBeside }) => isBeside === true)?.adds ?? planned.extras;
  return roomNotes(
    {
      ...{ job: id, needs: spec.task.resources, hostLabels, tasks: isFirst ? planned.size : beside, isFirst },
      driver: typeof driver === 'object' ? pluginDriver(driver.plugin, id) : driver,
    },
    inventory,
  );
}

function notes(facts: PlanFacts, planned: PlannedRollout): string[] {
  const { spec, job, from, marks, hasHosts, maintenances = [], places } = facts;
  const { plan, spec: own } = job;
  const { size, budget, extras, refusal } = planned;
  const found: string[] = [...marks, ...driverNotes(facts, planned)];
  if (refusal !== undefined) found.push(`${refusal} A deployment would be held at once.`);
  if (from.length === 0) found.push('First deployment: there is nothing to compare with and nothing to go back to.');
  if (size === 1 && from.length > 0) {
    const outMs = spec.task.drainMs + usualStartMs;
    found.push(`This job has one task: it will be out for about ${formatDuration(outMs)}.`);
  }
  if (budget === 0 && extras === 0 && from.length > 0)
    found.push('The budget is 0: nothing may be out; borrow extra tasks (`strategy: { surge: 1 }`).');
  if (spec.judge.checks.length === 0) found.push(`No metrics: basic checks only${guardsIn(spec)}.`);
  else if (spec.judge.checks.every(({ class: of }) => of === 'system'))
    found.push('No check looks at what users notice (errors, latency, a number of the business): only at machines.');
  if (plan.forwardOnly) found.push('Forward-only: a failure holds for a person, nothing is undone by itself.');
  found.push(...maintenanceNotes(maintenances, places, own.onMaintenance));
  found.push(...roomFor(facts, planned));
  // A driver of a plug-in is opened when the job is there, and names its hosts then.
  const isNew = typeof own.driver === 'object' && from.length === 0;
  if (!hasHosts && !isNew) found.push('No host is up: nothing would start.');
  return found;
}

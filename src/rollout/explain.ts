import {
  budgetParts,
  isHeard,
  type LedgerOperation,
  limitRates,
  type RateAnswer,
  type TaskFacts,
} from '../disruption/index.ts';
import { formatDuration } from '../kit/index.ts';
import { hasProcess, isUnderWay, type Rollout } from '../model/index.ts';
import { barrierAtEnd, barrierBefore, failureOf } from './barrier.ts';
import { underMaintenance, waitEnds, waitSentence } from './explain-maintenance.ts';
import { explainSet } from './explain-set.ts';
import { placeboOf } from './placebo.ts';
import type { JobState } from './state.ts';
import { legalCommands } from './transitions.ts';

/** What will end a wait. */
export type Unblocker =
  | { readonly kind: 'person'; readonly commands: readonly string[] }
  | { readonly kind: 'time'; readonly atMs: number }
  | { readonly kind: 'agent'; readonly host: string }
  | { readonly kind: 'host'; readonly host: string }
  | { readonly kind: 'judge' }
  | { readonly kind: 'controller' }
  | { readonly kind: 'rollout'; readonly rollout: string }
  | { readonly kind: 'task'; readonly index: number };

export interface Explanation {
  /** The first blocking condition, in one sentence. */
  readonly sentence: string;
  /** What to expect next, in words. */
  readonly next: string;
  readonly unblocker: Unblocker;
}

/** Why a live rollout is not moving at this moment, and what will move it (liveness L2). */
export function explainRollout(state: JobState, rollout: Rollout, nowMs: number): Explanation {
  const commands = legalCommands(rollout);
  if (rollout.state === 'held' && rollout.hold !== undefined) {
    const { reason, then } = rollout.hold;
    const ways = commands.filter((command) => command !== 'pause').join(', ');
    if (then !== undefined) {
      return explained(`It is held: ${reason}`, `it will ${then.do} by itself`, { kind: 'time', atMs: then.atMs });
    }
    return explained(`It is held: ${reason}`, `a person can ${ways}`, { kind: 'person', commands });
  }
  const barred = explainBarrier(rollout, state.others ?? new Map());
  if (barred !== undefined) return barred;
  if (rollout.state === 'waiting') {
    const active = state.rollouts.find((one) => one.state !== 'waiting' && one.id !== rollout.id);
    const placebo = placeboOf(state.rollouts, rollout);
    if (placebo !== undefined && (active === undefined || active.id === placebo.id)) return explainPlacebo(placebo);
    const who = active?.id ?? 'another rollout';
    return explained(`${who} has the job.`, `it starts when ${who} has ended`, { kind: 'rollout', rollout: who });
  }
  return (
    explainMoving(state, rollout, nowMs) ??
    explainSet(state, rollout, nowMs) ??
    explainResize(state, rollout) ??
    explainJudging(state, rollout, nowMs)
  );
}

/** Old tasks are restarted first; a task of theirs that does not come back says nothing of the new version. */
function explainPlacebo({ id, state, hold }: Rollout): Explanation {
  const isOver = { kind: 'rollout', rollout: id } as const;
  if (state === 'held') {
    const sentence = `Its placebo restarts (${id}) are held, and nothing new was touched: ${hold?.reason ?? ''}`.trim();
    return explained(sentence, `a person resumes ${id}, or aborts it to go on without`, isOver);
  }
  const sentence = `Some old tasks are restarted before it (${id}), to see what a restart alone does.`;
  return explained(sentence, `it starts when ${id} has ended`, isOver);
}

/** It stands at a barrier: before its first phase, between two, or at its end. */
export function explainBarrier(rollout: Rollout, others: NonNullable<JobState['others']>): Explanation | undefined {
  const { group, phases, currentPhase } = rollout;
  const isBetween = rollout.state === 'running' && phases[currentPhase]?.state === 'passed';
  if (group === undefined || (rollout.state !== 'waiting' && !isBetween)) return undefined;
  const next = rollout.state === 'waiting' ? 0 : currentPhase + 1;
  const isAtEnd = rollout.state !== 'waiting' && next >= phases.length;
  const failure = failureOf(rollout, others);
  if (failure !== undefined) {
    const sentence = `It waits, because ${failure.sentence}`;
    const who = group.members.find(({ name }) => name === failure.job)?.rollout ?? failure.job;
    return explained(sentence, `${failure.job} goes on or goes back`, { kind: 'rollout', rollout: who });
  }
  const wait = isAtEnd ? barrierAtEnd(rollout, others) : barrierBefore(rollout, next, others);
  if (wait === undefined) return undefined;
  const name = (phases.length === 0 ? rollout.plan.phases : phases)[next]?.name;
  const sentence = isAtEnd
    ? `${group.name} is through, and stays with the other jobs: ${wait.sentence}`
    : `${group.name} waits before its phase ${name}: ${wait.sentence}`;
  if (wait.isStuck) {
    const commands = legalCommands(rollout).filter((command) => command !== 'pause');
    return explained(sentence, `a person can ${commands.join(', ')}`, { kind: 'person', commands });
  }
  const what = wait.phase === undefined ? `${wait.job} is through` : `${wait.job} passes ${wait.phase}`;
  return explained(sentence, what, { kind: 'rollout', rollout: wait.rollout });
}

/** What an ended rollout is still watched for, and what ends that; undefined: it is over. */
export function explainWatched({ watch, job }: Rollout, nowMs: number): Explanation | undefined {
  if (watch?.state === 'watching') {
    const left = formatDuration(Math.max(0, watch.untilMs - nowMs));
    const sentence = `${job} is watched for slow regressions for another ${left}; nothing was found so far.`;
    return explained(sentence, 'it ends by itself; the next release does not wait for it', {
      kind: 'time',
      atMs: watch.untilMs,
    });
  }
  if (watch?.state !== 'failing') return undefined;
  const sentence = `After the last phase it was found bad: ${watch.note ?? ''}`.trim();
  const next = 'its tasks go back when the rollout that has the job now has ended';
  return explained(sentence, next, { kind: 'rollout', rollout: job });
}

function explainMoving(state: JobState, rollout: Rollout, nowMs: number): Explanation | undefined {
  const hosts = new Map(state.inventory.hosts.map((host) => [host.id, host.state]));
  for (const operation of state.operations) {
    if (operation.admittedAtMs === undefined || !isUnderWay(operation.state)) continue;
    const host = operation.host as string;
    const hostState = hosts.get(host) ?? 'fenced';
    const since = formatDuration(nowMs - operation.admittedAtMs);
    const sentence = `The ${operation.kind} of task ${operation.index} on ${host} is ${operation.state} since ${since}.`;
    if (isHeard(hostState)) return explained(sentence, `${host} reports its end`, { kind: 'agent', host });
    return explained(`${sentence} ${host} is ${hostState}.`, `${host} is heard again, or replaced`, {
      kind: 'host',
      host,
    });
  }
  const blocked = state.operations.find((one) => one.rollout === rollout.id && one.state === 'blocked');
  if (blocked !== undefined) return explainBlocked(state, blocked, nowMs);
  return explainTasks(state, rollout, nowMs, hosts);
}

function explainBlocked(state: JobState, operation: LedgerOperation, nowMs: number): Explanation {
  const why = operation.blockedBy ?? 'It waits.';
  const sentence = `The ${operation.kind} of task ${operation.index} is blocked: ${why}`;
  if (state.job.taskControl !== undefined && operation.isAsked === true && operation.ackedAtMs === undefined) {
    const next = 'it acks, or two persons go on without it: `rollway override-controller`, `rollway confirm-override`';
    return explained(sentence, next, { kind: 'controller' });
  }
  const rate = rateNow(state, operation, nowMs);
  if (why.startsWith('The rate') && !rate.allowed) {
    const next = `the next may be taken out in ${formatDuration(rate.atMs - nowMs)}`;
    return explained(sentence, next, { kind: 'time', atMs: rate.atMs });
  }
  const out = outIn(state, why);
  if (why.includes('budget') && out !== undefined) {
    const since = formatDuration(nowMs - (out.outSinceMs ?? nowMs));
    const next = `task ${out.index} (out for ${since}) serves again, or a person raises the budget`;
    return explained(sentence, next, { kind: 'task', index: out.index });
  }
  return explained(sentence, 'this ends by itself, or a person raises the budget or aborts', {
    kind: 'person',
    commands: ['raise-budget', 'abort'],
  });
}

/** A task that is out and fills the budget that is used up: of the part that the sentence names, if it names one. */
function outIn({ job, tasks, inventory }: JobState, why: string): TaskFacts | undefined {
  const labels = new Map(inventory.hosts.map((host) => [host.id, host.labels]));
  const facts = {
    ...job.limits,
    size: job.size,
    tasks: tasks.values(),
    labelsOf: (host: string) => labels.get(host) ?? {},
  };
  const part = budgetParts(facts).find(({ name }) => why.includes(` for ${name} `));
  return tasks
    .values()
    .find((one) => one.outSinceMs !== undefined && one.servedOnce && (part?.members.has(one.index) ?? true));
}

function rateNow({ buckets, tasks, inventory }: JobState, operation: LedgerOperation, nowMs: number): RateAnswer {
  const host = tasks.get(operation.index)?.current?.host;
  const labels = inventory.hosts.find((one) => one.id === host)?.labels ?? {};
  return limitRates(operation, { nowMs, buckets, labels });
}

function explainTasks(
  state: JobState,
  rollout: Rollout,
  nowMs: number,
  hosts: ReadonlyMap<string, string>,
): Explanation | undefined {
  const phase = rollout.phases[rollout.currentPhase];
  if (rollout.state === 'running' && phase?.state === 'judging') return undefined;
  for (const row of state.assignment.values()) {
    if (row.rollout !== rollout.id) continue;
    const task = state.tasks.get(row.index);
    const current = task?.current;
    if (current === undefined || task === undefined) continue;
    if (current.version === row.version && current.state === 'serving') continue;
    const maintained = underMaintenance(state, row.index, nowMs);
    if (maintained?.waitsUntilMs !== undefined) {
      const unblocker: Unblocker = { kind: 'time', atMs: maintained.waitsUntilMs };
      return explained(waitSentence(maintained), waitEnds(maintained, nowMs), unblocker);
    }
    if (task.notBeforeMs > nowMs) {
      const next = `the next try in ${formatDuration(task.notBeforeMs - nowMs)}`;
      return explained(`Task ${row.index} failed ${task.failedTries} times.`, next, {
        kind: 'time',
        atMs: task.notBeforeMs,
      });
    }
    const waits = current.state === 'stopped' && current.version !== row.version;
    const stops = waits ? explainStops(state, rollout, hosts, row.index) : undefined;
    if (stops !== undefined) return stops;
    const hostState = hosts.get(current.host) ?? 'fenced';
    const sentence = `Task ${row.index} is ${current.state} on ${current.host} (${hostState}).`;
    const unblocker: Unblocker =
      hostState === 'up' ? { kind: 'task', index: row.index } : { kind: 'host', host: current.host };
    return explained(sentence, 'it serves again, or is replaced', unblocker);
  }
  return undefined;
}

/** Its strategy stops all before any of them starts: one that has stopped waits for those that still live. */
function explainStops(
  { assignment, tasks }: JobState,
  rollout: Rollout,
  hosts: ReadonlyMap<string, string>,
  stopped: number,
): Explanation | undefined {
  for (const row of assignment.values()) {
    const current = tasks.get(row.index)?.current;
    if (row.rollout !== rollout.id || current === undefined || current.version === row.version) continue;
    const hostState = hosts.get(current.host) ?? 'fenced';
    const { host } = current;
    if (!hasProcess(current.state) || hostState === 'fenced' || hostState === 'lost') continue;
    const sentence = `Task ${stopped} has stopped, and starts when task ${row.index} on ${host} (${hostState}) has stopped too.`;
    const isHere = hostState === 'up' || hostState === 'leaving';
    const next = isHere ? `task ${row.index} stops` : `${host} is heard again, or lost`;
    return explained(sentence, next, isHere ? { kind: 'task', index: row.index } : { kind: 'host', host });
  }
  return undefined;
}

/** Its phase has not begun, and nothing else is said of it: a strategy that takes everybody down waits for a resize. */
function explainResize({ job, tasks }: JobState, rollout: Rollout): Explanation | undefined {
  const phase = rollout.phases[rollout.currentPhase];
  if (rollout.state !== 'running' || phase?.state !== 'waiting' || job.resizingFrom === undefined) return undefined;
  const serving = tasks.values().filter(({ index, servedOnce }) => servedOnce && index < job.size);
  const sentence = `The job is being resized from ${job.resizingFrom} to ${job.size} tasks (${[...serving].length} are there).`;
  const next = `${phase.name} begins when that is through, or a person raises the budget of the rollout`;
  return explained(sentence, next, { kind: 'person', commands: ['raise-budget', 'abort'] });
}

function explainJudging(state: JobState, rollout: Rollout, nowMs: number): Explanation {
  const phase = rollout.phases[rollout.currentPhase];
  const evidence = state.evidence.get(rollout.id);
  const untilMs = (phase?.updatedAtMs ?? nowMs) + Math.max(phase?.minBakeMs ?? 0, phase?.maxBakeMs ?? 0);
  const said = evidence?.phase === rollout.currentPhase ? ` ${evidence.sentence}` : '';
  const sentence = `Phase ${phase?.name ?? '?'} bakes.${said}`;
  if (untilMs > nowMs) {
    const next = `it is decided in ${formatDuration(untilMs - nowMs)} at the latest`;
    return explained(sentence, next, { kind: 'time', atMs: untilMs });
  }
  return explained(sentence, 'the judge’s last look', { kind: 'judge' });
}

function explained(sentence: string, next: string, unblocker: Unblocker): Explanation {
  return { sentence, next, unblocker };
}

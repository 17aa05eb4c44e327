import { formatDuration } from '../kit/index.ts';
import { isUnderWay, type MaintenanceAnswer, type TaskIndex } from '../model/index.ts';
import { answerFor, departuresOf, holdFromMs, silentUntilMs, waitsUntilMs } from './maintenance.ts';
import type { Departure } from './propose.ts';
import type { JobState } from './state.ts';

/** A task on a host under maintenance: what becomes of it there, and what it waits for. */
export interface TaskUnderMaintenance {
  readonly index: TaskIndex;
  readonly host: string;
  readonly departure: Departure;
  readonly answer: MaintenanceAnswer;
  /** It does not serve, and waits until then for its host. */
  readonly waitsUntilMs: number | undefined;
  /** When it is stopped although it could go on; undefined: it is moved, or rides it out. */
  readonly stopsAtMs: number | undefined;
}

export function underMaintenance(state: JobState, index: TaskIndex, nowMs: number): TaskUnderMaintenance | undefined {
  const current = state.tasks.get(index)?.current;
  const departure = current && departuresOf(state.inventory.hosts, state.outages, nowMs).now.get(current.host);
  if (current === undefined || departure?.cause !== 'maintenance') return undefined;
  const answer = answerFor(state.job, state.control, departure, index);
  const spec = state.versions.get(current.version)?.task;
  const stopMs = (spec?.drainMs ?? 0) + (spec?.stop.graceMs ?? 0);
  const facts = { departure, answer, stopMs, nowMs };
  const isDown = current.state === 'stopped' || current.state === 'failed';
  const host = state.inventory.hosts.find(({ id }) => id === current.host);
  const ridesItOut = answer === 'ignore' && departure.work?.hostsStayUp === true;
  const stopsAtMs = answer === 'hold' ? holdFromMs(departure, stopMs) : departure.deadlineAtMs;
  return {
    index,
    host: current.host,
    departure,
    answer,
    waitsUntilMs: host?.state === 'lost' ? silentUntilMs(facts) : isDown ? waitsUntilMs(facts) : undefined,
    stopsAtMs: ridesItOut ? undefined : stopsAtMs,
  };
}

/** `Task 3 waits for host-1, which is in maintenance (new disks).` */
export function waitSentence({ index, host, departure }: TaskUnderMaintenance): string {
  const why = departure.work === undefined ? '' : ` (${departure.work.reason})`;
  return `Task ${index} waits for ${host}, which is in maintenance${why}.`;
}

/** What ends that wait, in words. */
export function waitEnds({ departure, waitsUntilMs }: TaskUnderMaintenance, nowMs: number): string {
  const by = departure.work === undefined ? 'it is ended' : `\`rollway maintenance end ${departure.work.maintenance}\``;
  return `${by} brings it back; in ${formatDuration((waitsUntilMs ?? nowMs) - nowMs)} it starts elsewhere`;
}

/** What becomes of a task that is still there, in one sentence. */
export function maintainedSentence(state: JobState, task: TaskUnderMaintenance, nowMs: number): string {
  const { index, answer, stopsAtMs, departure } = task;
  if (task.waitsUntilMs !== undefined) return `It is to come back here: ${waitEnds(task, nowMs)}.`;
  const operation =
    state.operations.find((one) => one.index === index && one.rollout === undefined) ??
    state.operations.find((one) => one.index === index);
  if (operation !== undefined && isUnderWay(operation.state)) return `Its ${operation.kind} is ${operation.state}.`;
  const isLeaving = operation?.kind === 'move' || operation?.kind === 'stop';
  const deadline =
    departure.deadlineAtMs === undefined
      ? ''
      : ` At the deadline, ${inTime(departure.deadlineAtMs, nowMs)}, it is stopped all the same.`;
  if (isLeaving && operation.blockedBy !== undefined)
    return `Its ${operation.kind} waits: ${operation.blockedBy}${deadline}`;
  if (stopsAtMs === undefined) return 'It rides it out: the work leaves its process alone.';
  if (answer === 'ignore') return `It goes on until the deadline, and is stopped then, ${inTime(stopsAtMs, nowMs)}.`;
  if (answer === 'hold') return `It is stopped ${inTime(stopsAtMs, nowMs)}, and comes back here when the work is over.`;
  return `It is to be moved.${deadline}`;
}

function inTime(atMs: number, nowMs: number): string {
  return atMs <= nowMs ? 'now' : `in ${formatDuration(atMs - nowMs)}`;
}

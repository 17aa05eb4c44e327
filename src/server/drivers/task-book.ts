import { setTimeout as sleep } from 'node:timers/promises';
import type { DriverObservation, OpenDriver, TaskChange, TaskSteps } from '../../drivers/index.ts';
import type { JobId, OperationOutcome } from '../../model/index.ts';
import { TaskMemories, type TaskMemory } from './task-memory.ts';
import { inWords } from './within.ts';

const lookMs = 300;
const retryMs = 1000;

/** A driver whose memory is kept for it; see `DriverContext.openTaskBook`. */
export function openTaskBook(folder: string, job: JobId, steps: TaskSteps, log: (line: string) => void): OpenDriver {
  const { name: host, address } = steps.host;
  const memories = new TaskMemories(folder, job);
  const memoryOf = (index: number) => memories.of(index, host, address);
  const closing = new AbortController();
  const working = new Map<number, Promise<void>>();
  let deliver: ((observation: DriverObservation) => Promise<void>) | undefined;
  let revision = 0;

  /** On disk first, then told; with an outcome, because an operation ended. */
  const tell = (index: number, change: TaskChange, operation?: OperationOutcome): void => {
    const known = memoryOf(index);
    const { incarnation: old, state } = known.report;
    // The one before has an end of its own: discovery keeps what nobody says has stopped.
    const isReplaced = old > 0 && (change.incarnation ?? 0) > old && state !== 'stopped' && state !== 'failed';
    if (isReplaced) tell(index, { state: 'stopped', ports: {} });
    known.report = { ...known.report, ...change, sequence: known.report.sequence + 1, atMs: Date.now() };
    known.highestIncarnation = Math.max(known.highestIncarnation, known.report.incarnation);
    const told = operation === undefined ? known.report : { ...known.report, operation };
    if (operation !== undefined) {
      known.untold.push(told);
      known.operations[operation.id] = 'ended';
      known.queue.shift();
    }
    memories.save(index);
    // What is not written down there is told again with the next snapshot.
    const observation: DriverObservation = { kind: 'delta', host, revision: ++revision, tasks: [told] };
    void deliver?.(observation).then(
      () => forget(observation),
      () => undefined,
    );
  };

  const forget = (observation: DriverObservation): void => {
    if (observation.kind !== 'snapshot' && observation.kind !== 'delta') return;
    const told = new Set(observation.tasks.map((task) => `${task.index}/${task.sequence}`));
    for (const [index, known] of memories.list()) {
      const untold = known.untold.filter(({ sequence }) => !told.has(`${index}/${sequence}`));
      if (untold.length === known.untold.length) continue;
      known.untold = untold;
      memories.save(index);
    }
  };

  const runFirst = async (index: number): Promise<void> => {
    const known = memoryOf(index);
    const first = known.queue[0]!;
    const { request } = first;
    const isBegun = first.isBegun === true;
    const refusal = isBegun ? undefined : refusalOf(first, known);
    if (refusal !== undefined) return tell(index, {}, refusal);
    const task = {
      get report() {
        return known.report;
      },
      tell(change: TaskChange) {
        if (request.version !== undefined && change.incarnation === request.nextIncarnation) first.isBegun = true;
        tell(index, change);
      },
      isBegun,
    };
    const { outcome, reason, ...change } = await steps.run(request, task, closing.signal);
    closing.signal.throwIfAborted();
    tell(index, change, { id: request.id, outcome, ...(reason === undefined ? {} : { reason }) });
  };

  /** Operations of one task one after another; those of another do not wait for them. */
  const work = (index: number): void => {
    if (working.has(index)) return;
    const run = async (): Promise<void> => {
      while (memoryOf(index).queue.length > 0 && !closing.signal.aborted) {
        await runFirst(index).catch(async (error: unknown) => {
          if (closing.signal.aborted) return;
          log(`task ${index} is tried again: ${inWords(error)}`);
          await sleep(retryMs, undefined, { signal: closing.signal }).catch(() => undefined);
        });
      }
    };
    const over = (): void => {
      working.delete(index);
      // One that came after the last look, and before this.
      if (memoryOf(index).queue.length > 0 && !closing.signal.aborted) work(index);
    };
    working.set(index, run().finally(over));
  };

  for (const [index] of memories.list()) work(index);

  return {
    async execute(request) {
      const known = memoryOf(request.index);
      if (known.operations[request.id] !== undefined) return;
      const isOld = request.epoch < known.highestEpoch;
      const refusal = isOld ? { refusal: `epoch ${request.epoch} is older than ${known.highestEpoch}` } : {};
      known.highestEpoch = Math.max(known.highestEpoch, request.epoch);
      known.operations[request.id] = 'written';
      known.queue.push({ request, ...refusal });
      memories.save(request.index);
      work(request.index);
    },
    async cancel(id, { index }) {
      const known = memoryOf(index);
      const state = known.operations[id] ?? 'tombstone';
      known.operations[id] = state;
      memories.save(index);
      return state === 'tombstone' ? 'never-began' : state === 'ended' ? 'done' : 'begun';
    },
    async observe(to, signal) {
      await to({ kind: 'hosts', hosts: [steps.host] });
      const all = memories.list().flatMap(([, { untold, report }]) => [...untold, report]);
      const tasks = all.filter(({ sequence }) => sequence > 0);
      const snapshot: DriverObservation = { kind: 'snapshot', host, revision: ++revision, tasks };
      // From now on, so that nothing is told between them; it is delivered after the snapshot.
      deliver = to;
      try {
        await to(snapshot);
        forget(snapshot);
        while (!signal.aborted) {
          await to({ kind: 'heartbeat', hosts: [host] });
          for (const [index, { report, queue }] of memories.list()) {
            if (report.state !== 'serving' || queue.length > 0) continue;
            const change = steps.look?.(report);
            if (change !== undefined) tell(index, change);
          }
          await sleep(lookMs, undefined, { signal }).catch(() => undefined);
        }
      } finally {
        if (deliver === to) deliver = undefined;
      }
    },
    async close() {
      closing.abort();
      await Promise.all(working.values());
    },
  };
}

/** When its turn comes: why nothing of it is done. */
function refusalOf({ request, refusal }: TaskMemory['queue'][number], known: TaskMemory): OperationOutcome | undefined {
  const { id, incarnation, nextIncarnation, version, precondition } = request;
  const { highestIncarnation: highest, report } = known;
  const refuse = (reason: string): OperationOutcome => ({ id, outcome: 'refused', reason });
  if (refusal !== undefined) return refuse(refusal);
  if (version !== undefined && nextIncarnation <= highest) return refuse(`incarnation ${highest} was here`);
  if (incarnation > 0 && highest > incarnation) return refuse(`it expects ${incarnation}, but ${highest} was here`);
  const isHere = report.state !== 'stopped' && report.state !== 'failed';
  if (incarnation === 0 && isHere) return refuse(`it expects none, but ${report.incarnation} is here`);
  const isBack = report.state === 'serving' && report.incarnation === precondition?.stillOut;
  return isBack ? { id, outcome: 'cancelled', reason: 'recovered' } : undefined;
}

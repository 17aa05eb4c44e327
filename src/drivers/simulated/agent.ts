import type {
  HostId,
  JobId,
  OperationId,
  OperationOutcome,
  TaskReport,
  TaskState,
  Version,
} from '../../model/index.ts';
import { hasProcess } from '../../model/index.ts';
import type { CancelAnswer, ExecuteRequest } from '../port.ts';
import type { Behaviour, Behaviours } from './behaviour.ts';

/** Virtual time, as the simulated cluster needs it. */
export interface Timeline {
  nowMs(): number;
  /** Runs `act` at that time; the returned function takes it back. */
  at(atMs: number, act: () => void): () => void;
}

/** What happens in truth, for invariants: nobody but the simulator's checks sees it. */
export interface Truth {
  /** An operation takes a serving task out. */
  tookOut(request: ExecuteRequest, host: HostId): void;
  /** A task begins or ceases to serve in truth. */
  serves(job: JobId, index: number, host: HostId, incarnation: number, isServing: boolean): void;
  begun(request: ExecuteRequest, host: HostId): void;
}

/** One incarnation's process. */
interface Process {
  readonly incarnation: number;
  readonly version: Version;
  life: number;
  crashes: number;
  state: TaskState;
  cancelTimer: () => void;
}

/** What the agent keeps of one index, also after its task is gone. */
interface Slot {
  readonly job: JobId;
  readonly index: number;
  highestIncarnation: number;
  newestEpoch: number;
  process: Process | undefined;
  readonly queue: ExecuteRequest[];
  current: ExecuteRequest | undefined;
  /** What is to be done next for the current operation, while it waits. */
  cancelStep: () => void;
}

const crashLoopAfter = 4;
const restartBaseMs = 200;
const stopMs = 100;

/**
 * An agent and its keepers in virtual time: remembers operation ids, tombstones, and each index's highest incarnation
 * and epoch; refuses what is older; runs the operations of one task in order. Its memory survives everything.
 */
export class SimulatedAgent {
  readonly host: HostId;
  readonly #timeline: Timeline;
  readonly #behaviours: Behaviours;
  readonly #send: (report: TaskReport) => void;
  readonly #truth: Truth;
  readonly #slots = new Map<string, Slot>();
  readonly #operations = new Map<OperationId, 'tombstone' | 'begun' | 'ended'>();
  readonly #last = new Map<string, TaskReport>();
  #sequence = 0;
  /** A frozen host does nothing; what was due happens when it thaws. */
  #frozen: (() => void)[] | undefined;
  #isDead = false;
  /** Adds to every start and fetch on this host. */
  slownessMs = 0;
  /** Packages cannot be fetched here for now. */
  isStarved = false;

  constructor(
    host: HostId,
    timeline: Timeline,
    behaviours: Behaviours,
    send: (report: TaskReport) => void,
    truth: Truth,
  ) {
    this.host = host;
    this.#timeline = timeline;
    this.#behaviours = behaviours;
    this.#send = send;
    this.#truth = truth;
  }

  // -------------------------------------------------------------- orders

  /** Writes an operation down. The same one again changes nothing. */
  execute(request: ExecuteRequest): void {
    const known = this.#operations.get(request.id);
    if (known === 'begun' || known === 'ended') return;
    const slot = this.#slot(request.job, request.index);
    if (known === 'tombstone') {
      this.#operations.set(request.id, 'ended');
      this.#report(slot, { id: request.id, outcome: 'cancelled', reason: 'it was cancelled before it came' });
      return;
    }
    this.#operations.set(request.id, 'begun');
    slot.queue.push(request);
    if (slot.current === undefined) this.#next(slot);
  }

  cancel(id: OperationId, job: JobId, index: number): CancelAnswer {
    const known = this.#operations.get(id);
    if (known === undefined) {
      this.#operations.set(id, 'tombstone');
      this.#slot(job, index);
      return 'never-began';
    }
    if (known === 'tombstone') return 'never-began';
    return known === 'begun' ? 'begun' : 'done';
  }

  /** The newest report of everything it holds: what it says after it was away. */
  snapshot(): TaskReport[] {
    return [...this.#last.values()];
  }

  #next(slot: Slot): void {
    const request = slot.queue.shift();
    slot.current = request;
    if (request === undefined) return;
    const refusal = this.#refusalOf(slot, request);
    if (refusal !== undefined) {
      const outcome = refusal === 'recovered' ? 'cancelled' : 'refused';
      this.#end(slot, { id: request.id, outcome, reason: refusal });
      return;
    }
    slot.newestEpoch = Math.max(slot.newestEpoch, request.epoch);
    this.#truth.begun(request, this.host);
    if (request.kind === 'stop' || request.kind === 'resize-down') this.#stopTask(slot, request);
    else this.#fetch(slot, request);
  }

  #refusalOf(slot: Slot, request: ExecuteRequest): string | undefined {
    const living = slot.process !== undefined && hasProcess(slot.process.state) ? slot.process : undefined;
    if (request.epoch < slot.newestEpoch) return 'a newer epoch is known';
    const isStop = request.kind === 'stop' || request.kind === 'resize-down';
    if (!isStop && request.nextIncarnation <= slot.highestIncarnation) return 'a newer incarnation is known';
    const stillOut = request.precondition?.stillOut;
    if (stillOut !== undefined && slot.process?.incarnation === stillOut && slot.process.state === 'serving') {
      return 'recovered';
    }
    if (!isStop && living !== undefined && living.incarnation !== request.incarnation)
      return 'another incarnation lives here';
    return undefined;
  }

  #end(slot: Slot, outcome: OperationOutcome): void {
    this.#operations.set(outcome.id, 'ended');
    slot.current = undefined;
    this.#report(slot, outcome);
    this.#next(slot);
  }

  // -------------------------------------------------------------- one operation

  #fetch(slot: Slot, request: ExecuteRequest): void {
    const behaviour = this.#behaviours(request.version!.id);
    slot.cancelStep = this.#after(behaviour.fetchMs + this.slownessMs, () => {
      if (this.isStarved) {
        this.#end(slot, { id: request.id, outcome: 'failed', reason: 'the package could not be fetched' });
        return;
      }
      // The task may have recovered while the package came.
      if (request.precondition !== undefined && slot.process?.state === 'serving') {
        this.#end(slot, { id: request.id, outcome: 'cancelled', reason: 'recovered' });
        return;
      }
      this.#drain(slot, request, () => this.#start(slot, request, behaviour));
    });
  }

  #stopTask(slot: Slot, request: ExecuteRequest): void {
    if (slot.process?.incarnation !== request.incarnation) {
      this.#end(slot, { id: request.id, outcome: 'done' });
      return;
    }
    this.#drain(slot, request, () => {
      this.#setState(slot, 'stopped');
      this.#end(slot, { id: request.id, outcome: 'done' });
    });
  }

  /** Leave discovery, drain, stop: nothing to do where nothing serves. */
  #drain(slot: Slot, request: ExecuteRequest, then: () => void): void {
    const running = slot.process;
    if (running === undefined || running.state === 'stopped' || running.state === 'failed') {
      then();
      return;
    }
    running.cancelTimer();
    const wasServing = running.state === 'serving';
    if (wasServing) this.#truth.tookOut(request, this.host);
    this.#setState(slot, 'draining');
    slot.cancelStep = this.#after((wasServing ? running.version.task.drainMs : 0) + stopMs, then);
  }

  #start(slot: Slot, request: ExecuteRequest, behaviour: Behaviour): void {
    slot.highestIncarnation = request.nextIncarnation;
    slot.process = {
      incarnation: request.nextIncarnation,
      version: request.version!,
      life: 0,
      crashes: 0,
      state: 'starting',
      cancelTimer: () => {},
    };
    this.#report(slot);
    const deadlineMs = request.version!.task.ready.deadlineMs;
    const readyMs = behaviour.neverReady ? Number.POSITIVE_INFINITY : behaviour.startMs + this.slownessMs;
    if (readyMs <= deadlineMs) {
      slot.cancelStep = this.#after(readyMs, () => {
        this.#becomeReady(slot);
        this.#end(slot, { id: request.id, outcome: 'done' });
      });
    } else {
      slot.cancelStep = this.#after(deadlineMs, () => {
        this.#setState(slot, 'failed', 'not-ready');
        this.#end(slot, { id: request.id, outcome: 'failed', reason: 'it was not ready by its deadline' });
      });
    }
  }

  #becomeReady(slot: Slot): void {
    const running = slot.process!;
    this.#setState(slot, 'serving', undefined, false);
    const { crashAfterMs } = this.#behaviours(running.version.id);
    if (crashAfterMs !== undefined)
      running.cancelTimer = this.#after(crashAfterMs, () => this.crash(slot.job, slot.index));
  }

  // -------------------------------------------------------------- what happens to tasks

  /** The process exits; its keeper restarts it, until it crashes too often. */
  crash(job: JobId, index: number): void {
    const slot = this.#slots.get(`${job}/${index}`);
    const running = slot?.process;
    if (slot === undefined || running === undefined || running.state !== 'serving') return;
    running.cancelTimer();
    running.crashes += 1;
    running.life += 1;
    const isLooping = running.crashes >= crashLoopAfter;
    this.#setState(slot, isLooping ? 'crash-looping' : 'starting', isLooping ? 'exited' : undefined);
    const { startMs } = this.#behaviours(running.version.id);
    const waitMs = restartBaseMs * 2 ** Math.min(8, running.crashes) + startMs + this.slownessMs;
    running.cancelTimer = this.#after(waitMs, () => {
      this.#becomeReady(slot);
      this.#report(slot);
    });
  }

  /** The task stops answering for a while without an exit: its probe says so. */
  hang(job: JobId, index: number, forMs: number): void {
    const slot = this.#slots.get(`${job}/${index}`);
    const running = slot?.process;
    if (slot === undefined || running === undefined || running.state !== 'serving') return;
    running.cancelTimer();
    this.#setState(slot, 'starting');
    running.cancelTimer = this.#after(forMs, () => {
      this.#becomeReady(slot);
      this.#report(slot);
    });
  }

  /** Frozen: nothing happens until `thaw`; processes do not serve meanwhile. */
  freeze(): void {
    this.#frozen ??= [];
    for (const slot of this.#slots.values()) this.#tellTruth(slot);
  }

  thaw(): void {
    const due = this.#frozen ?? [];
    this.#frozen = undefined;
    for (const slot of this.#slots.values()) this.#tellTruth(slot);
    for (const act of due) act();
  }

  /** Power is lost: every process is gone. What the agent has written down stays. */
  die(): void {
    this.#isDead = true;
    for (const slot of this.#slots.values()) this.#tellTruth(slot);
  }

  /** Power is back: what ran is lost, what was begun and not finished has failed. */
  reboot(): void {
    this.#isDead = false;
    this.#frozen = undefined;
    for (const slot of this.#slots.values()) {
      slot.cancelStep();
      slot.process?.cancelTimer();
      const interrupted = [...(slot.current === undefined ? [] : [slot.current]), ...slot.queue.splice(0)];
      slot.current = undefined;
      if (slot.process !== undefined && slot.process.state !== 'stopped') {
        this.#setState(slot, 'failed', 'lost', interrupted.length === 0);
      }
      for (const { id } of interrupted) {
        this.#operations.set(id, 'ended');
        this.#report(slot, { id, outcome: 'failed', reason: 'the host lost power' });
      }
    }
  }

  indices(): { readonly job: JobId; readonly index: number }[] {
    return [...this.#slots.values()].map(({ job, index }) => ({ job, index }));
  }

  // -------------------------------------------------------------- small things

  /** What the index runs here, in truth. */
  versionOf(job: JobId, index: number): Version['id'] | undefined {
    return this.#slots.get(`${job}/${index}`)?.process?.version.id;
  }

  #slot(job: JobId, index: number): Slot {
    const key = `${job}/${index}`;
    let slot = this.#slots.get(key);
    if (slot === undefined) {
      slot = {
        job,
        index,
        highestIncarnation: 0,
        newestEpoch: 0,
        process: undefined,
        queue: [],
        current: undefined,
        cancelStep: () => {},
      };
      this.#slots.set(key, slot);
    }
    return slot;
  }

  /** A scenario's beginning: this incarnation serves here. */
  plant(job: JobId, index: number, version: Version): TaskReport {
    const slot = this.#slot(job, index);
    slot.highestIncarnation = 1;
    slot.process = { incarnation: 1, version, life: 0, crashes: 0, state: 'starting', cancelTimer: () => {} };
    this.#becomeReady(slot);
    return this.#reportOf(slot);
  }

  #after(ms: number, act: () => void): () => void {
    let isCancelled = false;
    const actUnlessCancelled = (): void => {
      if (!isCancelled) act();
    };
    const forget = this.#timeline.at(this.#timeline.nowMs() + ms, () => {
      if (this.#isDead) return;
      if (this.#frozen !== undefined) this.#frozen.push(actUnlessCancelled);
      else actUnlessCancelled();
    });
    return () => {
      isCancelled = true;
      forget();
    };
  }

  #setState(slot: Slot, state: TaskState, failure?: 'exited' | 'not-ready' | 'lost', isReported = true): void {
    slot.process!.state = state;
    this.#tellTruth(slot);
    if (isReported) this.#report(slot, undefined, failure);
  }

  #tellTruth(slot: Slot): void {
    const running = slot.process;
    if (running === undefined) return;
    const isServing = running.state === 'serving' && !this.#isDead && this.#frozen === undefined;
    this.#truth.serves(slot.job, slot.index, this.host, running.incarnation, isServing);
  }

  #report(slot: Slot, operation?: OperationOutcome, failure?: 'exited' | 'not-ready' | 'lost'): void {
    this.#send(this.#reportOf(slot, operation, failure));
  }

  #reportOf(slot: Slot, operation?: OperationOutcome, failure?: 'exited' | 'not-ready' | 'lost'): TaskReport {
    const running = slot.process;
    this.#sequence += 1;
    const key = `${slot.job}/${slot.index}`;
    const reason = failure ?? (running?.state === 'failed' ? this.#last.get(key)?.failure?.reason : undefined);
    const report: TaskReport = {
      job: slot.job,
      index: slot.index,
      incarnation: running?.incarnation ?? 0,
      life: running?.life ?? 0,
      host: this.host,
      version: running?.version.id ?? 'v_none',
      state: running?.state ?? 'stopped',
      ports: {},
      address: '',
      sequence: this.#sequence,
      atMs: this.#timeline.nowMs(),
      failure: reason === undefined ? undefined : { reason, summary: reason, lastLogLines: [] },
      operation,
    };
    this.#last.set(key, operation === undefined ? report : { ...report, operation: undefined });
    return report;
  }
}

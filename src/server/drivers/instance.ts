import type {
  CancelAnswer,
  ClusterDriver,
  DriverContext,
  DriverObservation,
  DriverPlugin,
  ExecuteRequest,
  OpenDriver,
} from '../../drivers/index.ts';
import { backoffMs, type Chance, type Clock, whenAborted } from '../../kit/index.ts';
import { type DriverId, type HostId, ProblemError, problem } from '../../model/index.ts';
import type { Log } from '../log.ts';
import { hostNames } from './host-names.ts';
import type { Intake } from './intake.ts';
import { inWords, within } from './within.ts';

export interface DriverTimes {
  readonly openMs: number;
  /** For `execute` and `cancel`; their effects are tried again for ever. */
  readonly answerMs: number;
  /** Beyond its heartbeat: how long it may say nothing at all. */
  readonly patienceMs: number;
  /** To end what it was told to end. */
  readonly closeMs: number;
  readonly retryBaseMs: number;
  readonly retryCapMs: number;
}

export const usualDriverTimes: DriverTimes = {
  openMs: 20_000,
  answerMs: 15_000,
  patienceMs: 10_000,
  closeMs: 5000,
  retryBaseMs: 500,
  retryCapMs: 15_000,
};

export interface InstanceParts {
  readonly id: DriverId;
  readonly plugin: DriverPlugin;
  readonly context: DriverContext;
  readonly openIntake: () => Intake;
  readonly clock: Clock;
  readonly chance: Chance;
  readonly log: Log;
  readonly times: DriverTimes;
  readonly markHeard: (host: HostId) => void;
  /** It answers (again): what waited for its hosts need not wait for its next try. */
  readonly onAnswer: (hosts: readonly HostId[]) => Promise<void>;
}

/** What is wrong with a driver now, and since when. */
export interface DriverTrouble {
  readonly sinceMs: number;
  readonly sentence: string;
}

/**
 * Keeps one driver of one job at work: opens it, listens to it, again and again whatever it does; hands it operations
 * with a deadline. Nothing that it throws or never finishes goes further than this.
 */
export class DriverInstance {
  readonly cluster: ClusterDriver;
  readonly #parts: InstanceParts;
  readonly #stopped = new AbortController();
  readonly #running: Promise<void>;
  /** When each of its hosts was last said to be well. */
  readonly #heardMs = new Map<HostId, number>();
  #open: OpenDriver | undefined;
  #lastWordMs: number;
  #trouble: DriverTrouble | undefined;
  #refusing: DriverTrouble | undefined;

  constructor(parts: InstanceParts) {
    this.#parts = parts;
    this.#lastWordMs = parts.clock.nowMs();
    this.cluster = this.#clusterDriver();
    this.#running = this.#run();
  }

  /** Not heard at all, or operations that it does not take. */
  trouble(): DriverTrouble | undefined {
    return this.#trouble ?? this.#refusing;
  }

  /** Tasks go on; what was asked of it and not answered is asked again by whoever comes next. */
  async stop(): Promise<void> {
    this.#stopped.abort();
    await this.#running;
  }

  // -------------------------------------------------------------- listening

  async #run(): Promise<void> {
    const { clock, chance, times } = this.#parts;
    const { signal } = this.#stopped;
    const beating = this.#beat();
    for (let attempt = 1; !signal.aborted; attempt++) {
      const fromMs = clock.nowMs();
      const failure = await this.#listen().catch((error: unknown) => inWords(error));
      if (signal.aborted) break;
      this.#fail(failure ?? 'it ended its observations');
      if (clock.nowMs() - fromMs > times.retryCapMs) attempt = 1;
      const pauseMs = backoffMs(attempt, times.retryBaseMs, times.retryCapMs, chance);
      await clock.sleepUntil(clock.nowMs() + pauseMs, signal).catch(() => undefined);
    }
    await beating;
    await this.#close();
  }

  #fail(sentence: string): void {
    const { id, log, clock } = this.#parts;
    if (this.#trouble?.sentence !== sentence) log.info('a driver does not answer', { driver: id, why: sentence });
    this.#trouble = { sinceMs: this.#trouble?.sinceMs ?? clock.nowMs(), sentence };
  }

  /** One stream of observations to its end; gives or throws why it ended. */
  async #listen(): Promise<string | undefined> {
    const { plugin, context, clock, times, id } = this.#parts;
    const { signal } = this.#stopped;
    this.#open ??= checkedShape(await within(clock, times.openMs, `Opening ${id}`, signal, () => plugin.open(context)));
    const ending = new AbortController();
    const until = AbortSignal.any([signal, ending.signal]);
    this.#lastWordMs = clock.nowMs();
    const deliver = this.#deliverTo(this.#parts.openIntake(), ending);
    let isOver = false;
    const observing = (async () => this.#open!.observe(deliver, until))()
      .then(() => undefined, inWords)
      .finally(() => {
        isOver = true;
        ending.abort();
      });
    const silent = this.#watchSilence(until);
    const why = await Promise.race([observing, silent, whenAborted(ending.signal).then(() => undefined)]);
    const refusal = ending.signal.aborted && !isOver ? inWords(ending.signal.reason) : undefined;
    ending.abort();
    await within(clock, times.closeMs, `Ending the observations of ${id}`, new AbortController().signal, () =>
      observing.then(() => undefined),
    ).catch(async () => {
      // It does not let go: from now on another one speaks for the job, and nobody listens to this one.
      await this.#close();
    });
    return refusal ?? why;
  }

  /** In order, each written down before the next; the first that cannot be used ends the stream. */
  #deliverTo(intake: Intake, ending: AbortController): (observation: DriverObservation) => Promise<void> {
    const { clock, markHeard, onAnswer, log } = this.#parts;
    let last: Promise<void> = Promise.resolve();
    const deliver = async (observation: DriverObservation): Promise<void> => {
      ending.signal.throwIfAborted();
      this.#stopped.signal.throwIfAborted();
      try {
        const hosts = await intake.take(observation);
        this.#lastWordMs = clock.nowMs();
        if (observation.kind === 'hosts') this.#heardMs.clear();
        for (const host of hosts) this.#heardMs.set(host, clock.nowMs());
        for (const host of hosts) markHeard(host);
        if (observation.kind !== 'hosts') return;
        if (this.#trouble !== undefined) log.info('a driver answers again', { driver: this.#parts.id });
        this.#trouble = undefined;
        await onAnswer(hosts);
      } catch (error) {
        ending.abort(error);
        throw error;
      }
    };
    return (observation) => {
      const delivered = last.then(() => deliver(observation));
      last = delivered.catch(() => undefined);
      return delivered;
    };
  }

  async #watchSilence(signal: AbortSignal): Promise<string | undefined> {
    const { clock, times } = this.#parts;
    const patienceMs = this.#heartbeatMs() + times.patienceMs;
    while (!signal.aborted) {
      const dueMs = this.#lastWordMs + patienceMs;
      if (clock.nowMs() >= dueMs) return `it has said nothing for ${Math.round(patienceMs / 1000)} s`;
      await clock.sleepUntil(dueMs, signal).catch(() => undefined);
    }
    return undefined;
  }

  /** A host that was said to be well is, until its next heartbeat is due. */
  async #beat(): Promise<void> {
    const { clock, markHeard } = this.#parts;
    const { signal } = this.#stopped;
    while (!signal.aborted) {
      await clock.sleepUntil(clock.nowMs() + 1000, signal).catch(() => undefined);
      const sinceMs = clock.nowMs() - this.#heartbeatMs();
      for (const [host, heardMs] of this.#heardMs) if (heardMs >= sinceMs) markHeard(host);
    }
  }

  #heartbeatMs(): number {
    return Math.min(60_000, Math.max(1000, this.#parts.plugin.heartbeatMs ?? 1000));
  }

  async #close(): Promise<void> {
    const open = this.#open;
    this.#open = undefined;
    const { clock, times, id, log } = this.#parts;
    const closing = new AbortController().signal;
    await within(clock, times.closeMs, `Closing ${id}`, closing, () => open?.close?.()).catch((error: unknown) =>
      log.info('a driver was not closed in order', { driver: id, why: inWords(error) }),
    );
  }

  // -------------------------------------------------------------- operations

  #clusterDriver(): ClusterDriver {
    const { id, plugin } = this.#parts;
    const names = hostNames(id);
    const { surge = true, move = true } = plugin.capabilities ?? {};
    return {
      name: id,
      capabilities: { inPlace: true, surge, move, hotswap: false, places: false },
      execute: (request, signal) =>
        this.#ask('execute', signal, (open, own) => open.execute(ofItsHost(request, names.short), own)),
      cancel: async (operation, { host, job, index }, signal): Promise<CancelAnswer> => {
        // Admitted without a host: nobody was told of it, so nobody can begin it.
        if (host === undefined) return 'never-began';
        const at = { host: names.short(host), job, index };
        const answer: unknown = await this.#ask('cancel', signal, (open, own) => open.cancel(operation, at, own));
        if (answer === 'never-began' || answer === 'begun' || answer === 'done') return answer;
        throw this.#refused(`it answers a cancel with ${JSON.stringify(answer)?.slice(0, 100)}`);
      },
      async observe() {
        throw new Error('only the server itself observes a driver');
      },
      prefetch: async (host, version, digest) => {
        const never = new AbortController().signal;
        await this.#ask('prefetch', never, (open) => open.prefetch?.(names.short(host), version, digest)).catch(
          () => undefined,
        );
      },
    };
  }

  async #ask<T>(
    what: string,
    signal: AbortSignal,
    act: (open: OpenDriver, own: AbortSignal) => T | Promise<T>,
  ): Promise<T> {
    const { clock, times, id } = this.#parts;
    const open = this.#open;
    if (open === undefined) throw this.#unavailable(`${id} is not open: ${this.#trouble?.sentence ?? 'it begins'}.`);
    try {
      const either = AbortSignal.any([signal, this.#stopped.signal]);
      const answer = await within(clock, times.answerMs, `${what} by ${id}`, either, (own) => act(open, own));
      this.#refusing = undefined;
      return answer;
    } catch (error) {
      throw this.#refused(`${what}: ${inWords(error)}`);
    }
  }

  #refused(sentence: string): ProblemError {
    this.#refusing = { sinceMs: this.#refusing?.sinceMs ?? this.#parts.clock.nowMs(), sentence };
    return this.#unavailable(`${this.#parts.id} did not take it: ${sentence}`);
  }

  #unavailable(detail: string): ProblemError {
    return new ProblemError(problem('driver/unavailable', detail, { driver: this.#parts.id }));
  }
}

function ofItsHost(request: ExecuteRequest, short: (host: HostId) => string): ExecuteRequest {
  return request.host === undefined ? request : { ...request, host: short(request.host) };
}

function checkedShape(open: OpenDriver): OpenDriver {
  for (const part of ['observe', 'execute', 'cancel'] as const) {
    if (typeof open?.[part] !== 'function') throw new Error(`what it opens has no \`${part}\``);
  }
  return open;
}

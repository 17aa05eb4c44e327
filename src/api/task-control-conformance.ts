import type { CompletedOperation, TaskControlRequest, TaskControlResponse, TaskOperation } from '../model/index.ts';

/** A TaskController under test, however it is reached. */
export interface ControllerUnderTest {
  call(
    request: TaskControlRequest,
  ): Promise<
    { readonly ok: true; readonly reply: TaskControlResponse } | { readonly ok: false; readonly failure: string }
  >;
  /** Sends this text as it is; gives the HTTP status, or why there is none. */
  send(body: string): Promise<number | string>;
  /** Lets time pass while it acks nothing. */
  pause(): Promise<void>;
}

export interface ConformanceOptions {
  /** Made up for the test, unless the controller knows only jobs of its own. */
  readonly job: string;
  readonly tasks: number;
  /** It must never let more tasks than this be out at once. */
  readonly maxOut: number | undefined;
  /** Larger than any that the controller has seen for this job. */
  readonly firstSequence: number;
}

export interface ConformanceResult {
  readonly rule: string;
  /** Undefined: it keeps the rule. */
  readonly failure: string | undefined;
}

type Check = (at: Rehearsal) => Promise<string | undefined>;

/** Calls that ack nothing while nothing is out, before a release counts as stuck. */
const patience = 20;

const checks: readonly (readonly [string, Check])[] = [
  ['it answers when nothing is asked for, and acks nothing', (at) => at.nothing()],
  [
    'a release: every task is acked in the end, any subset at a time, and only what was asked for',
    (at) => at.release({}),
  ],
  ['the same call twice does no harm', (at) => at.release({ repeats: true })],
  ['an answer that got lost: what it acked is asked for again, and goes through', (at) => at.release({ loses: true })],
  [
    'an ack that expired: the operation comes again under another opId, and goes through',
    (at) => at.release({ expires: true }),
  ],
  ['a task that is unhealthy for a while does not block the rest for ever', (at) => at.release({ unhealthyFor: 4 })],
  ['it finds its way in the middle of a release that another one began', (at) => at.release({ begunByAnother: true })],
  ['fields that it does not know are ignored', (at) => at.release({ extra: { someday: { a: [1] } } })],
  [
    'maintenance notices are taken in, and answered (if at all) for what they announce',
    (at) => at.release({ notices: true }),
  ],
  ['what is no request is refused with a status from 400 to 499', (at) => at.nonsense()],
  ['a request for 500 operations is answered', (at) => at.large()],
];

/**
 * Rehearses with a controller what Rollway does with it: releases that go well, lost and repeated calls, expired acks,
 * a change of controllers. The same suite for everybody's controllers and our own.
 */
export async function testTaskController(
  controller: ControllerUnderTest,
  options: ConformanceOptions,
  tell: (result: ConformanceResult) => void = () => {},
): Promise<ConformanceResult[]> {
  const rehearsal = new Rehearsal(controller, options);
  const results: ConformanceResult[] = [];
  for (const [rule, check] of checks) {
    const result = { rule, failure: await check(rehearsal) };
    results.push(result);
    tell(result);
  }
  return results;
}

interface Course {
  readonly repeats?: boolean;
  readonly loses?: boolean;
  readonly expires?: boolean;
  readonly unhealthyFor?: number;
  readonly begunByAnother?: boolean;
  readonly notices?: boolean;
  readonly extra?: object;
}

/** The caller's side: keeps what waits, what is in flight and what has ended, and checks each answer. */
class Rehearsal {
  readonly #controller: ControllerUnderTest;
  readonly #options: ConformanceOptions;
  #sequence: number;
  #operations = 0;

  constructor(controller: ControllerUnderTest, options: ConformanceOptions) {
    this.#controller = controller;
    this.#options = options;
    this.#sequence = options.firstSequence;
  }

  async nothing(): Promise<string | undefined> {
    const answer = await this.#controller.call(this.#request({}));
    if (!answer.ok) return answer.failure;
    return answer.reply.ack.length === 0 ? undefined : `it acked ${answer.reply.ack.join(', ')}`;
  }

  async nonsense(): Promise<string | undefined> {
    for (const body of ['', 'no JSON', '[]', '{"jobHandle": 7}']) {
      const status = await this.#controller.send(body);
      const isRefused = typeof status === 'number' && status >= 400 && status < 500;
      if (!isRefused) return `it answered ${status} to ${JSON.stringify(body)}`;
    }
    return this.nothing();
  }

  async large(): Promise<string | undefined> {
    const request = Array.from({ length: 500 }, (_, index) => this.#operation(index));
    const answer = await this.#controller.call(this.#request({ request }));
    if (!answer.ok) return answer.failure;
    const failure = foreignAck(request, answer.reply);
    if (failure !== undefined) return failure;
    return this.#tellEnded(request);
  }

  /** A whole release in which things go as the course says; undefined: all tasks were updated by the rules. */
  async release(course: Course): Promise<string | undefined> {
    const all = Array.from({ length: this.#options.tasks }, (_, index) => this.#operation(index));
    let inFlight: TaskOperation[] = course.begunByAnother ? all.slice(0, 1) : [];
    let waiting = all.slice(inFlight.length);
    let completed: CompletedOperation[] = [];
    let done = 0;
    let idle = 0;
    for (let n = 0; done < all.length || completed.length > 0; n++) {
      const isIll = n < (course.unhealthyFor ?? 0);
      const unhealthy = [...inFlight.map(({ index }) => index), ...(isIll ? [this.#options.tasks - 1] : [])];
      const request = this.#request({ request: waiting, inFlight, completed, unhealthy, notices: course.notices });
      const sent = { ...request, ...course.extra } as TaskControlRequest;
      if (course.repeats) await this.#controller.call(sent);
      const answer = await this.#controller.call(sent);
      if (!answer.ok) return answer.failure;
      const failure =
        foreignAck(waiting, answer.reply) ?? echoTooHigh(request, answer.reply) ?? foreignAnswer(request, answer.reply);
      if (failure !== undefined) return failure;
      if (course.loses && n % 2 === 0) continue;
      const echo = answer.reply.acknowledgedSequence ?? request.sequenceNumber;
      if (echo >= request.sequenceNumber) completed = [];
      const ack = new Set(answer.reply.ack);
      const acked = waiting.filter(({ opId }) => ack.has(opId));
      const out = new Set([...unhealthy, ...acked.map(({ index }) => index)]);
      const { maxOut } = this.#options;
      // What is unhealthy by itself may be more than it would let be out.
      if (maxOut !== undefined && acked.length > 0 && out.size > maxOut) return `${out.size} tasks are out by its acks`;
      idle = acked.length + inFlight.length > 0 || isIll ? 0 : idle + 1;
      if (idle > patience && done < all.length)
        return `${waiting.length} operations are never acked, and nothing is out`;
      if (idle > patience) return 'it never takes in what has completed: its acknowledgedSequence is too low';
      if (idle > 0 && waiting.length > 0) await this.#controller.pause();
      // What was in flight during this call has ended by the next one.
      done += inFlight.length;
      completed = [...completed, ...inFlight.map((one) => completionOf(one, 'done'))];
      inFlight = acked;
      waiting = waiting.filter(({ opId }) => !ack.has(opId));
      if (course.expires && n === 0 && acked.length > 0) {
        completed = [...completed, ...acked.map((one) => completionOf(one, 'expired'))];
        waiting = [...waiting, ...acked.map(({ index }) => this.#operation(index))];
        inFlight = [];
      }
    }
    return undefined;
  }

  async #tellEnded(operations: readonly TaskOperation[]): Promise<string | undefined> {
    const completed = operations.map((one) => completionOf(one, 'cancelled'));
    const answer = await this.#controller.call(this.#request({ completed }));
    return answer.ok ? undefined : answer.failure;
  }

  #operation(index: number): TaskOperation {
    this.#operations += 1;
    const opId = `op_${this.#options.firstSequence}_${this.#operations}`;
    const base = { opId, kind: 'update' as const, index, incarnation: 1, from: 'v_old', to: 'v_new' };
    return { ...base, rollout: 'ro_rehearsal', phase: 0, reason: 'a rehearsal', deadline: null };
  }

  #request(facts: {
    readonly request?: readonly TaskOperation[];
    readonly inFlight?: readonly TaskOperation[];
    readonly completed?: readonly CompletedOperation[];
    readonly unhealthy?: readonly number[];
    readonly notices?: boolean | undefined;
  }): TaskControlRequest {
    this.#sequence += 1;
    const start = this.#sequence + 60_000;
    const times = { start, deadline: start + 60_000, until: start + 120_000 };
    const work = { scope: 'host-1', reason: 'a rehearsal', hostsStayUp: false, policy: 'move' as const };
    const notice = { id: 'out_rehearsal', host: 'host-1', tasks: [0], ...times, ...work };
    return {
      jobHandle: this.#options.job,
      request: [...(facts.request ?? [])],
      completed: [...(facts.completed ?? [])],
      inFlight: [...(facts.inFlight ?? [])],
      advanceNotices: facts.notices ? [notice] : [],
      allUnhealthyTasks: [...new Set(facts.unhealthy ?? [])].sort((a, b) => a - b),
      sequenceNumber: this.#sequence,
      acknowledgedSequence: this.#sequence - 1,
    };
  }
}

function completionOf(operation: TaskOperation, outcome: CompletedOperation['outcome']): CompletedOperation {
  return { ...operation, outcome, endedAt: 1 };
}

function foreignAck(asked: readonly TaskOperation[], { ack }: TaskControlResponse): string | undefined {
  const known = new Set(asked.map(({ opId }) => opId));
  const foreign = ack.find((opId) => !known.has(opId));
  return foreign === undefined ? undefined : `it acked ${foreign}, which was not asked for`;
}

function echoTooHigh({ sequenceNumber }: TaskControlRequest, reply: TaskControlResponse): string | undefined {
  const echo = reply.acknowledgedSequence ?? sequenceNumber;
  return echo > sequenceNumber ? `it acknowledged ${echo}, the newest call was ${sequenceNumber}` : undefined;
}

function foreignAnswer(
  { advanceNotices }: TaskControlRequest,
  { maintenance }: TaskControlResponse,
): string | undefined {
  for (const { notice, tasks = [] } of maintenance ?? []) {
    const announced = advanceNotices.find(({ id }) => id === notice);
    if (announced === undefined) return `it answered the notice ${notice}, which it was not given`;
    const foreign = tasks.find((index) => !announced.tasks.includes(index));
    if (foreign !== undefined) return `it answered for task ${foreign}, which the notice ${notice} does not name`;
  }
  return undefined;
}

import type {
  AdvanceNotice,
  MaintenanceAnswer,
  MaintenanceReply,
  TaskControlRequest,
  TaskControlResponse,
  TaskOperation,
} from '../model/index.ts';

/** What a controller decides from. */
export interface TaskControlView {
  /** `guestbook@production` */
  readonly job: string;
  /** Operations that wait for an ack, in the order in which they would be taken. */
  readonly waiting: readonly TaskOperation[];
  /** Indices that are out now, or are about to be: unhealthy, under way, or acked and not ended. */
  readonly out: ReadonlySet<number>;
  readonly request: TaskControlRequest;
}

/** `true`: it may proceed. Text: it may not, and why, for people. */
export type AckDecision = boolean | string;

export interface AckOptions {
  /** Operations that may begin now. */
  readonly ack: readonly TaskOperation[];
  /** Why others may not, by `opId`. */
  readonly reasons?: Readonly<Record<string, string>>;
  /** What is to become of tasks on hosts under maintenance. */
  readonly maintenance?: readonly MaintenanceReply[];
}

/** Says which operations may proceed. */
export type DecideAcks = (view: TaskControlView) => AckOptions | Promise<AckOptions>;

/**
 * Answers one request. Needs no memory: what was acked and has not ended comes back in `inFlight` until it has, and
 * what was acked in an answer that got lost is asked for again. So a controller may be killed and replaced any time.
 */
export async function answerTaskControl(request: TaskControlRequest, decide: DecideAcks): Promise<TaskControlResponse> {
  const { ack, reasons, maintenance } = await decide(viewOf(request));
  const asked = new Set(request.request.map(({ opId }) => opId));
  const acked = [...new Set(ack.map(({ opId }) => opId))].filter((opId) => asked.has(opId));
  return {
    ack: acked,
    acknowledgedSequence: request.sequenceNumber,
    ...(reasons === undefined ? {} : { reasons: { ...reasons } }),
    ...(maintenance === undefined ? {} : { maintenance: [...maintenance] }),
  };
}

export function viewOf(request: TaskControlRequest): TaskControlView {
  const out = new Set([...request.allUnhealthyTasks, ...request.inFlight.map(({ index }) => index)]);
  return { job: request.jobHandle, waiting: request.request, out, request };
}

/**
 * Goes through the waiting operations in order and takes those that `mayGo` lets pass, each seeing those before it as
 * out already: `ackEach((task, out) => out.size < 2 || 'two are out already')`.
 */
export function ackEach(mayGo: (operation: TaskOperation, out: ReadonlySet<number>) => AckDecision): DecideAcks {
  return ({ waiting, out: before }) => {
    const out = new Set(before);
    const ack: TaskOperation[] = [];
    const reasons: Record<string, string> = {};
    for (const operation of waiting) {
      const decision = mayGo(operation, out);
      if (decision === true) {
        ack.push(operation);
        out.add(operation.index);
      } else if (typeof decision === 'string') reasons[operation.opId] = decision.slice(0, 300);
    }
    return { ack, reasons };
  };
}

/**
 * The same controller, with a word on maintenance as well: for each notice what becomes of its tasks there, or nothing
 * for the policy of the job: `withMaintenance(decide, (notice) => (notice.until! - notice.deadline! < 300_000 ? 'hold' : 'move'))`.
 */
export function withMaintenance(
  decide: DecideAcks,
  answer: (notice: AdvanceNotice, view: TaskControlView) => MaintenanceAnswer | undefined,
): DecideAcks {
  return async (view) => {
    const maintenance = view.request.advanceNotices.flatMap((notice): MaintenanceReply[] => {
      const said = answer(notice, view);
      return said === undefined ? [] : [{ notice: notice.id, answer: said }];
    });
    return { ...(await decide(view)), maintenance };
  };
}

import type { JobId, TaskControlRequest, TaskControlResponse, TaskControlSpec, TaskIndex } from '../../model/index.ts';

/** Kind of the effect that calls a controller. */
export const controlCall = 'controller/call';

/** One call, as it is written down before it is made. */
export interface ControlCall {
  readonly job: JobId;
  readonly control: TaskControlSpec;
  readonly request: TaskControlRequest;
  /** Serving tasks and the port that is asked, for controllers that read from the service. */
  readonly endpoints: readonly ServiceEndpoint[];
}

export interface ServiceEndpoint {
  readonly index: TaskIndex;
  readonly address: string;
  readonly port: number;
}

export type CallResult =
  | { readonly ok: true; readonly reply: TaskControlResponse }
  /** Why there is no answer, in words, without secrets. */
  | { readonly ok: false; readonly failure: string };

/** Makes a call within the spec's timeout. Never throws for what the other side does. */
export type CallController = (call: ControlCall, signal: AbortSignal) => Promise<CallResult>;

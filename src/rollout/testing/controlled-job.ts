import type { ControlAnswer } from '../../disruption/index.ts';
import type { TaskControlRequest, TaskControlResponse, TaskControlSpec } from '../../model/index.ts';
import type { JobDecision } from '../state.ts';
import { type SmallJob, smallJob } from './small-job.ts';

export const control: TaskControlSpec = {
  kind: 'http',
  url: 'http://127.0.0.1:9000/taskcontrol',
  secretHeaders: {},
  timeoutMs: 1000,
  intervalMs: 2000,
  alarmAfterMs: 60_000,
};

/** A small job with a TaskController: its calls are looked at, and answered by hand. */
export function controlledJob(options: SmallJob = {}) {
  const world = smallJob(options);
  world.change({ job: { ...world.state.job, taskControl: control } });
  const answer = (given: Pick<ControlAnswer, 'sequence' | 'reply' | 'failure'>): void => {
    const answers = [...(world.state.controlAnswers ?? []), { ...given, atMs: world.nowMs }];
    world.change({ controlAnswers: answers });
  };
  return {
    ...world,
    world,
    /** What the decision before wanted to ask; undefined: nothing. */
    get asked(): TaskControlRequest | undefined {
      return world.last.controllerRequest;
    },
    get last(): JobDecision {
      return world.last;
    },
    reply(sequence: number, reply: TaskControlResponse): void {
      answer({ sequence, reply, failure: undefined });
    },
    fail(sequence: number, failure = 'the connection was refused'): void {
      answer({ sequence, reply: undefined, failure });
    },
  };
}

/** Sets of indices, as the published figure has them. */
export function setsOf(request: TaskControlRequest | undefined) {
  const indices = (list: readonly { readonly index: number }[]): number[] => list.map(({ index }) => index).sort();
  return request && { request: indices(request.request), completed: indices(request.completed) };
}

import type { EffectKind } from '../engine/index.ts';
import type { Clock } from '../kit/index.ts';
import { type CallController, type ControlCall, controlCall } from './control/port.ts';
import { appendControlAnswer } from './rows.ts';

export interface ControlWorld {
  readonly call: CallController;
  readonly clock: Pick<Clock, 'nowMs'>;
}

/**
 * The effect that calls a job's TaskController, outside any transaction; what came of it is folded by `job/decide`.
 * It may run twice: the request carries its sequence number, and a controller may be asked the same again.
 */
export function controlEffects({ call, clock }: ControlWorld): readonly EffectKind[] {
  return [
    {
      kind: controlCall,
      safeToRepeat: true,
      leaseMs: 120_000,
      async run({ payload, signal }) {
        const one = payload as ControlCall;
        const result = await call(one, signal);
        // Interrupted, not answered: the next process calls again.
        signal.throwIfAborted();
        const base = { sequence: one.request.sequenceNumber, atMs: clock.nowMs() };
        const answer = result.ok
          ? { ...base, reply: result.reply, failure: undefined }
          : { ...base, reply: undefined, failure: result.failure };
        return {
          write: (tx) => appendControlAnswer(tx, one.job, answer),
          work: [{ kind: 'job/decide', key: one.job, urgent: true }],
        };
      },
    },
  ];
}

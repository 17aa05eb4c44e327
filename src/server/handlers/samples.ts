import type { PushBody } from '../../api/index.ts';
import type { PushedPoint } from '../../judge/index.ts';
import type { JobId } from '../../model/index.ts';
import type { House } from '../compose.ts';
import type { Handlers } from '../context.ts';
import { mayPushFor } from '../sources/may-push.ts';

/** Metrics that are handed in as plain JSON. */
export function sampleHandlers({ sources, clock }: House) {
  return {
    async pushSamples({ body }, { identity }) {
      await sources.refreshBook();
      const nowMs = clock.nowMs();
      const tasks = body.tasks.map(({ task, points }) => ({
        meant: 'address' in task ? task : { ...task, job: task.job as JobId },
        points: points.map((point) => pointOf(point, nowMs)),
      }));
      const { kept, refused, reasons } = sources.push.take(tasks, nowMs, mayPushFor(identity.scope));
      return { kept, refused, reasons: [...reasons] };
    },
  } satisfies Partial<Handlers>;
}

function pointOf(given: PushBody['tasks'][number]['points'][number], nowMs: number): PushedPoint {
  const { metric, labels, atMs = nowMs, startMs, gauge, total, added, histogram } = given;
  const base = { metric, labels, atMs, startMs };
  if (gauge !== undefined) return { ...base, value: { kind: 'gauge', value: gauge } };
  if (total !== undefined) return { ...base, value: { kind: 'counter', temporality: 'cumulative', value: total } };
  if (added !== undefined) return { ...base, value: { kind: 'counter', temporality: 'delta', value: added } };
  const { bounds, counts, sum, isTotal } = histogram!;
  const temporality = isTotal ? 'cumulative' : 'delta';
  const all = [...bounds, Number.POSITIVE_INFINITY];
  return { ...base, value: { kind: 'histogram', temporality, bounds: all, counts, sum } };
}

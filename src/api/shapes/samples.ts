import { z } from 'zod';
import { jobIdText } from './basics.ts';

const amount = z.number();
/** What a metric is: exactly one of these. Totals count since the process began, `added` since the last time. */
const pointValue = {
  gauge: amount.optional(),
  total: amount.nonnegative().optional(),
  added: amount.nonnegative().optional(),
  /** Upper bounds without the infinite one; one count more than bounds. */
  histogram: z
    .strictObject({
      bounds: z.array(amount).min(1).max(199),
      counts: z.array(amount.nonnegative()).min(2).max(200),
      sum: amount,
      isTotal: z.boolean().default(true),
    })
    .refine(({ bounds, counts }) => counts.length === bounds.length + 1, 'one count more than bounds')
    .optional(),
};

export const pushedPoint = z
  .strictObject({
    metric: z.string().regex(/^[a-zA-Z_:][a-zA-Z0-9_:.]{0,200}$/, 'a metric\u2019s name'),
    labels: z.record(z.string().max(100), z.string().max(500)).default({}),
    /** Default: when it arrives. */
    atMs: z.number().int().positive().optional(),
    /** Since when a total counts (the process\u2019s start), or an addition. */
    startMs: z.number().int().positive().optional(),
    ...pointValue,
  })
  .refine(
    (point) =>
      Object.keys(pointValue).filter((key) => key in point && point[key as 'gauge'] !== undefined).length === 1,
    'exactly one of gauge, total, added, histogram',
  )
  .refine(({ labels }) => Object.keys(labels).length <= 30, 'at most 30 labels');

/** Metrics of one task: named by job and index (with the incarnation, best), or by one of its addresses. */
export const pushedTask = z.strictObject({
  task: z.union([
    z.strictObject({
      job: jobIdText,
      index: z.number().int().nonnegative(),
      incarnation: z.number().int().nonnegative().optional(),
    }),
    z.strictObject({ address: z.string().min(3).max(200) }),
  ]),
  points: z.array(pushedPoint).min(1).max(2000),
});

export const pushBody = z.strictObject({ tasks: z.array(pushedTask).min(1).max(1000) });
export type PushBody = z.output<typeof pushBody>;

export const pushAnswer = z.object({
  kept: z.number().int(),
  refused: z.number().int(),
  /** The first few. */
  reasons: z.array(z.string()),
});

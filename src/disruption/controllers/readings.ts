import { z } from 'zod';

/** What a task of the service answers on the path that a built-in controller reads. Unknown fields are ignored. */
const index = z.number().int().nonnegative();

/** leader-last: `{"leader": 3}`, or null while the task knows none. */
export const leaderReading = z.object({ leader: index.nullable() });
/** shard-aware: `{"shards": {"users-7": [0, 3, 5]}}` */
export const shardReading = z.object({ shards: z.record(z.string().max(200), z.array(index).max(1000)) });
/** load-aware: `{"load": 0.73}`; 1 is what a task can bear. */
export const loadReading = z.object({ load: z.number().nonnegative() });

import { z } from 'zod';

/** Bodies of the agents' requests, by their route. */
export {
  helloSchema as hello,
  joinRequestSchema as join,
  logChunkSchema as logChunk,
  orderAckSchema as orderAck,
  reportsSchema as reports,
  samplesBatchSchema as samplesBatch,
  tailAnswerSchema as tailAnswer,
} from '../../api/index.ts';

export const digests = z.strictObject({ digests: z.array(z.string().regex(/^[0-9a-f]{64}$/)).max(100_000) });

import { sha256 } from '../../kit/index.ts';
import type { JobId } from '../../model/index.ts';

const hourMs = 3_600_000;
/** About once a day; 19 and 24 have no divisor in common, so that every hour of the day has its turn. */
const betweenMs = 19 * hourMs;
/** When something was being deployed, or there was too little to see. */
const againMs = hourMs;

/** When a job is calibrated next by itself, spread by its name over an hour. */
export function nextTry(job: JobId, nowMs: number, outcome: 'began' | 'tried' | 'refused'): number {
  const wait = outcome === 'tried' ? betweenMs : againMs;
  return nowMs + wait + (outcome === 'began' ? spread(job) : 0);
}

function spread(job: JobId): number {
  return Math.floor((Number.parseInt(sha256(job).slice(0, 6), 16) / 0x100_0000) * hourMs);
}

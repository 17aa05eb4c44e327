import { formatDuration } from '../kit/index.ts';
import type { HostId, Rate, ServiceName } from '../model/index.ts';
import type { LedgerOperation } from './facts.ts';
import type { JobLimits, SharedLimits } from './limits.ts';

/**
 * The times at which tasks were taken out under one limit. Each is a row of its own, so that limits hold across jobs:
 * whoever takes a token does so by one conditional UPDATE of the row it read.
 */
export interface RateBucket {
  /** `all`, `all/rack=a`, `service/shop`, `service/shop/rack=a` */
  readonly id: string;
  /** As people read it: `of shop`, `of all services in rack a`. */
  readonly name: string;
  readonly limit: Rate;
  /** Only tasks on hosts with this label; undefined: all. */
  readonly domain: { readonly label: string; readonly value: string } | undefined;
  /** Of the row as it was read; 0: there is none yet. */
  readonly revision: number;
  /** Of those that still count; ascending. */
  readonly takenAtMs: readonly number[];
}

export interface RateFacts {
  readonly nowMs: number;
  readonly buckets: readonly RateBucket[];
  /** Labels of the host on which the task is now. */
  readonly labels: Readonly<Record<string, string>>;
}

export type RateAnswer =
  /** The buckets (by id) of which it takes one token each when it is admitted. */
  | { readonly allowed: true; readonly takes: readonly string[] }
  | { readonly allowed: false; readonly atMs: number; readonly reason: string };

/** Asked once for each operation that would otherwise be admitted, in order. */
export type RateLimit = (operation: LedgerOperation, facts: RateFacts) => RateAnswer;

/**
 * Within any time as long as a limit's own, no more tasks are taken out than it says: the one that comes `count` later
 * waits until the first is so long ago. What takes nothing out (a start, a repair of what is out) is not asked about.
 */
export const limitRates: RateLimit = (_operation, { nowMs, buckets, labels }) => {
  const concerned = buckets.filter(({ domain }) => domain === undefined || labels[domain.label] === domain.value);
  let latest: { readonly bucket: RateBucket; readonly atMs: number } | undefined;
  for (const bucket of concerned) {
    const atMs = nextTokenAtMs(bucket, nowMs);
    if (atMs > nowMs && (latest === undefined || atMs > latest.atMs)) latest = { bucket, atMs };
  }
  if (latest === undefined) return { allowed: true, takes: concerned.map(({ id }) => id) };
  const { bucket, atMs } = latest;
  return { allowed: false, atMs, reason: `The rate ${rateName(bucket)} is used up; next ${clockTime(atMs)}.` };
};

/** When this bucket next has a token; now, or before it: it has one. */
export function nextTokenAtMs({ limit, takenAtMs }: RateBucket, nowMs: number): number {
  const taken = stillCounting(takenAtMs, limit.perMs, nowMs);
  const first = taken.at(-limit.count);
  return first === undefined ? nowMs : first + limit.perMs;
}

/** The bucket after one more was taken out. */
export function takeToken(bucket: RateBucket, nowMs: number): RateBucket {
  const taken = stillCounting(bucket.takenAtMs, bucket.limit.perMs, nowMs);
  return { ...bucket, takenAtMs: [...taken, nowMs].sort((a, b) => a - b) };
}

/** What is too long ago; and what lies further ahead than a whole period: the clock was set back meanwhile. */
function stillCounting(takenAtMs: readonly number[], perMs: number, nowMs: number): readonly number[] {
  return takenAtMs.filter((atMs) => atMs > nowMs - perMs && atMs <= nowMs + perMs);
}

/** `10 per 1 m of shop in rack a` */
export function rateName({ limit, name }: Pick<RateBucket, 'limit' | 'name'>): string {
  return `${limit.count} per ${formatDuration(limit.perMs)} ${name}`;
}

/** `at 12:03:20 UTC`: the same words as long as the token is the same. */
function clockTime(atMs: number): string {
  return `at ${new Date(Math.ceil(atMs / 1000) * 1000).toISOString().slice(11, 19)} UTC`;
}

/** Which buckets may concern a job: its service's and everybody's, also for each domain among its hosts. */
export function bucketsOf(
  service: ServiceName,
  own: Pick<JobLimits, 'rate' | 'ratePerDomain'>,
  shared: SharedLimits,
  hosts: Iterable<{ readonly id: HostId; readonly labels: Readonly<Record<string, string>> }>,
): Omit<RateBucket, 'revision' | 'takenAtMs'>[] {
  const found = new Map<string, Omit<RateBucket, 'revision' | 'takenAtMs'>>();
  const add = (base: string, who: string, limit: Rate, domain: RateBucket['domain']): void => {
    const id = domain === undefined ? base : `${base}/${domain.label}=${domain.value}`;
    const name = domain === undefined ? `of ${who}` : `of ${who} in ${domain.label} ${domain.value}`;
    found.set(id, { id, name, limit, domain });
  };
  const scopes = [
    { base: `service/${service}`, who: service, ...own },
    { base: 'all', who: 'all services', ...shared },
  ];
  for (const { base, who, rate, ratePerDomain } of scopes) {
    if (rate !== null) add(base, who, rate, undefined);
    if (Object.keys(ratePerDomain).length === 0) continue;
    for (const { labels } of hosts) {
      for (const [label, limit] of Object.entries(ratePerDomain)) {
        const value = labels[label];
        if (value !== undefined) add(base, who, limit, { label, value });
      }
    }
  }
  return [...found.values()];
}

import {
  type Collected,
  type MetricSource,
  parsePrometheusText,
  type ReadEndpoint,
  readTarget,
  type SourceFinding,
  type TargetMemory,
  type TaskAtTime,
} from '../index.ts';

/** An endpoint that the server itself scrapes: of a task that no agent of ours runs beside. */
export interface ScrapeTarget extends TaskAtTime {
  /** `http://10.0.0.7:9100/metrics` */
  readonly url: string;
  /** Tells one process from the next; without, only the incarnation does. */
  readonly process?: string | undefined;
}

export interface ScrapeOptions {
  readonly name?: string;
  /** As they are at the moment of the scrape. */
  readonly listTargets: () => readonly ScrapeTarget[] | Promise<readonly ScrapeTarget[]>;
  readonly read: ReadEndpoint;
  readonly binMs: number;
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
  readonly maxBytes?: number;
}

/** Of a bin: over how much of it the scrapes are spread, and how long one may take. */
const spreadShare = 0.4;
const deadlineShare = 0.5;
const longestDeadlineMs = 5000;
/** Few targets need no spreading: so much for each. */
const spreadPerTargetMs = 0.8;

/**
 * Scrapes targets outside the fleet. Each has its own fixed place in the bin (by its address), so that thousands are
 * not asked at once, and the time between two scrapes of one is a bin.
 */
export function scrapeSource(options: ScrapeOptions): MetricSource {
  const { binMs, read, sleep, maxBytes = 4 * 1024 * 1024 } = options;
  const name = options.name ?? 'scrape';
  const memories = new Map<string, TargetMemory>();
  const deadlineMs = Math.min(longestDeadlineMs, binMs * deadlineShare);

  const scrape = async (target: ScrapeTarget, waitMs: number, edgeMs: number, signal: AbortSignal) => {
    await sleep(waitMs, signal);
    if (signal.aborted) return { samples: [], findings: [] };
    const answer = await read(target.url, { deadlineMs, maxBytes, signal });
    const process = `${target.incarnation}/${target.process ?? ''}`;
    const parsed = answer.ok ? parsePrometheusText(answer.text) : undefined;
    const { memory, deltas, troubles } = readTarget(memories.get(target.url), { process, edgeMs, binMs, parsed });
    memories.set(target.url, memory);
    const { job, index, incarnation, version, state, labels: own } = target;
    const subject = `${job}/${index}`;
    const told = answer.ok ? troubles : [{ trouble: answer.trouble, what: answer.why }];
    return {
      samples: deltas.map(({ metric, labels, value }) => ({
        ...{ job, index, incarnation, version, state, metric, value },
        labels: { ...own, ...labels },
        fromMs: edgeMs - binMs,
        toMs: edgeMs,
      })),
      findings: told.map(
        ({ trouble, what }): SourceFinding => ({
          source: name,
          subject,
          trouble,
          sentence: `The metrics of ${subject} at ${target.url}: ${what}.`,
        }),
      ),
    };
  };

  return {
    name,
    async collect(edgeMs, signal): Promise<Collected> {
      const targets = await options.listTargets();
      const spreadMs = Math.min(binMs * spreadShare, targets.length * spreadPerTargetMs);
      const all = await Promise.all(
        targets.map((target) => scrape(target, placeOf(target.url) * spreadMs, edgeMs, signal)),
      );
      const urls = new Set(targets.map(({ url }) => url));
      for (const url of memories.keys()) if (!urls.has(url)) memories.delete(url);
      return { samples: all.flatMap(({ samples }) => samples), findings: all.flatMap(({ findings }) => findings) };
    },
  };
}

/** 0 to 1, the same for the same address. */
function placeOf(url: string): number {
  let hash = 2166136261;
  for (let i = 0; i < url.length; i += 1) hash = Math.imul(hash ^ url.charCodeAt(i), 16777619) >>> 0;
  return hash / 2 ** 32;
}

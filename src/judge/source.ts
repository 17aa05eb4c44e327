import type { Sample, SourceTrouble } from '../model/index.ts';

/**
 * Where metrics come from. One port for those that are asked (an endpoint, a Prometheus server) and those that are
 * handed in (push, OTLP): once per bin each gives what it knows of the bin that just ended.
 */
export interface MetricSource {
  /** For findings: `scrape`, `prometheus`, `push`. */
  readonly name: string;
  /**
   * What is known of the bin that ends at `edgeMs`. Settles well within a bin, whatever the other side does, and
   * rejects for nothing that the other side did: that is a finding. What was not measured is not there.
   */
  collect(edgeMs: number, signal: AbortSignal): Promise<Collected>;
}

export interface Collected {
  readonly samples: readonly Sample[];
  readonly findings: readonly SourceFinding[];
}

export interface SourceFinding {
  readonly source: string;
  /** `guestbook@production/3`, or the address of a server. */
  readonly subject: string;
  readonly trouble: SourceTrouble;
  readonly sentence: string;
}

/** What an endpoint answered, or why there is nothing. */
export type Scrape =
  | { readonly ok: true; readonly text: string }
  | { readonly ok: false; readonly trouble: SourceTrouble; readonly why: string };

export interface EndpointLimits {
  readonly deadlineMs: number;
  readonly maxBytes: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
}
/** Reads an endpoint that may hang, lie or never end. Never rejects. Implemented by `io/fetch-metrics.ts`. */
export type ReadEndpoint = (url: string, limits: EndpointLimits) => Promise<Scrape>;

import type { Attributes } from './request.ts';
import { OtlpError } from './request.ts';

/** Kinds of spans, as OTLP numbers them. */
export const spanKinds = { unspecified: 0, internal: 1, server: 2, client: 3, producer: 4, consumer: 5 } as const;

/** A span as far as it is read: when, below which other one, and what its name by the conventions is made of. */
export interface OtlpSpan {
  /** Hexadecimal, lower case. */
  readonly traceId: string;
  readonly spanId: string;
  /** Empty: the first of its trace. */
  readonly parentId: string;
  readonly kind: number;
  readonly name: string;
  /** Microseconds since the epoch: exact as numbers until 2255. */
  readonly startUs: number;
  readonly endUs: number;
  /** Those of `spanAttributes` only. */
  readonly attributes: Attributes;
}

export interface OtlpResourceSpans {
  readonly attributes: Attributes;
  readonly spans: readonly OtlpSpan[];
}

/** What the name of a component is made of; everything else about a span is skipped unread. */
export const spanAttributes: ReadonlySet<string> = new Set([
  ...['db.system.name', 'db.system', 'db.operation.name', 'db.operation', 'db.query.text', 'db.statement'],
  ...['rpc.system.name', 'rpc.system', 'rpc.service', 'rpc.method'],
  ...['http.request.method', 'http.method', 'server.address', 'net.peer.name'],
  ...['messaging.system', 'messaging.operation.type', 'messaging.operation'],
]);

/** Of one request: an SDK sends 512 spans at once, a collector some thousands. */
export const spanLimits = { resources: 5000, spans: 50_000, name: 200, attribute: 200 } as const;

/** Counts what is read against the limits. */
export class SpanBudget {
  #resources = 0;
  #spans = 0;

  resource(): void {
    this.#resources += 1;
    if (this.#resources > spanLimits.resources)
      throw new OtlpError(`more than ${spanLimits.resources} resources at once`);
  }

  span(): void {
    this.#spans += 1;
    if (this.#spans > spanLimits.spans) throw new OtlpError(`more than ${spanLimits.spans} spans at once`);
  }
}

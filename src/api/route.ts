import type { z } from 'zod';

/** What somebody may do: each role includes the ones before it. `public` needs no sign-in. */
export const roles = ['public', 'viewer', 'operator', 'admin'] as const;
/** `push` stands aside: it may hand in metrics and nothing else; an operator may too, a viewer not. */
export type Role = (typeof roles)[number] | 'push';

export type Method = 'GET' | 'POST' | 'PUT' | 'DELETE';

type ObjectSchema = z.ZodObject;

/** One row of the table of routes: everything both sides need to know of it. */
export interface Route {
  readonly method: Method;
  /** `/api/v1/rollouts/:rollout`; each `:name` is a key of `params`. */
  readonly path: string;
  /** One line, for the reference. */
  readonly summary: string;
  /** What it is filed under in the reference. */
  readonly tag: string;
  readonly role: Role;
  readonly params?: ObjectSchema;
  readonly query?: ObjectSchema;
  readonly body?: z.ZodType;
  /** The body is bytes, not JSON. */
  readonly bytes?: { readonly maxBytes: number };
  /** Status of success; default 200. */
  readonly status?: 200 | 201 | 202 | 204;
  /** Body of success; absent: none. */
  readonly response?: z.ZodType;
  /** The answer is a stream of server-sent events, described in `live.ts`. */
  readonly stream?: true;
  /** Repeating it with the same `Idempotency-Key` gives the first answer again. */
  readonly idempotent?: true;
  /** Takes `If-Match` with the `ETag` of the resource as it was read. */
  readonly ifMatch?: true;
}

/** Keeps the exact types of one row. */
export function route<const R extends Route>(row: R): R {
  return row;
}

type Part<R, K extends string, In> = R extends { readonly [k in K]: infer S extends z.ZodType }
  ? { readonly [k in K]: In extends true ? z.input<S> : z.output<S> }
  : unknown;
type Loosened<T> = { readonly [k in keyof T]: T[k] | undefined };
/** A query with a default or optional key throughout may be left out; one with a required key may not. */
type QueryPart<R> = R extends { readonly query: infer S extends z.ZodType }
  ? Record<never, never> extends z.input<S>
    ? { readonly query?: Partial<Loosened<z.output<S>>> }
    : { readonly query: QueryKeys<z.input<S>, z.output<S>> }
  : unknown;
type RequiredKeys<In> = { [k in keyof In]-?: Record<never, never> extends Pick<In, k> ? never : k }[keyof In];
type QueryKeys<In, Out> = { readonly [k in RequiredKeys<In> & keyof Out]: Out[k] } & Partial<Loosened<Out>>;
type BytesPart<R> = R extends { readonly bytes: object } ? { readonly bytes: Uint8Array } : unknown;

/** What a caller of this route gives. */
export type InputOf<R> = Part<R, 'params', false> & QueryPart<R> & Part<R, 'body', true> & BytesPart<R>;

type ParsedQuery<R> = R extends { readonly query: infer S extends z.ZodType }
  ? { readonly query: z.output<S> }
  : unknown;
/** What its handler gets: everything validated, defaults filled in. */
export type ParsedOf<R> = Part<R, 'params', false> & ParsedQuery<R> & Part<R, 'body', false> & BytesPart<R>;

/** What it answers. */
export type OutputOf<R> = R extends { readonly response: infer S extends z.ZodType } ? z.output<S> : undefined;

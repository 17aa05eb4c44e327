import type { Compilable, CompiledQuery, QueryResult } from 'kysely';
import { dialectOf } from './dialect.ts';
import type { Tx } from './schema.ts';

/** Stands for a parameter while a statement is compiled. */
class Slot {
  readonly name: string;
  constructor(name: string) {
    this.name = name;
  }
}

interface Plan<R> {
  readonly query: CompiledQuery<R>;
  /** Per parameter: the name of the argument it comes from, or a constant. */
  readonly parameters: readonly unknown[];
}

/**
 * A statement that is built and compiled once per database and then only gets new arguments: building a Kysely query
 * takes longer than an in-memory SQLite needs to run it. Arguments may stand wherever a value may.
 *
 *     const findTask = prepare<{ job: string }, TaskRow>((db, p) => db.selectFrom('task').selectAll().where('job', '=', p.job));
 *     const rows = await findTask(tx, { job });
 */
export function prepare<P extends object, R = unknown>(
  build: (db: Tx, parameters: P) => Compilable<R>,
): (tx: Tx, args: P) => Promise<R[]> {
  const execute = prepareCounted(build);
  return async (tx, args) => (await execute(tx, args)).rows;
}

/** The same for a statement without rows: how many it changed. */
export function prepareChange<P extends object>(
  build: (db: Tx, parameters: P) => Compilable<unknown>,
): (tx: Tx, args: P) => Promise<number> {
  const execute = prepareCounted(build);
  return async (tx, args) => Number((await execute(tx, args)).numAffectedRows ?? 0);
}

/** One prepared statement for each limit that is asked for (a limit is better not a parameter, see `sqlite.ts`). */
export function byLimit<T>(prepareWith: (limit: number) => T): (limit: number) => T {
  const statements = new Map<number, T>();
  return (limit) => {
    let statement = statements.get(limit);
    if (statement === undefined) {
      statement = prepareWith(limit);
      statements.set(limit, statement);
    }
    return statement;
  };
}

/**
 * One prepared statement for lists of any length: `padded(values)` are its arguments, `list(p)` what stands in its
 * `in (…)`. Lists are filled up with their first value, so that a dozen statements serve all lengths.
 *
 *     const selectVersions = byLength((list) => prepare<readonly string[], Row>((db, p) => db….where('id', 'in', list(p))));
 *     const rows = await selectVersions(ids.length)(tx, padded(ids));
 */
export function byLength<T>(
  prepareWith: (list: <V>(parameters: readonly V[], from?: number) => V[]) => T,
): (length: number) => T {
  const statements = byLimit((length: number) =>
    prepareWith((parameters, from = 0) => Array.from({ length }, (_, at) => parameters[from + at] as never)),
  );
  return (length) => statements(paddedLength(length));
}

export function padded<V>(values: readonly V[]): readonly V[] {
  const missing = paddedLength(values.length) - values.length;
  return missing === 0 ? values : [...values, ...Array.from({ length: missing }, () => values[0] as V)];
}

/** 1, 2, 4 … 1024, 2048, 3072 … */
function paddedLength(length: number): number {
  if (length > 1024) return 1024 * Math.ceil(length / 1024);
  return length <= 1 ? 1 : 2 ** Math.ceil(Math.log2(length));
}

function prepareCounted<P extends object, R>(
  build: (db: Tx, parameters: P) => Compilable<R>,
): (tx: Tx, args: P) => Promise<QueryResult<R>> {
  const plans: { sqlite?: Plan<R>; postgres?: Plan<R> } = {};
  return (tx, args) => {
    const dialect = dialectOf(tx);
    plans[dialect] ??= plan(tx, build);
    const { query, parameters } = plans[dialect];
    const values = parameters.map((one) => (one instanceof Slot ? args[one.name as keyof P] : one));
    return tx.executeQuery<R>({ ...query, parameters: values });
  };
}

function plan<P extends object, R>(tx: Tx, build: (db: Tx, parameters: P) => Compilable<R>): Plan<R> {
  const slots = new Proxy({} as P, { get: (_, name) => new Slot(String(name)) });
  const query = build(tx, slots).compile();
  return { query, parameters: query.parameters };
}

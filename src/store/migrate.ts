import { type CompiledQuery, type DatabaseConnection, type Kysely, type QueryResult, sql } from 'kysely';
import { sha256 } from '../kit/index.ts';
import { ProblemError, problem } from '../model/index.ts';
import { dialectOf } from './dialect.ts';
import type { Migration } from './migrations.ts';
import type { Tx } from './schema.ts';
import type { Store } from './store.ts';
import { bindTx, type Language } from './transaction.ts';

/** A step as the database remembers it. `digest` is over the statements it ran. */
interface Applied {
  readonly name: string;
  readonly digest: string;
}

/** An arbitrary number that servers agree on, so that two of them do not migrate at once. */
const migrationLock = 7_070_001;

/**
 * Runs the steps the database lacks, all in one transaction. Refuses a database with steps that this program does not
 * know (`server/newer-store`), or whose steps read differently there (`server/changed-store`).
 */
export async function migrate(store: Store, steps: readonly Migration[]): Promise<void> {
  await store.transaction(async (tx) => {
    const db = tx as unknown as Kysely<{ migration: Applied & { position: number } }>;
    if (dialectOf(tx) === 'postgres') await sql`select pg_advisory_xact_lock(${sql.lit(migrationLock)})`.execute(db);
    await db.schema
      .createTable('migration')
      .ifNotExists()
      .addColumn('position', 'integer', (column) => column.primaryKey())
      .addColumn('name', 'text', (column) => column.notNull().unique())
      .addColumn('digest', 'text', (column) => column.notNull())
      .execute();
    const applied = await db.selectFrom('migration').select(['name', 'digest']).orderBy('position').execute();
    const known = await Promise.all(steps.map((step) => scriptOf(step, tx)));
    refuseStrangers(applied, known);
    for (const [position, { name, digest, statements }] of known.entries()) {
      if (position < applied.length) continue;
      for (const statement of statements) await tx.executeQuery(statement);
      await db.insertInto('migration').values({ position, name, digest }).execute();
    }
  });
}

function refuseStrangers(applied: readonly Applied[], known: readonly Applied[]): void {
  for (const [position, step] of applied.entries()) {
    const mine = known[position];
    if (mine === undefined || mine.name !== step.name) {
      throw new ProblemError(
        problem('server/newer-store', `Its schema has the step ${step.name}, which this version does not know.`, {
          step: step.name,
        }),
      );
    }
    if (mine.digest !== step.digest) {
      throw new ProblemError(
        problem('server/changed-store', `The step ${step.name} of its schema reads differently in this version.`, {
          step: step.name,
        }),
      );
    }
  }
}

/** A step as the statements it consists of. */
interface Script extends Applied {
  readonly statements: readonly CompiledQuery[];
}

const scripts = {
  sqlite: new WeakMap<Migration, Promise<Script>>(),
  postgres: new WeakMap<Migration, Promise<Script>>(),
};

/** The step's script for this database, written once per process: tests and simulations open thousands of stores. */
function scriptOf(step: Migration, tx: Tx): Promise<Script> {
  const known = scripts[dialectOf(tx)];
  let script = known.get(step);
  if (script === undefined) {
    script = writeScript(step, tx);
    known.set(step, script);
  }
  return script;
}

/** Runs the step against a connection that only listens. So a step cannot read: what it changes, it changes in SQL. */
async function writeScript(step: Migration, tx: Tx): Promise<Script> {
  const statements: CompiledQuery[] = [];
  const listener: DatabaseConnection = {
    async executeQuery<R>(query: CompiledQuery): Promise<QueryResult<R>> {
      statements.push(query);
      return { rows: [] };
    },
    // biome-ignore lint/correctness/useYield: a migration never streams
    async *streamQuery() {
      throw new Error('a migration may not read');
    },
  };
  const executor = tx.getExecutor();
  const language: Language = {
    adapter: executor.adapter,
    compiler: { compileQuery: (node, id) => executor.compileQuery(node, id) },
  };
  await step.up(bindTx(language, listener).tx as unknown as Kysely<unknown>);
  return { name: step.name, digest: sha256(statements.map((one) => one.sql).join(';\n')), statements };
}

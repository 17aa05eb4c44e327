import type { Kysely } from 'kysely';

/** First schema of `fleet/`, the same on SQLite and PostgreSQL. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await createHosts(db);
  await createListening(db);
  await db.schema
    .createTable('placement')
    .addColumn('job', 'text', (c) => c.notNull())
    .addColumn('task_index', 'integer', (c) => c.notNull())
    .addColumn('incarnation', 'integer', (c) => c.notNull())
    .addColumn('host', 'text', (c) => c.notNull())
    .addColumn('cpu_millis', 'integer', (c) => c.notNull())
    .addColumn('memory_mb', 'integer', (c) => c.notNull())
    .addPrimaryKeyConstraint('placement_pk', ['job', 'task_index', 'incarnation'])
    .execute();
  await db.schema
    .createTable('endpoint')
    .addColumn('job', 'text', (c) => c.notNull())
    .addColumn('task_index', 'integer', (c) => c.notNull())
    .addColumn('incarnation', 'integer', (c) => c.notNull())
    .addColumn('host', 'text', (c) => c.notNull())
    .addColumn('version', 'text', (c) => c.notNull())
    .addColumn('state', 'text', (c) => c.notNull())
    .addColumn('address', 'text', (c) => c.notNull())
    .addColumn('ports', 'text', (c) => c.notNull())
    .addColumn('sequence', 'bigint', (c) => c.notNull())
    .addPrimaryKeyConstraint('endpoint_pk', ['job', 'task_index', 'incarnation'])
    .execute();
  await db.schema.createIndex('endpoint_host').on('endpoint').columns(['host']).execute();
}

async function createHosts(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('host')
    .addColumn('id', 'text', (c) => c.primaryKey())
    .addColumn('address', 'text', (c) => c.notNull())
    .addColumn('labels', 'text', (c) => c.notNull())
    .addColumn('cpu_millis', 'integer', (c) => c.notNull())
    .addColumn('memory_mb', 'integer', (c) => c.notNull())
    .addColumn('max_tasks', 'integer', (c) => c.notNull())
    .addColumn('abilities', 'text', (c) => c.notNull())
    .addColumn('agent_version', 'text', (c) => c.notNull())
    .addColumn('state', 'text', (c) => c.notNull())
    .addColumn('state_since_ms', 'bigint', (c) => c.notNull())
    .addColumn('last_seen_at_ms', 'bigint', (c) => c.notNull())
    .addColumn('free_disk_ratio', 'double precision', (c) => c.notNull())
    .addColumn('public_key', 'text', (c) => c.notNull())
    .addColumn('joined_at_ms', 'bigint', (c) => c.notNull())
    .execute();
  await db.schema
    .createTable('host_batch')
    .addColumn('host', 'text', (c) => c.primaryKey())
    .addColumn('batch', 'bigint', (c) => c.notNull())
    .execute();
  await db.schema
    .createTable('join_token')
    .addColumn('id', 'text', (c) => c.primaryKey())
    .addColumn('secret_hash', 'text', (c) => c.notNull().unique())
    .addColumn('created_by', 'text', (c) => c.notNull())
    .addColumn('created_at_ms', 'bigint', (c) => c.notNull())
    .addColumn('expires_at_ms', 'bigint', (c) => c.notNull())
    .addColumn('used_at_ms', 'bigint')
    .addColumn('used_by', 'text')
    .execute();
}

async function createListening(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('listener')
    .addColumn('id', 'text', (c) => c.primaryKey())
    .addColumn('since_ms', 'bigint', (c) => c.notNull())
    .addColumn('beat_at_ms', 'bigint', (c) => c.notNull())
    .execute();
  await db.schema
    .createTable('fleet_watch')
    .addColumn('id', 'integer', (c) => c.primaryKey())
    .addColumn('memory', 'text', (c) => c.notNull())
    .execute();
}

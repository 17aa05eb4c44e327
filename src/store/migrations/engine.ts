import { type Kysely, sql } from 'kysely';
import { addSerialKey, keptInKey } from '../dialect.ts';

/** First schema of `engine/`, the same on SQLite and PostgreSQL. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await createWork(db);
  await createEffects(db);
  await createCommands(db);
  await createEvents(db);
  await db.schema
    .createTable('engine_note')
    .addColumn('name', 'text', (c) => c.primaryKey())
    .addColumn('value', 'text', (c) => c.notNull())
    .execute();
}

async function createWork(db: Kysely<unknown>): Promise<void> {
  await keptInKey(db, db.schema.createTable('guard'))
    .addColumn('kind', 'text', (c) => c.notNull())
    .addColumn('id', 'text', (c) => c.notNull())
    .addColumn('revision', 'bigint', (c) => c.notNull())
    .addPrimaryKeyConstraint('guard_key', ['kind', 'id'])
    .execute();
  await keptInKey(db, db.schema.createTable('work'))
    .addColumn('kind', 'text', (c) => c.notNull())
    .addColumn('key', 'text', (c) => c.notNull())
    .addColumn('wanted', 'bigint', (c) => c.notNull())
    .addColumn('done', 'bigint', (c) => c.notNull())
    .addColumn('seen', 'bigint', (c) => c.notNull())
    .addColumn('ready_at', 'bigint', (c) => c.notNull())
    .addColumn('due_at', 'bigint', (c) => c.notNull())
    .addColumn('timer_at', 'bigint', (c) => c.notNull())
    .addColumn('urgent', 'integer', (c) => c.notNull())
    .addColumn('epoch', 'bigint', (c) => c.notNull())
    .addColumn('owner', 'text')
    .addColumn('attempts', 'integer', (c) => c.notNull())
    .addColumn('parked_at', 'bigint')
    .addColumn('last_error', 'text')
    .addPrimaryKeyConstraint('work_key', ['kind', 'key'])
    .execute();
  await db.schema.createIndex('work_ready').on('work').columns(['urgent', 'ready_at', 'kind', 'key']).execute();
}

async function createEffects(db: Kysely<unknown>): Promise<void> {
  await addSerialKey(db, db.schema.createTable('effect'), 'sequence')
    .addColumn('id', 'text', (c) => c.notNull().unique())
    .addColumn('kind', 'text', (c) => c.notNull())
    .addColumn('receiver', 'text', (c) => c.notNull())
    .addColumn('order_key', 'text')
    .addColumn('payload', 'text', (c) => c.notNull())
    .addColumn('state', 'text', (c) => c.notNull())
    .addColumn('ready_at', 'bigint', (c) => c.notNull())
    .addColumn('epoch', 'bigint', (c) => c.notNull())
    .addColumn('owner', 'text')
    .addColumn('attempts', 'integer', (c) => c.notNull())
    .addColumn('last_error', 'text')
    .addColumn('created_at', 'bigint', (c) => c.notNull())
    .addColumn('ended_at', 'bigint')
    .execute();
  // Partial: ended effects cost nothing.
  const isOpen = sql<boolean>`ended_at is null`;
  await db.schema.createIndex('effect_ready').on('effect').columns(['ready_at']).where(isOpen).execute();
  await db.schema
    .createIndex('effect_order')
    .on('effect')
    .columns(['receiver', 'order_key', 'sequence'])
    .where(isOpen)
    .execute();
}

async function createCommands(db: Kysely<unknown>): Promise<void> {
  await addSerialKey(db, db.schema.createTable('command'), 'sequence')
    .addColumn('id', 'text', (c) => c.notNull().unique())
    .addColumn('kind', 'text', (c) => c.notNull())
    .addColumn('key', 'text', (c) => c.notNull())
    .addColumn('name', 'text', (c) => c.notNull())
    .addColumn('arguments', 'text', (c) => c.notNull())
    .addColumn('actor', 'text', (c) => c.notNull())
    .addColumn('reason', 'text')
    .addColumn('at_ms', 'bigint', (c) => c.notNull())
    .addColumn('answered_at', 'bigint')
    .addColumn('ok', 'integer')
    .addColumn('detail', 'text')
    .execute();
  await db.schema
    .createIndex('command_pending')
    .on('command')
    .columns(['kind', 'key'])
    .where(sql<boolean>`answered_at is null`)
    .execute();
}

async function createEvents(db: Kysely<unknown>): Promise<void> {
  await addSerialKey(db, db.schema.createTable('event'), 'id')
    .addColumn('stream', 'text', (c) => c.notNull())
    .addColumn('sequence', 'bigint', (c) => c.notNull())
    .addColumn('type', 'text', (c) => c.notNull())
    .addColumn('at_ms', 'bigint', (c) => c.notNull())
    .addColumn('actor', 'text', (c) => c.notNull())
    .addColumn('data', 'text', (c) => c.notNull())
    .addColumn('facts', 'integer', (c) => c.notNull())
    .addColumn('hash', 'text', (c) => c.notNull())
    .addColumn('position', 'bigint')
    .addUniqueConstraint('event_stream', ['stream', 'sequence'])
    .addUniqueConstraint('event_position', ['position'])
    .execute();
  await db.schema
    .createIndex('event_unsealed')
    .on('event')
    .columns(['id'])
    .where(sql<boolean>`position is null`)
    .execute();
  await db.schema
    .createTable('fact')
    .addColumn('digest', 'text', (c) => c.primaryKey())
    .addColumn('content', 'text', (c) => c.notNull())
    .execute();
  await db.schema
    .createTable('event_seal')
    .addColumn('id', 'integer', (c) => c.primaryKey())
    .addColumn('position', 'bigint', (c) => c.notNull())
    .addColumn('digest', 'text', (c) => c.notNull())
    .addColumn('epoch', 'bigint', (c) => c.notNull())
    .addColumn('owner', 'text')
    .addColumn('lease_until', 'bigint', (c) => c.notNull())
    .execute();
  await sql`insert into event_seal (id, position, digest, epoch, owner, lease_until) values (1, 0, '', 0, null, 0)`.execute(
    db,
  );
}

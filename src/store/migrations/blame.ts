import type { Kysely } from 'kysely';

/** First schema of `blame/`, the same on SQLite and PostgreSQL. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('git_commit')
    .addColumn('repository', 'text', (c) => c.notNull())
    .addColumn('seq', 'integer', (c) => c.notNull())
    .addColumn('id', 'text', (c) => c.notNull())
    .addColumn('parents', 'text', (c) => c.notNull())
    .addColumn('author', 'text', (c) => c.notNull())
    .addColumn('subject', 'text', (c) => c.notNull())
    .addColumn('committed_at_ms', 'bigint', (c) => c.notNull())
    .addColumn('trailers', 'text')
    .addPrimaryKeyConstraint('git_commit_pk', ['repository', 'seq'])
    .addUniqueConstraint('git_commit_id', ['repository', 'id'])
    .execute();
  await db.schema
    .createTable('mark')
    .addColumn('id', 'text', (c) => c.primaryKey())
    .addColumn('repository', 'text', (c) => c.notNull())
    .addColumn('candidates', 'text', (c) => c.notNull())
    .addColumn('targets', 'text', (c) => c.notNull())
    .addColumn('evidence', 'text', (c) => c.notNull())
    .addColumn('seen_in', 'text')
    .addColumn('rollout', 'text')
    .addColumn('release', 'text')
    .addColumn('created_by', 'text', (c) => c.notNull())
    .addColumn('created_at_ms', 'bigint', (c) => c.notNull())
    .addColumn('cleared', 'text')
    .execute();
  await db.schema.createIndex('mark_by_repository').on('mark').columns(['repository', 'created_at_ms']).execute();
  await db.schema
    .createTable('mark_fix')
    .addColumn('mark', 'text', (c) => c.notNull())
    .addColumn('commit_id', 'text', (c) => c.notNull())
    .addColumn('by_actor', 'text', (c) => c.notNull())
    .addColumn('at_ms', 'bigint', (c) => c.notNull())
    .addPrimaryKeyConstraint('mark_fix_pk', ['mark', 'commit_id'])
    .execute();
  await db.schema
    .createTable('mark_override')
    .addColumn('mark', 'text', (c) => c.notNull())
    .addColumn('version', 'text', (c) => c.notNull())
    .addColumn('by_actor', 'text', (c) => c.notNull())
    .addColumn('reason', 'text', (c) => c.notNull())
    .addColumn('at_ms', 'bigint', (c) => c.notNull())
    .addPrimaryKeyConstraint('mark_override_pk', ['mark', 'version'])
    .execute();
  await db.schema
    .createTable('mark_request')
    .addColumn('rollout', 'text', (c) => c.primaryKey())
    .addColumn('repository', 'text', (c) => c.notNull())
    .addColumn('service', 'text', (c) => c.notNull())
    .addColumn('release', 'text')
    .addColumn('version', 'text', (c) => c.notNull())
    .addColumn('facts', 'text', (c) => c.notNull())
    .addColumn('state', 'text', (c) => c.notNull())
    .addColumn('outcome', 'text')
    .addColumn('at_ms', 'bigint', (c) => c.notNull())
    .execute();
  await db.schema.createIndex('mark_request_open').on('mark_request').columns(['repository', 'state']).execute();
  await db.schema
    .createTable('carrier')
    .addColumn('version', 'text', (c) => c.notNull())
    .addColumn('mark', 'text', (c) => c.notNull())
    .addPrimaryKeyConstraint('carrier_pk', ['version', 'mark'])
    .execute();
  await db.schema.createIndex('carrier_by_mark').on('carrier').column('mark').execute();
}

import type { Kysely } from 'kysely';

/** First schema of `pipeline/`, the same on SQLite and PostgreSQL. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await createSources(db);
  await createReleases(db);
  await createRest(db);
}

async function createSources(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('repository')
    .addColumn('name', 'text', (c) => c.primaryKey())
    .addColumn('location', 'text', (c) => c.notNull())
    .addColumn('branch', 'text', (c) => c.notNull())
    .addColumn('poll_every_ms', 'integer', (c) => c.notNull())
    .addColumn('created_at_ms', 'bigint', (c) => c.notNull())
    .addColumn('heads', 'text', (c) => c.notNull())
    .addColumn('polled_at_ms', 'bigint')
    .addColumn('reading_since_ms', 'bigint')
    .addColumn('is_read_wanted', 'integer', (c) => c.notNull())
    .addColumn('wanted_tips', 'text', (c) => c.notNull())
    .execute();
  await db.schema
    .createTable('git_news')
    .addColumn('id', 'text', (c) => c.primaryKey())
    .addColumn('repository', 'text', (c) => c.notNull())
    .addColumn('branch', 'text')
    .addColumn('tip', 'text', (c) => c.notNull())
    .addColumn('commits', 'text', (c) => c.notNull())
    .addColumn('at_ms', 'bigint', (c) => c.notNull())
    .execute();
  await db.schema
    .createTable('config_result')
    .addColumn('repository', 'text', (c) => c.notNull())
    .addColumn('commit_id', 'text', (c) => c.notNull())
    .addColumn('path', 'text', (c) => c.notNull())
    .addColumn('result', 'text')
    .addColumn('at_ms', 'bigint', (c) => c.notNull())
    .addPrimaryKeyConstraint('config_result_pk', ['repository', 'commit_id', 'path'])
    .execute();
  await db.schema
    .createTable('service_search')
    .addColumn('repository', 'text', (c) => c.notNull())
    .addColumn('commit_id', 'text', (c) => c.notNull())
    .addColumn('branch', 'text', (c) => c.notNull())
    .addColumn('at_ms', 'bigint', (c) => c.notNull())
    .addPrimaryKeyConstraint('service_search_pk', ['repository', 'commit_id', 'branch'])
    .execute();
  await db.schema
    .createTable('service')
    .addColumn('name', 'text', (c) => c.primaryKey())
    .addColumn('repository', 'text', (c) => c.notNull())
    .addColumn('config_path', 'text', (c) => c.notNull())
    .addColumn('branch', 'text', (c) => c.notNull())
    .addColumn('revision', 'integer')
    .addColumn('created_at_ms', 'bigint', (c) => c.notNull())
    .execute();
  await db.schema
    .createTable('pipeline_revision')
    .addColumn('service', 'text', (c) => c.notNull())
    .addColumn('revision', 'integer', (c) => c.notNull())
    .addColumn('digest', 'text', (c) => c.notNull())
    .addColumn('spec', 'text', (c) => c.notNull())
    .addColumn('commit_id', 'text', (c) => c.notNull())
    .addColumn('created_at_ms', 'bigint', (c) => c.notNull())
    .addPrimaryKeyConstraint('pipeline_revision_pk', ['service', 'revision'])
    .execute();
}

async function createReleases(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('release')
    .addColumn('id', 'text', (c) => c.primaryKey())
    .addColumn('service', 'text', (c) => c.notNull())
    .addColumn('pipeline_revision', 'integer', (c) => c.notNull())
    .addColumn('repository', 'text', (c) => c.notNull())
    .addColumn('commit_id', 'text', (c) => c.notNull())
    .addColumn('subject', 'text', (c) => c.notNull())
    .addColumn('author', 'text', (c) => c.notNull())
    .addColumn('position', 'double precision', (c) => c.notNull())
    .addColumn('created_at_ms', 'bigint', (c) => c.notNull())
    .addColumn('created_by', 'text', (c) => c.notNull())
    .addColumn('state', 'text', (c) => c.notNull())
    .addColumn('version', 'text')
    .addColumn('hold_after', 'text')
    .addColumn('is_named', 'integer', (c) => c.notNull())
    .addColumn('is_configured', 'integer', (c) => c.notNull())
    .addColumn('only_to', 'text')
    .addColumn('source', 'text')
    .addColumn('reason', 'text')
    .addColumn('ended_at_ms', 'bigint')
    .execute();
  await db.schema.createIndex('release_by_service').on('release').columns(['service', 'state']).execute();
  await db.schema.createIndex('release_by_order').on('release').columns(['service', 'created_at_ms']).execute();
  await db.schema
    .createTable('action_run')
    .addColumn('id', 'text', (c) => c.primaryKey())
    .addColumn('release', 'text', (c) => c.notNull())
    .addColumn('service', 'text', (c) => c.notNull())
    .addColumn('action', 'text', (c) => c.notNull())
    .addColumn('kind', 'text', (c) => c.notNull())
    .addColumn('attempt', 'integer', (c) => c.notNull())
    .addColumn('state', 'text', (c) => c.notNull())
    .addColumn('reason', 'text')
    .addColumn('rollout', 'text')
    .addColumn('environment', 'text')
    .addColumn('host', 'text')
    .addColumn('inputs', 'text', (c) => c.notNull())
    .addColumn('outputs', 'text', (c) => c.notNull())
    .addColumn('cache_key', 'text')
    .addColumn('is_machine_fault', 'integer', (c) => c.notNull())
    .addColumn('created_at_ms', 'bigint', (c) => c.notNull())
    .addColumn('started_at_ms', 'bigint')
    .addColumn('due_at_ms', 'bigint')
    .addColumn('ended_at_ms', 'bigint')
    .execute();
  await db.schema.createIndex('action_run_by_release').on('action_run').columns(['release', 'action']).execute();
  await db.schema.createIndex('action_run_by_rollout').on('action_run').column('rollout').execute();
  await db.schema.createIndex('action_run_by_service').on('action_run').columns(['service', 'state']).execute();
}

async function createRest(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('action_report')
    .addColumn('run', 'text', (c) => c.notNull())
    .addColumn('state', 'text', (c) => c.notNull())
    .addColumn('host', 'text', (c) => c.notNull())
    .addColumn('payload', 'text', (c) => c.notNull())
    .addColumn('at_ms', 'bigint', (c) => c.notNull())
    .addColumn('is_folded', 'integer', (c) => c.notNull())
    .addPrimaryKeyConstraint('action_report_pk', ['run', 'state'])
    .execute();
  await db.schema
    .createTable('deploy_hold')
    .addColumn('service', 'text', (c) => c.notNull())
    .addColumn('environment', 'text', (c) => c.notNull())
    .addColumn('by_name', 'text', (c) => c.notNull())
    .addColumn('reason', 'text', (c) => c.notNull())
    .addColumn('rollout', 'text')
    .addColumn('from_version', 'text')
    .addColumn('to_version', 'text')
    .addColumn('at_ms', 'bigint', (c) => c.notNull())
    .addPrimaryKeyConstraint('deploy_hold_pk', ['service', 'environment'])
    .execute();
  await db.schema
    .createTable('build_cache')
    .addColumn('cache_key', 'text', (c) => c.primaryKey())
    .addColumn('digest', 'text', (c) => c.notNull())
    .addColumn('size_bytes', 'bigint', (c) => c.notNull())
    .addColumn('run', 'text', (c) => c.notNull())
    .addColumn('at_ms', 'bigint', (c) => c.notNull())
    .execute();
  await db.schema
    .createTable('pipeline_finding')
    .addColumn('subject', 'text', (c) => c.primaryKey())
    .addColumn('problem', 'text', (c) => c.notNull())
    .addColumn('at_ms', 'bigint', (c) => c.notNull())
    .execute();
  await db.schema
    .createTable('version')
    .addColumn('id', 'text', (c) => c.primaryKey())
    .addColumn('service', 'text', (c) => c.notNull())
    .addColumn('repository', 'text', (c) => c.notNull())
    .addColumn('commit_id', 'text', (c) => c.notNull())
    .addColumn('release', 'text')
    .addColumn('package', 'text', (c) => c.notNull())
    .addColumn('task', 'text', (c) => c.notNull())
    .addColumn('created_at_ms', 'bigint', (c) => c.notNull())
    .execute();
  await db.schema.createIndex('version_by_repository').on('version').columns(['repository', 'service']).execute();
}

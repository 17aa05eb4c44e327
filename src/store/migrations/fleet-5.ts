import { type Kysely, sql } from 'kysely';

/** What all claims to a host together take, kept with each claim: to count them for every decision took longer than it. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('host_usage')
    .addColumn('host', 'text', (c) => c.primaryKey())
    .addColumn('claims', 'integer', (c) => c.notNull())
    .addColumn('tasks', 'integer', (c) => c.notNull())
    .addColumn('cpu_millis', 'integer', (c) => c.notNull())
    .addColumn('memory_mb', 'integer', (c) => c.notNull())
    .execute();
  await sql`
    insert into host_usage (host, claims, tasks, cpu_millis, memory_mb)
    select host, sum(claims), count(*), sum(cpu), sum(memory)
    from (
      select host, count(*) as claims, max(cpu_millis) as cpu, max(memory_mb) as memory
      from placement group by host, job, task_index
    ) as one group by host`.execute(db);
}

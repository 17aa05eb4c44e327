import { assert } from '../model/index.ts';
import { migrate } from './migrate.ts';
import { type Migration, migrations } from './migrations.ts';
import { openSqlite } from './sqlite.ts';
import type { Store, StoreOptions } from './store.ts';

/**
 * Opens the database and brings its schema up to date. Throws the problem `server/newer-store` when a newer Rollway
 * wrote it. `openStore({ kind: 'sqlite', path: ':memory:' })` is what tests and the simulator use.
 */
export async function openStore(options: StoreOptions, steps: readonly Migration[] = migrations): Promise<Store> {
  const store = await open(options);
  try {
    await migrate(store, steps);
    return store;
  } catch (error) {
    await store.close();
    throw error;
  }
}

async function open(options: StoreOptions): Promise<Store> {
  if (options.kind === 'sqlite') return openSqlite(options);
  assert(options.kind === 'postgres', 'no such kind of store', { kind: options });
  // Loaded only when asked for: most installations never need the driver.
  const { openPostgres } = await import('./postgres.ts');
  return openPostgres(options);
}

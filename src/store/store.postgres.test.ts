import { afterAll, describe } from 'vitest';
import { needsThat } from '../../test/skip.ts';
import { storeConformance } from './conformance.ts';
import { startPostgres } from './testing/postgres.ts';

const postgres = await startPostgres();
const isThere = needsThat('createDatabase' in postgres, 'postgres', 'the store is tested on a real PostgreSQL');
afterAll(async () => {
  if ('stop' in postgres) await postgres.stop();
});

describe.skipIf(!isThere)('with a server', () => {
  storeConformance('PostgreSQL', async () => {
    if (!('createDatabase' in postgres)) throw new Error(postgres.impossible);
    return { kind: 'postgres', url: await postgres.createDatabase() };
  });
});

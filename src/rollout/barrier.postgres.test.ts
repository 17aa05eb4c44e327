import { afterAll, describe } from 'vitest';
import { needsThat } from '../../test/skip.ts';
import { openStore } from '../store/index.ts';
import { startPostgres } from '../store/testing/postgres.ts';
import { barrierConformance } from './barrier.conformance.ts';

const postgres = await startPostgres();
const isThere = needsThat('createDatabase' in postgres, 'postgres', 'barriers are tested on a real PostgreSQL');
afterAll(async () => {
  if ('stop' in postgres) await postgres.stop();
});

describe.skipIf(!isThere)('with a server', () => {
  barrierConformance('PostgreSQL', async () => {
    if (!('createDatabase' in postgres)) throw new Error(postgres.impossible);
    return openStore({ kind: 'postgres', url: await postgres.createDatabase() });
  });
});

import { afterAll, describe, expect, it } from 'vitest';
import { openStore } from '../src/store/index.ts';
import { startPostgres } from '../src/store/testing/postgres.ts';
import { needsThat } from '../test/skip.ts';
import { crashScenario, listCrashPoints } from './crash.ts';
import { scenarioOf } from './scenario.ts';
import { closeWhole, runWholeOn } from './whole.ts';

const postgres = await startPostgres();
const isThere = needsThat('createDatabase' in postgres, 'postgres', 'the whole is simulated on a real PostgreSQL');
afterAll(closeWhole);
afterAll(async () => {
  if ('stop' in postgres) await postgres.stop();
});

async function open() {
  if (!('createDatabase' in postgres)) throw new Error(postgres.impossible);
  return openStore({ kind: 'postgres', url: await postgres.createDatabase() });
}

describe.skipIf(!isThere)('the whole on PostgreSQL', () => {
  it.each([1])('I1, I2, I3, I4, L1, L2 hold with seed %i', async (seed) => {
    const store = await open();
    try {
      const { violation, chainOk } = await runWholeOn(store, scenarioOf(seed));
      expect(violation?.message).toBeUndefined();
      expect(chainOk).toBe(true);
    } finally {
      await store.close();
    }
  });

  it.each(['rollout', 'revert'] as const)('a %s ends as it does on SQLite', async (kind) => {
    const { reference } = await listCrashPoints(crashScenario(kind));
    const store = await open();
    try {
      const { assignment, outcomes, marks } = await runWholeOn(store, crashScenario(kind));
      expect({ assignment, outcomes, marks }).toEqual({
        assignment: reference.assignment,
        outcomes: reference.outcomes,
        marks: reference.marks,
      });
    } finally {
      await store.close();
    }
  });
});

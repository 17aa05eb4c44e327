import { afterAll, describe, expect, it } from 'vitest';
import type { TaskController } from '../src/model/index.ts';
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

  it('C3 I1, I2, I3, I4, L1, L2 hold for a job with a TaskController', async () => {
    const store = await open();
    try {
      const controller: TaskController = ({ request, inFlight }) => ({
        ack: inFlight.length === 0 ? request.slice(0, 1).map(({ opId }) => opId) : [],
      });
      const { violation, outcomes } = await runWholeOn(store, crashScenario('rollout'), { controller });
      expect(violation?.message).toBeUndefined();
      expect(outcomes).toEqual(['succeeded']);
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

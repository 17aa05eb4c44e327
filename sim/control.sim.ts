import { afterAll, describe, expect, it } from 'vitest';
import { budgetOnly } from '../src/disruption/index.ts';
import { seededChance } from '../src/kit/index.ts';
import type { TaskController } from '../src/model/index.ts';
import { crashScenario, proveCrashes } from './crash.ts';
import { withoutReality } from './no-reality.ts';
import { scenarioOf } from './scenario.ts';
import { startMs } from './versions.ts';
import { closeWhole, runWhole } from './whole.ts';
import { type RunOptions, runDecisions } from './world.ts';

const oneAtATime: TaskController = ({ request, inFlight }) => ({
  ack: inFlight.length === 0 ? request.slice(0, 1).map(({ opId }) => opId) : [],
});

/** Services as they may be: each is a function from request to answer. */
const controllers: Readonly<Record<string, (seed: number) => NonNullable<RunOptions['controller']>>> = {
  'acks everything': () => budgetOnly,
  'lets one task go at a time': () => oneAtATime,
  'answers every third call, and acks at random': (seed) => {
    const chance = seededChance(seed, 'service');
    return ({ request }) =>
      chance.next() < 0.67 ? undefined : { ack: request.filter(() => chance.next() < 0.5).map(({ opId }) => opId) };
  },
  'is silent for three minutes': () => (request, nowMs) =>
    nowMs < startMs + 180_000 ? undefined : budgetOnly(request),
  'acks what nobody asked for': () => (request) => ({
    ack: [...budgetOnly(request).ack, ...request.inFlight.map(({ opId }) => opId), 'op_invented'],
    acknowledgedSequence: request.sequenceNumber + 1_000_000,
  }),
};

describe('jobs with a TaskController under faults', () => {
  it.each(Object.entries(controllers))(
    'I1, I2, I3, I4, L1, L2 C3 C8 TWC-7 hold with one that %s',
    {
      timeout: 60_000,
    },
    (_, controllerOf) => {
      const broken: string[] = [];
      for (let seed = 70_001; seed <= 70_060; seed++) {
        const options = { controller: controllerOf(seed) };
        const { violation } = withoutReality(() => runDecisions(scenarioOf(seed), options));
        if (violation !== undefined) broken.push(`seed ${seed}: ${violation.message}`);
      }
      expect(broken).toEqual([]);
    },
  );
});

describe('the whole with a TaskController', () => {
  afterAll(closeWhole);

  it.each(['lets one task go at a time', 'answers every third call, and acks at random'])(
    'I1, I2, I3, I4, L1, L2 hold on the real engine with one that %s',
    { timeout: 60_000 },
    async (name) => {
      for (let seed = 70_101; seed <= 70_104; seed++) {
        const { violation } = await runWhole(scenarioOf(seed), { controller: controllers[name]!(seed) });
        expect(violation?.message, `seed ${seed}`).toBeUndefined();
      }
    },
  );

  it('TWC-8 killed and replaced by one without memory at any moment: no operation begins twice, and it goes on within 2 s', {
    timeout: 120_000,
  }, async () => {
    const awayMs = 3300;
    const waits: number[] = [];
    for (let atMs = startMs; atMs < startMs + 24_000; atMs += 370) {
      const backMs = atMs + awayMs;
      let isMissed = false;
      let firstAfterMs: number | undefined;
      const controller: RunOptions['controller'] = (request, nowMs) => {
        if (nowMs >= atMs && nowMs < backMs) {
          isMissed ||= request.request.length > 0;
          return undefined;
        }
        if (nowMs >= backMs) firstAfterMs ??= nowMs;
        return oneAtATime(request);
      };
      const result = await runWhole(crashScenario('rollout'), { controller });
      // That it was begun once per operation and incarnation, and that all ended well, is what the run itself holds.
      expect(result).toMatchObject({ violation: undefined, outcomes: ['succeeded'] });
      // Else no operation waited for it while it was away.
      if (isMissed) waits.push(firstAfterMs! - backMs);
    }
    expect(waits.length).toBeGreaterThan(15);
    expect(Math.max(...waits)).toBeLessThan(2000);
  });

  it('A1 TWC-9 wherever the server dies between and in calls: each task is updated once, and the end is the same', {
    timeout: 120_000,
  }, async () => {
    const { points, reference, failures } = await proveCrashes(crashScenario('rollout'), 9, oneAtATime);
    expect(reference).toMatchObject({ violation: undefined, outcomes: ['succeeded'] });
    expect(points).toBeGreaterThan(100);
    expect(failures).toEqual([]);
  });
});

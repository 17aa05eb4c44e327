import { afterAll, describe, expect, it } from 'vitest';
import { budgetOnly, type LoadLimits, loadAware, mostAtOnce, shardAware } from '../src/disruption/index.ts';
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

const paceLimits: LoadLimits = { low: 0.5, high: 0.9, floor: 1 };

/** A day of two minutes: from 0.3 to 1 and back; every seventh time nobody knows. */
function loadsAt(nowMs: number, sequence: number): readonly number[] {
  return sequence % 7 === 0 ? [] : [0.65 - 0.35 * Math.cos((nowMs / 120_000) * 2 * Math.PI)];
}

/** Shard n has replicas on the tasks n, n + 1 and n + 5, of sixteen. */
const shards = Object.fromEntries(Array.from({ length: 16 }, (_, n) => [`s${n}`, [n, (n + 1) % 16, (n + 5) % 16]]));

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
  'goes slower at peak, by its load': () => (request, nowMs) =>
    loadAware(request, loadsAt(nowMs, request.sequenceNumber), paceLimits),
  'has shards, and rides out short maintenance': () => (request, nowMs) =>
    // What never serves would keep a shard short for ever.
    nowMs > startMs + 180_000 ? budgetOnly(request) : shardAware(request, shards, { keep: null, rideOutMs: 30_000 }),
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

describe('D10 TWD-10 the pace by load under faults', () => {
  it('never lets more be in flight than the load permits, and every rollout comes to its end', {
    timeout: 60_000,
  }, () => {
    const beyond: unknown[] = [];
    let atPeak = 0;
    for (let seed = 70_201; seed <= 70_240; seed++) {
      const controller: RunOptions['controller'] = (request, nowMs) => {
        const loads = loadsAt(nowMs, request.sequenceNumber);
        const reply = loadAware(request, loads, paceLimits);
        const inFlight = request.inFlight.length;
        const permitted = mostAtOnce(loads[0] ?? 1, paceLimits, request.request.length + inFlight);
        if (reply.ack.length > 0 && reply.ack.length + inFlight > permitted) beyond.push({ seed, nowMs, loads });
        if (permitted === 1 && request.request.length > 1) atPeak += 1;
        return reply;
      };
      const { violation } = withoutReality(() => runDecisions(scenarioOf(seed), { controller }));
      expect(violation?.message, `seed ${seed}`).toBeUndefined();
    }
    expect(beyond).toEqual([]);
    expect(atPeak).toBeGreaterThan(10);
  });
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

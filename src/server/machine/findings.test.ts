import { expect, test } from 'vitest';
import { decideDoctor } from './doctor.ts';
import { decideFindings, type FindingFacts } from './findings.ts';

const calm: FindingFacts = {
  parkedWork: [],
  parkedEffects: [],
  hosts: [],
  isMassSilence: false,
  freeDiskRatio: 0.5,
  leastFreeDiskRatio: 0.05,
  runningCarriers: [],
  stoppedRollouts: [],
  controllers: [],
  overdue: [],
  drivers: [],
  problems: [],
  metrics: [],
};
const host = {
  id: 'host-1',
  state: 'lost',
  freeDiskRatio: 0.5,
  lastSeenAtMs: 0,
  stateSinceMs: 7,
  agentVersion: '0.1.0',
  abilities: [],
} as unknown as FindingFacts['hosts'][number];

test('a calm installation has no findings', () => {
  expect(decideFindings(calm)).toEqual([]);
});

test.each([
  ['a full disk stops builds first', { freeDiskRatio: 0.04 }, 'disk', 'alarm', /builds and uploads do not start/],
  ['mass silence', { isMassSilence: true }, 'alarm', 'alarm', /nothing is moved/],
  [
    'TWM-5 work that takes longer than it was said to',
    { overdue: [{ id: 'mnt_1', scope: 'rack=a', untilMs: 5 }] },
    'host',
    'warning',
    /rack=a should be over, and mnt_1 is not ended/,
  ],
  ['a lost host', { hosts: [host] }, 'host', 'alarm', /host-1 is lost/],
  [
    'metrics that are wrong on many tasks are one finding',
    {
      metrics: [0, 1].map((index) => ({
        source: 'scrape',
        subject: `shop@production/${index}`,
        trouble: 'slow',
        sentence: `The metrics of shop@production/${index}: no whole answer within 700 ms.`,
        remedy: 'Make it answer faster, or expose less.',
        sinceMs: 5,
        lastMs: 6,
      })),
    },
    'metrics',
    'warning',
    /shop@production\/0: no whole answer .* The same holds for 1 other\./,
  ],
  [
    'a carrier that runs',
    { runningCarriers: [{ mark: 'mark_1', job: 'a@b', tasks: 3 }] },
    'running-carrier',
    'warning',
    /3 tasks of a@b/,
  ],
  [
    'work set aside',
    { parkedWork: [{ kind: 'job/decide', key: 'a@b', attempts: 8, parkedAtMs: 1, lastError: 'boom\n  at x.ts:1' }] },
    'parked-work',
    'warning',
    /job\/decide of a@b .* boom$/,
  ],
])('%s', (_, change, kind, severity, sentence) => {
  const [found, ...others] = decideFindings({ ...calm, ...change } as FindingFacts);
  expect(others).toEqual([]);
  expect(found).toMatchObject({ kind, severity });
  expect(found!.sentence).toMatch(sentence);
  expect(found!.remedy).not.toBe('');
});

test('what is worst comes first', () => {
  const facts = { ...calm, freeDiskRatio: 0, runningCarriers: [{ mark: 'mark_1', job: 'a@b', tasks: 3 }] };
  expect(decideFindings(facts).map(({ severity }) => severity)).toEqual(['alarm', 'warning']);
});

test('doctor says of everything whether it is well', () => {
  const settings = { version: '0.1.0', dataFolder: '/x', leastFreeDiskRatio: 0.05 };
  const of = (facts: FindingFacts) =>
    decideDoctor({
      ...{ facts, settings, storeKind: 'sqlite', startedAtMs: 1, nowMs: 3, isConnected: () => false },
      configurations: { noNetwork: false, detail: 'with a network' },
      plugins: [{ file: '/p.mjs', strategies: ['by-moon'], drivers: [] }],
      calibrations: [
        { job: 'a@b', atMs: 1, nextAtMs: 7_200_000, refused: undefined },
        { job: 'c@b', atMs: 1, nextAtMs: 3_600_000, refused: 'Something is being deployed.' },
      ],
    });
  expect(of(calm)).toMatchObject({ uptimeMs: 2, store: 'sqlite' });
  const states = Object.fromEntries(of({ ...calm, hosts: [host] }).checks.map(({ name, state }) => [name, state]));
  expect(states).toEqual({
    ...{ store: 'ok', disk: 'ok', hosts: 'warning', isolation: 'warning' },
    ...{ configurations: 'warning', work: 'ok', 'plug-ins': 'ok', calibration: 'ok' },
  });
  expect(of(calm).checks.find(({ name }) => name === 'calibration')?.sentence).toBe(
    'Of 2 jobs the next is c@b. Checks could not be tried at 1970-01-01 00:00 UTC; next at 1970-01-01 01:00 UTC. Something is being deployed.',
  );
});

test('a failed rollout that nothing but a person brings on is an alarm', () => {
  const stopped = { rollout: 'ro_1', job: 'shop@production', reason: 'It is not undone by itself.', sinceMs: 5 };
  expect(decideFindings({ ...calm, stoppedRollouts: [stopped] })).toMatchObject([
    { kind: 'stopped-rollout', severity: 'alarm', subject: 'rollout/ro_1', sinceMs: 5 },
  ]);
});

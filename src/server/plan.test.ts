import fc from 'fast-check';
import { expect, test } from 'vitest';
import { budgetOf, type Maintenance, type ServiceSpec } from '../model/index.ts';
import { ownStrategies } from '../rollout/index.ts';
import { compileSpec } from '../spec/index.ts';
import { type DeployAction, decidePlan, type PlanFacts } from './plan.ts';

function specOf(config: object): ServiceSpec {
  const compiled = compileSpec(
    { name: 'shop', command: 'node server.js', ready: '/healthz', ...config },
    'rollway.yaml',
  );
  if (!compiled.ok) throw new Error(JSON.stringify(compiled.error));
  return compiled.value.spec;
}

const old = { id: 'v_0' as const, commit: 'a', subject: '', author: '', release: null, createdAtMs: 0 };

function factsOf(spec: ServiceSpec, size: number, more: Partial<PlanFacts> = {}): PlanFacts {
  const action = spec.pipeline.actions.find((one): one is DeployAction => one.type === 'deploy')!;
  const places = Array.from({ length: size }, (_, index) => ({ index, host: `host-${index % 3}`, labels: {} }));
  const now = { from: [old], marks: [], hasHosts: true, strategies: ownStrategies, promises: [], nowMs: 5 };
  const job = { job: undefined, spec: spec.environments[0]!, plan: action.plan };
  return { spec, job, environment: 'production', commit: 'c', places, ...now, ...more };
}

test('phases are nested, each adds somebody, and never more are out than the budget allows', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 60 }), fc.integer({ min: 1, max: 60 }), (tasks, percent) => {
      const spec = specOf({ tasks, budget: `${percent}%` });
      const plan = decidePlan(factsOf(spec, tasks));
      const budget = budgetOf({ percent }, tasks);
      let before: readonly number[] = [];
      for (const phase of plan.phases) {
        expect(phase.members.slice(0, before.length)).toEqual(before);
        expect(phase.adds).toBe(phase.members.length - before.length);
        expect(phase.adds).toBeGreaterThan(0);
        expect(tasks - phase.servingAtLeast).toBeLessThanOrEqual(Math.max(budget, 1));
        expect(phase.estimateMs.least).toBeLessThanOrEqual(phase.estimateMs.most);
        before = phase.members;
      }
      expect(before.length).toBe(tasks);
    }),
  );
});

test('the hash is of what would happen, not of when it was asked', () => {
  const spec = specOf({ tasks: 12 });
  const first = decidePlan(factsOf(spec, 12));
  expect(decidePlan(factsOf(spec, 12, { nowMs: 99 })).hash).toBe(first.hash);
  expect(decidePlan(factsOf(spec, 12, { commit: 'd' })).hash).not.toBe(first.hash);
  expect(decidePlan(factsOf(spec, 13)).hash).not.toBe(first.hash);
});

test('what the traffic can show stands with each phase, and is not part of the hash', () => {
  const spec = specOf({ tasks: 12, metrics: '/metrics' });
  const unknown = decidePlan(factsOf(spec, 12));
  expect(unknown.phases[0]?.shows).toEqual([expect.stringMatching(/not known/)]);
  const check = { worse: 'higher', canShowMargin: true, level: 0.001, why: undefined } as const;
  const errors = { check: 'errors', smallest: 0.005, isShare: true, oldLevel: 0.001, quantile: undefined };
  const latency = { check: 'latency', smallest: 0.18, isShare: false, oldLevel: 0.1, quantile: 0.99 };
  const checks = [
    { ...check, ...errors },
    { ...check, ...latency },
    { ...check, ...latency, check: 'heap', smallest: undefined, canShowMargin: false, why: '2 old tasks are too few' },
  ];
  const promises = unknown.phases.map(({ name, members }) => ({ phase: name, newTasks: members.length, checks }));
  const known = decidePlan(factsOf(spec, 12, { promises }));
  expect(known.hash).toBe(unknown.hash);
  expect(known.phases[0]?.shows).toEqual([
    'with 80 % chance finds errors from 0.1 % to 0.6 % or more; latency: p99 +18 % or more',
    'heap: nothing, 2 old tasks are too few',
  ]);
});

test.each([
  ['a job of one task says how long it will be out', { tasks: 1 }, {}, /will be out for about/],
  ['a first deployment has nothing to go back to', { tasks: 3 }, { from: [] }, /nothing to go back to/],
  ['without metrics there are basic checks only', { tasks: 3 }, {}, /basic checks only/i],
  ['without hosts nothing would start', { tasks: 3 }, { hasHosts: false }, /nothing would start/],
  ['a mark is told first', { tasks: 3 }, { marks: ['It carries mark_1.'] }, /mark_1/],
])('%s', (_, config, more, note) => {
  expect(decidePlan(factsOf(specOf(config), config.tasks, more)).notes.join('\n')).toMatch(note);
});

test('C1 D11 limits beside the budget are told, and belong to the hash; a rate makes it take longer', () => {
  const free = decidePlan(factsOf(specOf({ tasks: 12, budget: '50%' }), 12));
  const config = { budget: { tasks: '50%', perDomain: { rack: 1 }, perGroup: { groups: 3 } }, rate: '2/1m' };
  const limited = decidePlan(factsOf(specOf({ tasks: 12, ...config }), 12));
  expect(limited.limits).toEqual([
    'Of the tasks on hosts with the same rack, at most 1 may be out.',
    'Of each group of 3 neighbours, at most 1 may be out.',
    'Tasks of shop are taken out at most at 2 per 1 m.',
  ]);
  expect(limited.budget).toBe(6);
  expect(limited.hash).not.toBe(free.hash);
  // The last phase adds nine: four periods pass before the ninth.
  expect(limited.phases.at(-1)!.estimateMs.least).toBeGreaterThanOrEqual(4 * 60_000);
});

test('D2 recreate: one phase of everybody, nobody serves in between, and it says so', () => {
  const spec = specOf({ tasks: 6, budget: '100%', strategy: 'recreate' });
  const plan = decidePlan(factsOf(spec, 6));
  expect(plan.phases.map(({ name, adds, servingAtLeast, notes }) => ({ name, adds, servingAtLeast, notes }))).toEqual([
    { name: 'all', adds: 6, servingAtLeast: 0, notes: ['Its 6 tasks all stop before the new version starts.'] },
  ]);
  expect(plan.limits).toContain('All tasks of a phase stop before any of them starts again.');
  expect(plan.hash).not.toBe(decidePlan(factsOf(specOf({ tasks: 6, budget: '100%', phases: ['all'] }), 6)).hash);
});

test('D2 a strategy that this server does not have is told before anybody deploys', () => {
  const spec = specOf({ tasks: 6, strategy: { plugin: 'by-moon' } });
  expect(decidePlan(factsOf(spec, 6)).notes.join(' ')).toMatch(/no strategy by-moon; it has in-place, surge, recreate/);
});

test('TWM-1 work on hosts that is known is named, with the tasks it concerns and what becomes of them', () => {
  const spec = specOf({ tasks: 12 });
  const maintenance = {
    ...{ id: 'mnt_1', scope: { label: 'rack', value: 'a' }, hosts: ['host-1'], reason: 'disks', openedAtMs: 0 },
    ...{ openedBy: { kind: 'person', name: 'ada' }, leaveAtMs: 0, deadlineAtMs: 3_600_000, untilMs: 5_400_000 },
    ...{ hostsStayUp: false, isFixed: false, waitsFor: undefined, endedAtMs: undefined, end: undefined },
  } as Maintenance;
  const places = factsOf(spec, 12).places.map((place) => ({ ...place, host: place.index < 2 ? 'host-1' : 'host-2' }));
  const { notes, hash } = decidePlan(factsOf(spec, 12, { maintenances: [maintenance], places }));
  expect(notes.join('\n')).toContain(
    'Tasks 0, 1 are on rack=a, which is worked on from 1970-01-01 01:00 UTC to 1970-01-01 01:30 UTC (disks; mnt_1): they move away first',
  );
  const elsewhere = { ...maintenance, hosts: ['host-9'] };
  const plain = decidePlan(factsOf(spec, 12, { maintenances: [elsewhere], places }));
  expect(plain.notes.join('\n')).not.toContain('mnt_1');
  expect(plain.hash).toBe(hash);
});

test('LEC-9 a plan whose checks look at machines only says that nothing looks at what users notice', () => {
  const noteOf = (checks: object) => decidePlan(factsOf(specOf({ tasks: 12, metrics: '/metrics', checks }), 12)).notes;
  const heap = { gauge: 'heap_bytes', class: 'system' };
  const said = /No check looks at what users notice/;
  expect(noteOf({ errors: false, latency: false, heap }).join('\n')).toMatch(said);
  expect(noteOf({ heap }).join('\n')).not.toMatch(said);
  expect(
    noteOf({ errors: false, latency: false, heap, orders: { rate: 'orders', class: 'business' } }).join('\n'),
  ).not.toMatch(said);
});

const host = (id: string, maxTasks: number, labels = {}) => ({
  ...{ id, state: 'up' as const, isSilent: false, labels },
  capacity: { cpuMillis: 100_000, memoryMb: 100_000, maxTasks },
});

test('a second set that finds no room is told beforehand, with what is missing; the plan stays the same', () => {
  const spec = specOf({ tasks: 4, budget: 1, strategy: 'blue-green' });
  const claim = { job: 'shop@production' as const, incarnation: 0, cpuMillis: 100, memoryMb: 100 };
  const placements = [0, 1, 2, 3].map((index) => ({ ...claim, index, host: `host-${index % 2}` }));
  const inventoryOf = (slots: number) => ({
    ...{ hosts: [host('host-0', slots), host('host-1', slots)], placements, massSilence: false },
  });
  const tight = decidePlan(factsOf(spec, 4, { inventory: inventoryOf(3) }));
  expect(tight.notes).toContain(
    'There is room for 2 of the 4 more tasks: host-0, host-1: it runs as many tasks as it may. It would wait until there is more.',
  );
  const wide = decidePlan(factsOf(spec, 4, { inventory: inventoryOf(4) }));
  expect(wide.notes.join()).not.toContain('room');
  expect(wide.hash).toBe(tight.hash);
});

test('room is looked for by the labels of the job, for extra tasks and for a first deployment', () => {
  const empty = { hosts: [host('host-0', 9), host('host-1', 1, { disk: 'ssd' })], placements: [], massSilence: false };
  const spec = specOf({ tasks: 3, hosts: { disk: 'ssd' }, strategy: { surge: 2 } });
  const notesOf = (more: Partial<PlanFacts>) =>
    decidePlan(factsOf(spec, 3, { inventory: empty, ...more })).notes.join();
  expect(notesOf({})).toContain('room for 1 of the 2 more tasks');
  expect(notesOf({})).toContain('host-0: its label disk is not ssd');
  expect(notesOf({ from: [] })).toContain('room for 1 of its 3 tasks');
});

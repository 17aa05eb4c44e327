// What agents scrape: on the grid, per life, with the version at that moment; hostile endpoints cost nothing.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { fleetMetrics, type Sample } from '../../src/model/index.ts';
import { ask, openRig, order, outcomeOf, packApp, type Rig, until } from './rig.ts';

let rig: Rig;
let one: string;

beforeAll(async () => {
  rig = await openRig();
  one = await packApp(rig, 'one');
  await rig.start('host-1');
});
afterAll(async () => await rig.close());

const requests = (job: string): Sample[] =>
  rig.samples.filter((sample) => sample.job === job && sample.metric === 'requests_total');
const total = (samples: readonly Sample[]): number =>
  samples.reduce((sum, { value }) => sum + ('counterDelta' in value ? value.counterDelta : 0), 0);

test('counters become differences per bin, with version, state and labels; a restart is not a negative number', async () => {
  const start = order(one, { kind: 'start' });
  await rig.send('host-1', start);
  const serving = await outcomeOf(rig, start.id);
  await until(() => requests('web@test').length > 0, 'two scrapes were made');
  for (let i = 0; i < 10; i++) await ask(serving);
  await until(() => total(requests('web@test')) === 10, 'ten requests are in the samples');
  const sample = requests('web@test').find(({ value }) => 'counterDelta' in value && value.counterDelta > 0)!;
  expect(sample).toMatchObject({ index: 0, incarnation: 1, version: serving.version, state: 'serving' });
  expect(sample.labels).toEqual({ host: 'host-1', rack: 'r1', code: '200' });
  expect(sample.fromMs % 1000).toBe(0);
  expect(sample.toMs - sample.fromMs).toBe(1000);
  const own = () => new Set(rig.samples.map(({ metric }) => metric));
  const missing = () => Object.values(fleetMetrics).filter((metric) => !own().has(metric));
  // Connections are counted every ten seconds.
  await until(() => missing().length === 0, 'each of the own figures is seen', 20_000);
  const outcomes = rig.samples.filter(({ metric }) => metric === fleetMetrics.probes);
  expect(total(outcomes.filter(({ labels }) => labels.outcome === 'ready'))).toBeGreaterThan(0);
  expect(total(outcomes.filter(({ labels }) => labels.outcome === 'unready'))).toBe(0);

  // A new life counts from zero: what it did before its first scrape is missing, and nothing is negative.
  await fetch(`http://${serving.address}:${serving.ports.http}/exit`).catch(() => {});
  await until(() => rig.reports.some(({ life, state }) => life === 1 && state === 'serving'), 'its next life serves');
  const before = requests('web@test').length;
  await until(() => requests('web@test').length > before, 'it is scraped again');
  for (let i = 0; i < 5; i++) await ask(serving);
  await until(() => total(requests('web@test')) === 15, 'five more');
  const restarts = () =>
    rig.samples.filter(({ job, metric }) => job === 'web@test' && metric === fleetMetrics.restarts);
  expect(total(restarts())).toBe(1);
  expect(requests('web@test').every(({ value }) => 'counterDelta' in value && value.counterDelta >= 0)).toBe(true);
}, 40_000);

test('an endpoint that hangs, and one that never ends, leave their own samples missing and nobody else’s', async () => {
  for (const mode of ['hang', 'gigabyte']) {
    const start = order(one, { job: `${mode}@test`, kind: 'start', env: { MODE: mode } });
    await rig.send('host-1', start);
    await outcomeOf(rig, start.id);
  }
  const before = { count: requests('web@test').length, heapBytes: process.memoryUsage().rss };
  await until(() => requests('web@test').length >= before.count + 4, 'the good one is scraped four times more', 15_000);
  expect(requests('hang@test')).toEqual([]);
  expect(requests('gigabyte@test')).toEqual([]);
  expect(process.memoryUsage().rss - before.heapBytes).toBeLessThan(300 * 1024 * 1024);
  // Seen from outside they are still there.
  expect(rig.samples.some(({ job, metric }) => job === 'hang@test' && metric === 'rollway_task_resident_bytes')).toBe(
    true,
  );
}, 40_000);

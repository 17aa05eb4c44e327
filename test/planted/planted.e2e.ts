// Faults whose truth is known, in real processes under load: each deployment ends as it should.
// TEST_LONG=1 plants all of them, and writes how long each took and how many tasks it touched.
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { writeResult } from '../../bench/machine.ts';
import type { RolloutDetail } from '../../src/api/index.ts';
import { type Load, startLoad } from '../../src/cli/demo/load.ts';
import { type LocalFleet, makeRepository, openLocalFleet } from '../local-fleet.ts';
import { until } from '../stories/installation.ts';
import { type Harm, plantedServer } from './service.ts';

interface Plant {
  readonly name: string;
  readonly harm: Harm;
  readonly ends: 'succeeded' | 'reverted';
  /** Address of a host that falls ill, whatever runs there, once the first phase has passed. */
  readonly illHost?: string;
  /** Requests a second on top, once the first phase has passed. */
  readonly extraLoad?: number;
  /** The fault cannot show before that many tasks are touched. */
  readonly mayTouch: number;
}

const tasks = 12;
const plants: readonly Plant[] = [
  { name: '15 % errors in the south only', harm: { errors: 0.15, hosts: [4, 5, 6] }, ends: 'reverted', mayTouch: 6 },
  { name: 'an ill host, not the version', harm: {}, illHost: '127.0.10.3', ends: 'succeeded', mayTouch: tasks },
];
const morePlants: readonly Plant[] = [
  { name: 'nothing', harm: {}, ends: 'succeeded', mayTouch: tasks },
  { name: 'nothing, again', harm: {}, ends: 'succeeded', mayTouch: tasks },
  { name: '8 % errors', harm: { errors: 0.08 }, ends: 'reverted', mayTouch: 6 },
  { name: 'half as slow again', harm: { slower: 1.5 }, ends: 'reverted', mayTouch: 6 },
  { name: 'a leak of 6 MiB a second', harm: { leakMiBPerS: 6 }, ends: 'reverted', mayTouch: 6 },
  { name: 'slow for its first 2 s', harm: { slower: 4, firstMs: 2000 }, ends: 'succeeded', mayTouch: tasks },
  {
    ...{ name: 'twice as slow, only above 20 requests a second', harm: { slower: 2, abovePerS: 20 } },
    ...{ extraLoad: 200, ends: 'reverted', mayTouch: 12 },
  },
];
const isLong = Boolean(process.env.TEST_LONG);
const job = 'planted@production';

const config = `name: planted
command: node server.js
ready: /healthz
metrics: /metrics
tasks: ${tasks}
budget: '25%'
memory: 1GB
drain: 600ms
phases: [1, 50%, all]
bake: { min: 8s, max: 16s }
onUndecided: proceed
judge: { bin: 1s, warmup: 3s }
checks:
  heap: { gauge: process_resident_memory_bytes, delta: 10%, margin: 50%, critical: true }
`;

let fleet: LocalFleet;
let repository: ReturnType<typeof makeRepository>;
let illHostFile: string;
let lastBad: string | undefined;
const loads: Load[] = [];
const outcomes: Record<string, unknown>[] = [];

const load = (requestsPerSecond: number) => {
  const signal = new AbortController().signal;
  const started = startLoad({ client: fleet.client, job, requestsPerSecond, discoveryMs: 200, signal });
  loads.push(started);
  return started;
};

beforeAll(async () => {
  fleet = await openLocalFleet(6);
  illHostFile = join(fleet.folder, 'ill-host');
  repository = makeRepository(join(fleet.folder, 'planted'));
  const files = { 'rollway.yaml': config, 'server.js': plantedServer('first', {}, illHostFile) };
  repository.commit(files, 'first');
  await fleet.client.registerRepository({ body: { url: repository.folder } });
  await ended('first');
  load(120);
});
afterAll(async () => {
  await Promise.all(loads.map((one) => one.stop()));
  await fleet?.close();
  if (isLong && outcomes.length > 0) writeResult('planted', { tasks, outcomes });
});

async function rolloutOf(subject: string): Promise<RolloutDetail | undefined> {
  const { items } = await fleet.client.listRollouts({ query: { limit: 50 } });
  const found = items.find((rollout) => rollout.to?.subject === subject);
  return found && fleet.client.getRollout({ params: { rollout: found.id } });
}

async function ended(subject: string): Promise<RolloutDetail> {
  let seen: RolloutDetail | undefined;
  const isEnded = async () => {
    seen = await rolloutOf(subject);
    return seen !== undefined && ['succeeded', 'reverted', 'aborted', 'held'].includes(seen.state);
  };
  await until(isEnded, `the rollout of ${subject} ends`, 150_000);
  return seen!;
}

const timeOf = (rollout: RolloutDetail, type: string) =>
  fleet.events.find((event) => event.stream === `rollout/${rollout.id}` && event.type === type)?.atMs;

for (const plant of isLong ? [...morePlants, ...plants] : plants) {
  test(`H2 H3 D9 planted: ${plant.name} – ${plant.ends}`, { retry: 0, timeout: 200_000 }, async () => {
    const subject = `Plant: ${plant.name}`;
    const message = lastBad === undefined ? subject : `${subject}\n\nRollway-Fixes: ${lastBad}`;
    const id = repository.commit({ 'server.js': plantedServer(subject, plant.harm, illHostFile) }, message);
    lastBad = plant.ends === 'reverted' ? id : undefined;
    await until(
      async () => ((await rolloutOf(subject))?.currentPhase ?? 0) > 0 || plant.ends === 'reverted',
      subject,
      150_000,
    );
    if (plant.illHost) writeFileSync(illHostFile, plant.illHost);
    const extra = plant.extraLoad ? load(plant.extraLoad) : undefined;
    const rollout = await ended(subject);
    rmSync(illHostFile, { force: true });
    await extra?.stop();

    const touched = Math.max(
      0,
      ...rollout.phases.map(({ startedAtMs, members }) => (startedAtMs ? members.length : 0)),
    );
    const stoppedAtMs = timeOf(rollout, 'rollout.failed') ?? rollout.endedAtMs!;
    const seconds = Math.round((stoppedAtMs - rollout.startedAtMs!) / 1000);
    const said = rollout.failure ?? rollout.verdict?.sentence;
    outcomes.push({ plant: plant.name, ended: rollout.state, seconds, touched, said });
    expect(rollout.state, `${said}\n${JSON.stringify(rollout.checks, null, 2)}`).toBe(plant.ends);
    expect(touched).toBeLessThanOrEqual(plant.mayTouch);
    const marks = (await fleet.client.listMarks({ query: { limit: 100 } })).items;
    expect(marks.some(({ candidates }) => candidates.some((one) => one.id === id))).toBe(plant.ends === 'reverted');
  });
}

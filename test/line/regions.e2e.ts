// One deployment over three jobs, each in a region of its own: in waves with barriers, and back together when one fails.
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { RolloutDetail, RolloutSummary } from '../../src/api/index.ts';
import { rolloutLines } from '../../src/cli/render/rollout.ts';
import { createStyle } from '../../src/cli/render/style.ts';
import { type LocalFleet, makeRepository, openLocalFleet } from '../local-fleet.ts';

const regions = ['us', 'eu', 'asia'] as const;
const config = `name: shop
command: node server.js
ready: /healthz
drain: 100ms
bake: 500ms
phases: [1, all]
environments:
  production:
    tasks: 2
    jobs:
      us: { hosts: { region: us }, env: { REGION: us } }
      eu: { hosts: { region: eu }, env: { REGION: eu } }
      asia: { hosts: { region: asia }, env: { REGION: asia } }
    waves: [[us], [eu, asia]]
    barrier: phase
`;
const serverOf = (greeting: string, broken = 'nowhere') => `
if (process.env.REGION === '${broken}') throw new Error('not in ${broken}');
require('node:http')
  .createServer((request, response) => response.end('${greeting}'))
  .listen(process.env.PORT, process.env.HOST);
`;
const service = { service: 'shop' };
const within = (timeoutMs: number) => ({ timeout: timeoutMs, interval: 150 });
const jobOf = (region: string) => `shop@production.${region}` as const;

let fleet: LocalFleet;
let repository: ReturnType<typeof makeRepository>;

beforeAll(async () => {
  fleet = await openLocalFleet(3, undefined, regions);
  repository = makeRepository(join(fleet.folder, 'shop'));
  repository.commit({ 'rollway.yaml': config, 'server.js': serverOf('one') }, 'One');
  await fleet.client.registerRepository({ body: { url: repository.folder } });
});
afterAll(() => fleet.close());

/** The rollouts of the newest deployment, in the order of the waves. */
async function newest(): Promise<RolloutDetail[]> {
  const { items } = await fleet.client.listRollouts();
  if (items[0] === undefined) return [];
  const { together } = await fleet.client.getRollout({ params: { rollout: items[0].id } });
  const ids = together?.members.map(({ rollout }) => rollout) ?? [];
  return Promise.all(ids.map((rollout) => fleet.client.getRollout({ params: { rollout } })));
}
const statesOf = (rollouts: readonly RolloutSummary[]) => rollouts.map(({ state }) => state);
async function newestStates(subject: string): Promise<string[]> {
  const rollouts = await newest();
  return rollouts[0]?.to?.subject === subject ? statesOf(rollouts) : [];
}
async function answers(region: string): Promise<string[]> {
  const { endpoints } = await fleet.client.listEndpoints({ params: { job: jobOf(region) } });
  return Promise.all(
    endpoints.map(async ({ address, ports }) => (await fetch(`http://${address}:${Object.values(ports)[0]}/`)).text()),
  );
}
async function everywhere(): Promise<string[]> {
  return (await Promise.all(regions.map(answers))).flat();
}
const six = (greeting: string) => Array(6).fill(greeting);

test('D1 one deployment fills three jobs, each on the hosts of its region', async () => {
  await expect.poll(() => newestStates('One'), within(150_000)).toEqual(['succeeded', 'succeeded', 'succeeded']);
  expect(await everywhere()).toEqual(six('one'));
  for (const [at, region] of regions.entries()) {
    const { tasks } = await fleet.client.getJob({ params: { job: jobOf(region) } });
    expect(tasks.map(({ host }) => host)).toEqual([`host-${at + 1}`, `host-${at + 1}`]);
  }
  const { environments } = await fleet.client.getService({ params: service });
  expect(environments.map(({ environment, name, job }) => [environment, name, job])).toEqual(
    regions.map((region) => ['production', region, jobOf(region)]),
  );
});

test('D1 D3 the plan shows the order of all phases, and the run keeps to it', async () => {
  const commit = repository.commit({ 'server.js': serverOf('two') }, 'Two');
  const plan = await fleet.client.planDeploy({ params: service, body: { commit } });
  const order = plan.together?.order.map(({ job, phase }) => `${job}/${phase}`);
  expect(order?.[0]).toBe('us/one-task');
  expect(plan.together?.order.find(({ job, phase }) => job === 'us' && phase === 'all')?.after).toEqual([
    { job: 'eu', phase: 'one-task' },
    { job: 'asia', phase: 'one-task' },
  ]);
  expect(plan.together?.jobs.map(({ name, size }) => [name, size])).toEqual([
    ['us', 2],
    ['eu', 2],
    ['asia', 2],
  ]);
  await expect.poll(() => newestStates('Two'), within(150_000)).toEqual(['succeeded', 'succeeded', 'succeeded']);
  expect(await everywhere()).toEqual(six('two'));
  const nameOf = new Map((await newest()).map(({ id, together }) => [`rollout/${id}`, together!.name]));
  const seen = fleet.events.flatMap(({ stream, type, data }) => {
    const name = nameOf.get(stream);
    const { phase } = data as { phase?: string };
    return name !== undefined && (type === 'phase.started' || type === 'phase.passed')
      ? [`${name}/${phase} ${type.slice('phase.'.length)}`]
      : [];
  });
  const at = (what: string): number => seen.indexOf(what);
  for (const { job, phase, after } of plan.together?.order ?? []) {
    expect(at(`${job}/${phase} started`), `${job}/${phase}`).toBeGreaterThanOrEqual(0);
    for (const before of after) {
      expect(at(`${before.job}/${before.phase} passed`)).toBeLessThan(at(`${job}/${phase} started`));
      expect(at(`${before.job}/${before.phase} passed`)).toBeGreaterThanOrEqual(0);
    }
  }
});

test('D5 D6 B1 what fails in one region goes back in all of them, and one mark says why', async () => {
  repository.commit({ 'server.js': serverOf('three', 'asia') }, 'Three');
  await expect.poll(() => newestStates('Three'), within(150_000)).toEqual(['reverted', 'reverted', 'reverted']);
  await expect.poll(everywhere, within(30_000)).toEqual(six('two'));
  const [us, eu, asia] = await newest();
  expect(asia?.failure).toMatch(/^Task \d+ fails on host-3/);
  expect(us?.failure).toMatch(/^asia has failed: Task \d+ fails on host-3/);
  expect(eu?.state).toBe('reverted');
  await expect
    .poll(async () => (await fleet.client.listMarks()).items.map(({ isLive }) => isLive), within(30_000))
    .toEqual([true]);
  const [mark] = (await fleet.client.listMarks()).items;
  const detail = await fleet.client.getMark({ params: { mark: mark!.id } });
  expect(JSON.stringify(detail.evidence)).toContain('fails on host-3');
  const [release] = (await fleet.client.listReleases({ params: service })).items;
  expect(release?.rollouts).toEqual([us?.id, eu?.id, asia?.id]);
  expect(release?.why).toContain('asia: reverted');
});

test('D7 a person speaks to one of them or to all; what waits says for which phase of which job', async () => {
  const [mark] = (await fleet.client.listMarks()).items;
  const commit = repository.commit({ 'server.js': serverOf('four') }, `Four\n\nRollway-Fixes: ${mark!.id}`);
  await fleet.client.deploy({ params: service, body: { commit, holdAfter: 'one-task', reason: 'to look' } });
  await expect.poll(async () => (await newest())[0]?.hold?.by, within(150_000)).toBe('hold-after');
  // Its first phase has passed, so that the second wave is at its own first phase, and holds there too.
  await expect
    .poll(async () => (await newest()).map(({ hold }) => hold?.by), within(60_000))
    .toEqual(['hold-after', 'hold-after', 'hold-after']);
  const [us, eu] = await newest();
  const resumed = await fleet.client.commandRollout({
    params: { rollout: us!.id },
    body: { command: 'resume' },
  });
  expect(resumed.outcome?.ok).toBe(true);
  await expect.poll(async () => (await newest())[0]?.phases[1]?.state, within(60_000)).toBe('passed');
  const why = await fleet.client.explain({ params: { kind: 'rollout', id: us!.id } });
  expect(why.sentence).toMatch(/^us is through, and stays with the other jobs: eu is not through yet/);
  const text = rolloutLines(await fleet.client.getRollout({ params: { rollout: us!.id } }), createStyle(false));
  expect(text).toContain('together: us → eu + asia, barrier phase');
  expect(text.find((line) => line.startsWith('▸ us'))).toContain('2 of 2 tasks');

  const all = await fleet.client.commandRollout({
    params: { rollout: eu!.id },
    body: { command: 'resume', together: true },
  });
  expect(all.outcome?.detail).toMatch(/us: .*cannot be told to resume.*\neu: resume: done\nasia: resume: done/);
  await expect.poll(() => newestStates(us!.to!.subject), within(150_000)).toEqual(Array(3).fill('succeeded'));
  expect(await everywhere()).toEqual(six('four'));
});

test('D7 a rollback takes one job back, or all that are not there yet', async () => {
  const { items } = await fleet.client.listRollouts();
  const two = items.find(({ to }) => to?.subject === 'Two')!.to!.id;
  const roll = async (job?: string) => {
    const body = { environment: 'production', reason: 'a customer asked', to: two };
    return fleet.client.rollBack({ params: service, body: { ...body, ...(job === undefined ? {} : { job }) } });
  };
  expect((await roll('eu')).outcome?.ok).toBe(true);
  await expect.poll(() => answers('eu'), within(60_000)).toEqual(['two', 'two']);
  expect(await answers('us')).toEqual(['four', 'four']);
  await expect.poll(async () => (await fleet.client.listRollouts()).items[0]?.state, within(60_000)).toBe('succeeded');
  expect((await roll()).outcome?.detail).toMatch(/^Rolling 2 jobs of production back to \w+ \(Two\)/);
  await expect.poll(everywhere, within(60_000)).toEqual(six('two'));
});

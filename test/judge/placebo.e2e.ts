// Placebo restarts on real processes: old tasks are restarted before a deployment, which waits for them and says so;
// only then anything new is touched, and what the restarts showed is kept.
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type LocalFleet, makeRepository, openLocalFleet } from '../local-fleet.ts';

const configOf = (name: string) => `name: ${name}
command: node server.js
ready: /healthz
tasks: 3
budget: 1
drain: 200ms
phases: [1, all]
bake: 12s
judge: { bin: 1s, warmup: 2s, placebo: auto }
`;
const serverOf = (greeting: string) => `
const { createServer } = require('node:http');
createServer((request, response) => response.end('${greeting}')).listen(process.env.PORT, process.env.HOST ?? process.env.ADDRESS);
`;

let fleet: LocalFleet;
beforeAll(async () => {
  fleet = await openLocalFleet(3);
});
afterAll(() => fleet.close());

const within = (timeoutMs: number) => ({ timeout: timeoutMs, interval: 100 });

let tries = 0;
test('TWH-4 placebo: old tasks are restarted first, the deployment waits and says so, then goes through', async () => {
  // Tried again it begins anew.
  const service = `sleeper-${++tries}`;
  const repository = makeRepository(join(fleet.folder, service));
  repository.commit({ 'rollway.yaml': configOf(service), 'server.js': serverOf('one') }, 'One');
  await fleet.client.registerRepository({ body: { url: repository.folder } });
  const rollouts = async () => (await fleet.client.listRollouts()).items.filter((one) => one.service === service);
  await expect.poll(async () => (await rollouts())[0]?.state, within(120_000)).toBe('succeeded');
  // Nothing ran yet: there was nothing to restart.
  const [first] = await rollouts();
  expect(await rollouts()).toHaveLength(1);

  const plan = await fleet.client.planDeploy({ params: { service }, body: {} });
  expect(plan.limits.join(' ')).toContain('Task 2 is restarted on the old version first, within the budget');

  repository.commit({ 'server.js': serverOf('two') }, 'Two');
  await expect.poll(async () => (await rollouts()).length, within(60_000)).toBe(3);
  const fresh = (await rollouts()).filter(({ id }) => id !== first!.id);
  const all = await Promise.all(fresh.map(({ id }) => fleet.client.getRollout({ params: { rollout: id } })));
  const placebo = all.find(({ kind }) => kind === 'restart')!;
  const deployment = all.find(({ id }) => id !== placebo.id)!;
  const stateOf = async (id: string) => (await rollouts()).find((one) => one.id === id)!.state;
  await expect.poll(() => stateOf(placebo.id), within(30_000)).toBe('running');
  expect(await stateOf(deployment.id)).toBe('waiting');
  const why = await fleet.client.explain({ params: { kind: 'rollout', id: deployment.id } });
  expect(why.sentence).toContain(`Some old tasks are restarted before it (${placebo.id})`);
  await expect.poll(() => stateOf(placebo.id), within(90_000)).toBe('succeeded');
  await expect.poll(() => stateOf(deployment.id), within(180_000)).toBe('succeeded');
  const done = await fleet.client.getRollout({ params: { rollout: placebo.id } });
  expect(done.phases[0]).toMatchObject({ name: 'placebo', state: 'passed' });
}, 400_000);

// What happens around a rollout, with real processes: a callee that is well and harms its caller, a third party that
// fails in the middle, a host that goes silent. Some minutes each: every run tries the first, TEST_LONG=1 all of them.
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { RolloutDetail } from '../../src/api/index.ts';
import { type Load, startLoad } from '../../src/cli/demo/load.ts';
import type { JobId } from '../../src/model/index.ts';
import { type LocalFleet, makeRepository, openLocalFleet } from '../local-fleet.ts';
import { type Cart, cartServer, checkoutServer } from './shop-services.ts';

let fleet: LocalFleet;
let providerFile: string;
const loads: Load[] = [];
let tries = 0;

beforeAll(async () => {
  fleet = await openLocalFleet(4);
  providerFile = join(fleet.folder, 'provider-is-down');
});
afterAll(async () => {
  for (const { process } of fleet?.agents ?? []) process.kill('SIGCONT');
  await Promise.all(loads.map((one) => one.stop()));
  await fleet?.close();
});

const isLong = Boolean(process.env.TEST_LONG);
const within = (timeoutMs: number) => ({ timeout: timeoutMs, interval: 250 });
const ends = /^(succeeded|reverted|held|aborted)$/;

async function rolloutOf(service: string, subject: string): Promise<RolloutDetail | undefined> {
  const { items } = await fleet.client.listRollouts({ query: { limit: 50 } });
  for (const { id, to } of items) {
    if (to?.subject !== subject) continue;
    const found = await fleet.client.getRollout({ params: { rollout: id } });
    if (found.service === service) return found;
  }
  return undefined;
}
const stateOf = async (service: string, subject: string) => (await rolloutOf(service, subject))?.state;

interface Deployed {
  readonly service: string;
  readonly job: JobId;
  release(cart: Cart): void;
}

/** A first version of a cart, under a name of its own: a test that is tried again begins anew. */
async function deployCart(config: (service: string) => string): Promise<Deployed> {
  const service = `cart-${++tries}`;
  const repository = makeRepository(join(fleet.folder, service));
  const serverOf = (cart: Cart) => cartServer(cart, providerFile);
  repository.commit({ 'rollway.yaml': config(service), 'server.js': serverOf({ subject: 'First' }) }, 'First');
  await fleet.client.registerRepository({ body: { url: repository.folder } });
  await expect.poll(() => stateOf(service, 'First'), within(120_000)).toBe('succeeded');
  return {
    service,
    job: `${service}@production`,
    release: (cart) => void repository.commit({ 'server.js': serverOf(cart) }, cart.subject),
  };
}

async function deployCheckout(cart: JobId, service: string): Promise<JobId> {
  const tokenFile = join(fleet.folder, `${service}.token`);
  const { secret } = await fleet.client.createToken({ body: { name: `${service}-reads`, role: 'viewer' } });
  writeFileSync(tokenFile, secret, { mode: 0o600 });
  const repository = makeRepository(join(fleet.folder, service));
  const config = `name: ${service}
command: node server.js
ready: /healthz
metrics: /metrics
tasks: 3
drain: 600ms
secretFiles: { DISCOVERY_TOKEN: ${tokenFile} }
phases: [all]
bake: 1s
judge: { bin: 1s, warmup: 2s }
`;
  const server = checkoutServer(fleet.server().url, cart);
  repository.commit({ 'rollway.yaml': config, 'server.js': server }, 'Checkout');
  await fleet.client.registerRepository({ body: { url: repository.folder } });
  await expect.poll(() => stateOf(service, 'Checkout'), within(120_000)).toBe('succeeded');
  return `${service}@production`;
}

function load(job: JobId, requestsPerSecond: number): Load {
  const signal = new AbortController().signal;
  const started = startLoad({ client: fleet.client, job, requestsPerSecond, discoveryMs: 200, signal });
  loads.push(started);
  return started;
}
/** The newest bins of what was measured lie in the store; before, nobody could tell a change. */
const measured = (load: Load, requests: number) =>
  expect
    .poll(() => [...load.byVersion.values()].reduce((sum, { sent }) => sum + sent, 0), within(90_000))
    .toBeGreaterThan(requests);

const cartConfig = (judge: string) => (service: string) =>
  `name: ${service}
command: node server.js
ready: /healthz
metrics: /metrics
tasks: 4
budget: 2
drain: 600ms
phases: [2, all]
bake: { min: 12s, max: 45s }
onUndecided: proceed
judge: { bin: 1s, warmup: 3s${judge} }
`;

const trusts = [
  ['hold', 'held'],
  ['revert', 'reverted'],
] as const;
test.for(isLong ? trusts : trusts.slice(0, 1))(
  'H9 a callee that is well and makes its caller fail, trusted to %s: %s',
  { timeout: 300_000 },
  async ([trust, end]) => {
    const caller = `checkout-${tries + 1}`;
    const neighbour = trust === 'hold' ? caller : `{ service: ${caller}, trust: revert }`;
    const cart = await deployCart(cartConfig(`, neighbours: [${neighbour}]`));
    const traffic = load(await deployCheckout(cart.job, caller), 80);
    await measured(traffic, 2000);

    cart.release({ subject: 'Second answers nonsense', useless: 0.5 });
    await expect.poll(() => stateOf(cart.service, 'Second answers nonsense'), within(150_000)).toMatch(ends);
    const rollout = (await rolloutOf(cart.service, 'Second answers nonsense'))!;
    await traffic.stop();
    const all = JSON.stringify({ hold: rollout.hold, failure: rollout.failure, checks: rollout.checks }, null, 2);
    expect(rollout.state, all).toBe(end);
    const said = trust === 'hold' ? rollout.hold?.reason : rollout.failure;
    expect(said, all).toMatch(
      new RegExp(`Since this rollout began, of ${caller}: [\\d.]+ % of its requests failed, .* of those before`),
    );
    // By its own metrics it is well: nothing of its own failed.
    const own = rollout.checks.filter(({ check }) => !check.startsWith(caller));
    expect(own.length).toBeGreaterThan(0);
    expect(own.map(({ check, verdict }) => [check, verdict])).not.toContainEqual([expect.anything(), 'fail']);
    expect(rollout.phases[1]!.startedAtMs, 'half of its tasks were never touched').toBeNull();
  },
);

if (isLong) {
  test('H9 a third party that fails in the middle: undecided, not failed; when it is over the rollout goes on', async () => {
    const harm: Cart = { subject: 'Second leans on the provider', failsWithProvider: 0.5 };
    const run = async (judge: string) => {
      const cart = await deployCart(cartConfig(judge));
      const traffic = load(cart.job, 120);
      await measured(traffic, 2000);
      cart.release(harm);
      const phase = async () => (await rolloutOf(cart.service, harm.subject))?.phases[0]?.state;
      await expect.poll(phase, within(60_000)).toBe('judging');
      writeFileSync(providerFile, '');
      return { cart, traffic };
    };
    try {
      // Where nobody says what is to blame, the version is: this harm is seen.
      const control = await run('');
      await expect.poll(() => stateOf(control.cart.service, harm.subject), within(90_000)).toBe('reverted');
      rmSync(providerFile);
      await control.traffic.stop();

      const confounder = ', confounders: [{ name: payments-provider, metric: payments_provider_down }]';
      const { cart, traffic } = await run(confounder);
      const sentence = async () => (await rolloutOf(cart.service, harm.subject))?.verdict?.sentence ?? '';
      await expect.poll(sentence, within(30_000)).toMatch(/Left out: 1\d s in which payments-provider was in trouble/);
      const during = (await rolloutOf(cart.service, harm.subject))!;
      expect(during.verdict!.verdict).toBe('undecided');
      expect(during.state).toBe('running');
      rmSync(providerFile);
      await expect.poll(() => stateOf(cart.service, harm.subject), within(150_000)).toMatch(ends);
      await traffic.stop();
      const rollout = (await rolloutOf(cart.service, harm.subject))!;
      expect(rollout.state, JSON.stringify(rollout, null, 2)).toBe('succeeded');
    } finally {
      rmSync(providerFile, { force: true });
    }
  }, 500_000);

  test('H9 TWH-2 a host that goes silent while new tasks on it are judged: left out by name, and the rollout goes through', async () => {
    const cart = await deployCart(cartConfig(''));
    const traffic = load(cart.job, 120);
    await measured(traffic, 2000);
    cart.release({ subject: 'Second' });
    const judged = async () => (await rolloutOf(cart.service, 'Second'))?.phases[0];
    await expect.poll(async () => (await judged())?.state, within(60_000)).toBe('judging');
    const [index] = (await judged())!.members;
    const { tasks } = await fleet.client.getJob({ params: { job: cart.job } });
    const host = tasks.find((task) => task.index === index)!.host!;
    const agent = fleet.agents.find(({ name }) => name === host)!;
    agent.process.kill('SIGSTOP');
    const sentence = async () => (await rolloutOf(cart.service, 'Second'))?.verdict?.sentence ?? '';
    await expect
      .poll(sentence, within(60_000))
      .toMatch(new RegExp(`Left out: .* in which host ${host} was in trouble`));
    expect(await stateOf(cart.service, 'Second')).toBe('running');
    // Its tasks are placed again elsewhere, on the version that they are assigned.
    await expect.poll(() => stateOf(cart.service, 'Second'), within(200_000)).toMatch(ends);
    const rollout = (await rolloutOf(cart.service, 'Second'))!;
    agent.process.kill('SIGCONT');
    await traffic.stop();
    expect(rollout.state, JSON.stringify(rollout, null, 2)).toBe('succeeded');
    const marks = (await fleet.client.listMarks({ query: { limit: 100 } })).items;
    expect(marks.flatMap(({ candidates }) => candidates.map(({ subject }) => subject))).not.toContain('Second');
  }, 400_000);
}

// Who may join, whom an agent believes, and what it does on a full disk.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type AgentOptions, runAgent } from '../../src/agent/index.ts';
import { newId, openRig, order, outcomeOf, packApp, type Rig, until } from './rig.ts';

let rig: Rig;
beforeAll(async () => {
  rig = await openRig();
});
afterAll(async () => await rig.close());

const start = async (options: AgentOptions): Promise<unknown> =>
  await runAgent(options, AbortSignal.timeout(20_000)).then(
    () => undefined,
    (cause: unknown) => cause,
  );

test('a token is good once; the key stays with the host, for its owner only; a second agent is kept out', async () => {
  const options = await rig.options('host-1');
  const agent = await rig.start('host-1', { joinFile: options.joinFile });
  const file = join(options.dataDir, 'identity.json');
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(statSync(options.dataDir).mode & 0o777).toBe(0o700);
  expect(String(await start({ ...options, dataDir: join(rig.folder, 'thief'), host: 'thief' }))).toMatch(/401|token/);
  expect(String(await start(options))).toContain('Another agent');
  // Joined already: the file may be gone.
  await agent.stop();
  const again = await rig.start('host-1', { joinFile: undefined });
  await again.stop();
});

test('without a token file, or with a broken one, it says what to do', async () => {
  const options = await rig.options('host-2');
  expect(String(await start({ ...options, joinFile: undefined }))).toContain('has not joined');
  const broken = join(rig.folder, 'broken.token');
  writeFileSync(broken, '{"format":1}');
  expect(String(await start({ ...options, joinFile: broken }))).toContain('is not a token file');
});

test('a server with another certificate gets neither the secret nor a signature', async () => {
  const options = await rig.options('host-3');
  const token = JSON.parse(readFileSync(options.joinFile ?? '', 'utf8')) as { addresses: string[] };
  const wrong = join(rig.folder, 'wrong.token');
  const addresses = token.addresses.filter((address) => address.includes('127.0.0.1'));
  writeFileSync(wrong, JSON.stringify({ ...token, addresses, fingerprint: '0'.repeat(64) }));
  expect(String(await start({ ...options, joinFile: wrong }))).toContain('fingerprint');
  // The secret was not spent.
  const agent = await rig.start('host-3', { joinFile: options.joinFile });
  await agent.stop();
}, 30_000);

test('an agent of another version is told so, and goes on asking', async () => {
  const options = await rig.options('host-4');
  const agent = await rig.start('host-4');
  await agent.stop();
  const said: string[] = [];
  const ended = new AbortController();
  const running = runAgent({ ...options, version: '9.9.9', onLog: (line) => said.push(line) }, ended.signal);
  await until(() => said.some((line) => line.includes('different versions')), 'it says why');
  ended.abort();
  await running;
});

test.runIf(process.getuid?.() === 0)(
  'below 5 % free disk no build begins, and tasks go on; a full disk keeps nobody from stopping them',
  async () => {
    const disk = mkdtempSync(join(rig.folder, 'small-disk-'));
    expect(spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=100m', 'tmpfs', disk]).status).toBe(0);
    try {
      const source = await rig.pack({ 'in.txt': 'input' });
      const agent = await rig.start('host-5', { dataDir: join(disk, 'data') });
      const one = await packApp(rig, 'one');
      const started = order(one, { kind: 'start' });
      await rig.send('host-5', started);
      await outcomeOf(rig, started.id);
      spawnSync('dd', ['if=/dev/zero', `of=${join(disk, 'filler')}`, 'bs=1M', 'count=110'], { stdio: 'ignore' });
      // 3 % are left: enough for what the agent itself writes down.
      spawnSync('truncate', ['-s', '-3M', join(disk, 'filler')]);
      const id = newId('run');
      await rig.run('host-5', {
        ...{ type: 'action', id, source, inputs: {}, commands: [['true']], env: {}, timeoutMs: 5000, output: null },
      });
      const report = await rig.endOf(id);
      expect(report).toMatchObject({
        state: 'lost',
        summary: expect.stringMatching(/only \d\.\d % free; builds stop below 5 %/),
      });
      // To the last byte: what is asked of the host is written down in the room that it kept aside.
      spawnSync('dd', ['if=/dev/zero', `of=${join(disk, 'rest')}`, 'bs=4k', 'count=2000'], { stdio: 'ignore' });
      const another = newId('run');
      await rig.run('host-5', {
        ...{ type: 'action', id: another, source, inputs: {}, commands: [['true']], env: {} },
        ...{ timeoutMs: 5000, output: null },
      });
      expect(await rig.endOf(another)).toMatchObject({
        state: 'lost',
        summary: expect.stringContaining('not run: the disk'),
      });
      await agent.stop();
      const stop = order(null, { incarnation: 1, nextIncarnation: 1, epoch: 2 });
      const again = await rig.start('host-5', { dataDir: join(disk, 'data') });
      await rig.send('host-5', stop);
      await outcomeOf(rig, stop.id);
      await again.stop();
    } finally {
      spawnSync('umount', ['-l', disk]);
    }
  },
  60_000,
);

// Builds and other commands on real agents: in a folder of their own, bounded, cancelled, adopted, isolated.
import { writeFileSync } from 'node:fs';
import { mkdtemp, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ActionOrder } from '../../src/api/index.ts';
import { openArtifactStore, unpackTree } from '../../src/artifact/index.ts';
import { openBlobFiles } from '../../src/io/blob-files.ts';
import { realClock } from '../../src/io/clock.ts';
import { findMarked, listProcesses } from '../../src/io/process.ts';
import { probeSandbox } from '../../src/io/sandbox.ts';
import { createTreeWriter } from '../../src/io/tree-files.ts';
import { newId, openRig, type Rig, until } from './rig.ts';

let rig: Rig;
let source: string;

beforeAll(async () => {
  rig = await openRig();
  source = await rig.pack({ 'in.txt': 'input\n', 'junk/big.txt': 'not wanted' });
  await rig.start('host-1');
});
afterAll(async () => await rig.close());

test('commands run in order in a clean copy of the source; what they make is packed and handed in', async () => {
  const order = action([
    [
      'node',
      '-e',
      'require("fs").writeFileSync("out.txt", require("fs").readFileSync("in.txt", "utf8").toUpperCase())',
    ],
    ['node', '-e', 'console.log("made", require("fs").readFileSync("out.txt", "utf8").trim(), process.env.GREETING)'],
    ['env'],
  ]);
  await rig.run('host-1', { ...order, env: { GREETING: 'hello' }, output: { include: ['out.txt'], exclude: [] } });
  const report = await rig.endOf(order.id);
  expect(report).toMatchObject({ state: 'succeeded', exitCode: 0, output: { sizeBytes: 6 } });
  const store = openArtifactStore(openBlobFiles(join(rig.folder, 'artifacts')), realClock);
  const target = join(await mkdtemp(join(rig.folder, 'out-')), 'tree');
  await unpackTree(store, report.output?.digest ?? '', await createTreeWriter(target));
  expect(await readdir(target)).toEqual(['out.txt']);
  expect(await readFile(join(target, 'out.txt'), 'utf8')).toBe('INPUT\n');

  const log = await logOf(order.id, '$ env');
  expect(log).toContain('made INPUT hello');
  // A clean environment: nothing of the agent's own.
  expect(log).not.toContain('ROLLWAY_TEST_MARK');
  expect(log).toContain('CI=true');
});

test('what earlier actions made lies in a folder for each, outside of what is handed in', async () => {
  const [site, api] = [await rig.pack({ 'index.html': 'site\n' }), await rig.pack({ 'lib/api.js': 'api\n' })];
  const look = 'cat "$ROLLWAY_INPUTS/site/index.html" "$ROLLWAY_INPUTS/api/lib/api.js" in.txt > all.txt; ls > list.txt';
  const order = action([['sh', '-c', look]], { inputs: { site, api }, output: { include: ['*.txt'], exclude: [] } });
  await rig.run('host-1', order);
  const report = await rig.endOf(order.id);
  expect(report).toMatchObject({ state: 'succeeded' });
  const store = openArtifactStore(openBlobFiles(join(rig.folder, 'artifacts')), realClock);
  const target = join(await mkdtemp(join(rig.folder, 'out-')), 'tree');
  await unpackTree(store, report.output?.digest ?? '', await createTreeWriter(target));
  expect(await readFile(join(target, 'all.txt'), 'utf8')).toBe('site\napi\ninput\n');
  expect((await readFile(join(target, 'list.txt'), 'utf8')).split('\n')).not.toContain('inputs');
});

test('a failing command ends the action, with its exit code and last words', async () => {
  const order = action([
    ['sh', '-c', 'echo this went wrong >&2; exit 3'],
    ['touch', 'never'],
  ]);
  await rig.run('host-1', order);
  const report = await rig.endOf(order.id);
  expect(report).toMatchObject({ state: 'failed', exitCode: 3 });
  expect(report.summary).toContain('this went wrong');
});

test('a build that never ends is stopped at its timeout, with everything it started', async () => {
  const order = action([['sh', '-c', 'setsid sleep 1000 & sleep 1000']], { timeoutMs: 500 });
  await rig.run('host-1', order);
  const report = await rig.endOf(order.id);
  expect(report.state).toBe('timed-out');
  expect(findMarked(`ROLLWAY_RUN=${order.id}`)).toEqual([]);
});

test('cancel ends it; sent twice, and before it arrived, too', async () => {
  const order = action([['sleep', '1000']]);
  await rig.run('host-1', order);
  await until(() => findMarked(`ROLLWAY_RUN=${order.id}`).length > 0, 'it runs');
  await rig.run('host-1', order);
  for (let i = 0; i < 2; i++) await rig.send('host-1', { type: 'cancel-action', id: order.id });
  expect(await rig.endOf(order.id)).toMatchObject({ state: 'cancelled' });
  expect(findMarked(`ROLLWAY_RUN=${order.id}`)).toEqual([]);

  const early = action([['touch', '/tmp/never']]);
  await rig.send('host-1', { type: 'cancel-action', id: early.id });
  await rig.run('host-1', early);
  expect(await rig.endOf(early.id)).toMatchObject({ state: 'cancelled' });
});

test('an action outlives its agent; only the loss of its keeper makes it lost', async () => {
  const host = newId('host').replace('_', '-');
  const agent = await rig.spawn(host);
  const order = action([['sh', '-c', 'echo begun; sleep 2; echo made > out.txt']], {
    output: { include: ['out.txt'], exclude: [] },
  });
  const doomed = action([['sleep', '1000']]);
  for (const each of [order, doomed]) await rig.run(host, each);
  await until(() => findMarked(`ROLLWAY_RUN=${order.id}`).length > 0, 'it runs');
  await until(() => findMarked(`ROLLWAY_RUN=${doomed.id}`).length > 0, 'the other runs');
  agent.kill('SIGKILL');
  await until(() => !rig.server.isConnected(host), 'the agent is gone');
  const [running] = findMarked(`ROLLWAY_RUN=${doomed.id}`);
  const keeper = listProcesses().find(({ pid }) => pid === running?.pid)?.parentPid ?? 0;
  process.kill(keeper, 'SIGKILL');
  await rig.spawn(host);
  expect(await rig.endOf(order.id, 40_000)).toMatchObject({ state: 'succeeded', output: { sizeBytes: 5 } });
  expect(await rig.endOf(doomed.id, 40_000)).toMatchObject({ state: 'lost' });
  expect(findMarked(`ROLLWAY_RUN=${doomed.id}`)).toEqual([]);
}, 120_000);

test('output beyond the limit is dropped and counted, and never holds up the command', async () => {
  const order = action([['node', '-e', 'for (let i = 0; i < 300000; i++) console.log("x".repeat(100), i)']]);
  await rig.run('host-1', order);
  expect(await rig.endOf(order.id)).toMatchObject({ state: 'succeeded' });
  expect(await logOf(order.id, 'more lines were dropped')).toMatch(/… \d+ more lines were dropped/);
}, 40_000);

test.runIf(probeSandbox())(
  'a hostile build cannot read the data folders of server and agent',
  async () => {
    const secret = join(rig.folder, 'server', 'secret.txt');
    writeFileSync(secret, 'do not tell');
    const spying = await rig.options('host-3');
    await rig.start('host-3', { hiddenFolders: [join(rig.folder, 'server')] });
    const look = ['sh', '-c', 'cat "$1"; ls "$2"; cat "$2/identity.json"; cat in.txt', 'sh', secret, spying.dataDir];
    const order = action([look]);
    await rig.run('host-3', order);
    await rig.endOf(order.id);
    const log = await logOf(order.id, 'input');
    expect(log).not.toContain('do not tell');
    expect(log).not.toContain('privateKey');
    // Against a test that could not fail: the same command sees both on a host that hides nothing.
    await rig.start('host-4', { confine: false });
    const open = action([look]);
    await rig.run('host-4', open);
    await rig.endOf(open.id);
    expect(await logOf(open.id, 'do not tell')).toContain('privateKey');
  },
  30_000,
);

function action(commands: string[][], change: Partial<ActionOrder> = {}): ActionOrder {
  const rest = { inputs: {}, env: {}, timeoutMs: 30_000, output: null };
  return { type: 'action', id: newId('run'), source, commands, ...rest, ...change };
}

async function logOf(id: string, text: string): Promise<string> {
  const read = async (): Promise<string> =>
    Buffer.from((await rig.server.actionLogs.read(id as `run_${string}`, 0, 64 * 1024 * 1024)).bytes).toString('utf8');
  await until(async () => (await read()).includes(text), `the log of ${id} has “${text}”`);
  return await read();
}

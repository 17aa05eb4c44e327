import { afterAll, beforeAll, expect, test } from 'vitest';
import { groupNameOf } from '../../src/agent/confinement.ts';
import { closeCgroups, probeCgroups } from '../../src/io/cgroup.ts';
import { ask, newJob, openRig, order, outcomeOf, packApp, processesOf, type Rig, until } from './rig.ts';

let rig: Rig;
let one: string;

beforeAll(async () => {
  rig = await openRig();
  one = await packApp(rig, 'one');
  await rig.start('host-1', {
    times: { restart: { baseMs: 100, capMs: 1000, maxEnds: 4, windowMs: 60_000, settleMs: 500 } },
  });
});
afterAll(async () => await rig.close());

test('TWD-12 a task that exits at once: 0.1 s, 0.2, 0.4 between its lives, then crash-looping, with its last words', async () => {
  const start = order(one, { job: 'exits@test', kind: 'start', env: { MODE: 'exit' } });
  await rig.send('host-1', start);
  const ended = await outcomeOf(rig, start.id);
  expect(ended).toMatchObject({ state: 'crash-looping', operation: { outcome: 'failed' } });
  expect(ended.failure).toMatchObject({ reason: 'exited', exitCode: 7 });
  expect(ended.failure?.lastLogLines.join('\n')).toContain('no luck');
  const began = rig.reports
    .filter(({ job, state }) => job === 'exits@test' && state === 'starting')
    .map(({ life }) => life);
  expect(new Set(began)).toEqual(new Set([0, 1, 2, 3]));
  await until(
    () => rig.reports.some(({ job, life }) => job === 'exits@test' && life > 4),
    'it is still tried, slowly',
    6000,
  );

  const stop = order(null, { job: 'exits@test', incarnation: 1, nextIncarnation: 1, epoch: 2 });
  await rig.send('host-1', stop);
  expect(await outcomeOf(rig, stop.id)).toMatchObject({ state: 'stopped', operation: { outcome: 'done' } });
  expect(processesOf(rig, 'exits@test')).toEqual([]);
}, 20_000);

test('a task that is never ready: failed at its deadline, with what was asked and answered', async () => {
  const ready = { http: { path: '/ready', port: 'http' }, deadlineMs: 4000 };
  const start = order(one, { job: newJob('never'), kind: 'start', env: { MODE: 'never' }, task: { ready } });
  await rig.send('host-1', start);
  const { state, failure, operation } = await outcomeOf(rig, start.id, 30_000);
  expect({ state, operation: operation?.outcome }).toEqual({ state: 'failed', operation: 'failed' });
  expect(failure).toMatchObject({ reason: 'not-ready', summary: 'It was not ready within 4 s' });
  expect(failure?.probe?.request).toMatch(/^GET http:\/\/127\.0\.\d+\.\d+:\d+\/ready$/);
  expect(failure?.probe?.answer).toContain('503');
  expect(failure?.probe?.answer).toContain('warming up');
}, 40_000);

test('a package that cannot be had fails the operation before anything is stopped for it', async () => {
  const start = order(one, { job: 'keeps@test', kind: 'start' });
  await rig.send('host-1', start);
  const serving = await outcomeOf(rig, start.id);
  const { pid } = await ask(serving);
  const update = order('0'.repeat(64), { job: 'keeps@test', incarnation: 1, nextIncarnation: 2, epoch: 2 });
  await rig.send('host-1', update);
  const ended = await outcomeOf(rig, update.id);
  expect(ended).toMatchObject({ state: 'serving', incarnation: 1, operation: { outcome: 'failed' } });
  expect(ended.failure?.reason).toBe('package');
  expect((await ask(serving)).pid).toBe(pid);

  // Its incarnation was not used up: the next try may have the same number, and expects the one that is there.
  const again = order(one, { job: 'keeps@test', incarnation: 1, nextIncarnation: 2, epoch: 3 });
  await rig.send('host-1', again);
  expect(await outcomeOf(rig, again.id)).toMatchObject({ state: 'serving', incarnation: 2 });
});

test('the time to get ready begins when the new process does, not when the old one begins to drain', async () => {
  const start = order(one, { job: 'drains@test', kind: 'start', task: { drainMs: 6500 } });
  await rig.send('host-1', start);
  await outcomeOf(rig, start.id);
  const ready = { http: { path: '/ready', port: 'http' }, deadlineMs: 4000 };
  const update = order(one, {
    job: 'drains@test',
    incarnation: 1,
    nextIncarnation: 2,
    epoch: 2,
    task: { drainMs: 0, ready },
  });
  await rig.send('host-1', update);
  expect(await outcomeOf(rig, update.id, 20_000)).toMatchObject({ state: 'serving', incarnation: 2 });
}, 30_000);

test('a command that does not exist cannot be started, and says so', async () => {
  const start = order(one, { job: 'nothing@test', kind: 'start', task: { command: ['no-such-program'] } });
  await rig.send('host-1', start);
  const { failure } = await outcomeOf(rig, start.id);
  expect(JSON.stringify(failure)).toContain('no-such-program');
});

test('a process that ignores its signal is killed after its grace, with all it started', async () => {
  const script = `import { spawn } from 'node:child_process';
    process.on('SIGTERM', () => console.log('never'));
    spawn('sleep', ['1000'], { detached: true, stdio: 'ignore' });
    setInterval(() => {}, 1000); console.log('up');`;
  const digest = await rig.pack({ 'app.mjs': script });
  const start = order(digest, {
    job: 'stubborn@test',
    kind: 'start',
    task: {
      ready: { log: { contains: 'up' }, deadlineMs: 3000 },
      stop: { signal: 'SIGTERM', graceMs: 300 },
      ports: [],
      metrics: null,
    },
  });
  await rig.send('host-1', start);
  await outcomeOf(rig, start.id);
  expect(processesOf(rig, 'stubborn@test')).toHaveLength(2);
  const stop = order(null, { job: 'stubborn@test', incarnation: 1, nextIncarnation: 1, epoch: 2 });
  await rig.send('host-1', stop);
  await outcomeOf(rig, stop.id);
  expect(processesOf(rig, 'stubborn@test')).toEqual([]);
});

const cgroups = probeCgroups(groupNameOf('/test/probe'));
if (cgroups) closeCgroups(cgroups);
const hasMemoryLimit = JSON.stringify(cgroups ?? '').includes('memory');
test.runIf(hasMemoryLimit)(
  'TWX-4 too much memory ends the whole task as out-of-memory, then it is started again',
  async () => {
    // The child takes the memory; the parent would live on without it.
    const script = `import { spawn } from 'node:child_process';
    if (process.argv[2] === 'hog') { const kept = []; for (;;) kept.push(Buffer.alloc(4 << 20, 1)); }
    setTimeout(() => spawn(process.execPath, ['app.mjs', 'hog'], { stdio: 'inherit' }), 300);
    setInterval(() => {}, 1000); console.log('up');`;
    const digest = await rig.pack({ 'app.mjs': script });
    const start = order(digest, {
      job: 'hungry@test',
      kind: 'start',
      task: {
        ready: { log: { contains: 'up' }, deadlineMs: 5000 },
        ports: [],
        metrics: null,
        resources: { cpuMillis: 2000, memoryMb: 120 },
      },
    });
    await rig.send('host-1', start);
    await outcomeOf(rig, start.id);
    const isOut = (): boolean =>
      rig.reports.some(({ job, failure }) => job === 'hungry@test' && failure?.reason === 'out-of-memory');
    await until(isOut, 'out of memory is told');
    await until(
      () => rig.reports.some(({ job, life, state }) => job === 'hungry@test' && life > 0 && state === 'serving'),
      'next life',
    );
    const stop = order(null, { job: 'hungry@test', incarnation: 1, nextIncarnation: 1, epoch: 2 });
    await rig.send('host-1', stop);
    await outcomeOf(rig, stop.id);
    expect(processesOf(rig, 'hungry@test')).toEqual([]);
  },
  20_000,
);

test('the log of a task can be asked for, also after it is gone', async () => {
  const tail = await rig.server.tail('host-1', 'keeps@test', 0, 10, AbortSignal.timeout(5000));
  expect(tail.lines.map(({ text }) => text).join('\n')).toContain('incarnation 2');
  const stop = order(null, { job: 'keeps@test', incarnation: 2, nextIncarnation: 2, epoch: 4 });
  await rig.send('host-1', stop);
  await outcomeOf(rig, stop.id);
  const after = await rig.server.tail('host-1', 'keeps@test', 0, 10, AbortSignal.timeout(5000));
  expect(after.lines.map(({ text }) => text).join('\n')).toContain('incarnation 1');
  const none = await rig.server.tail('host-1', 'nobody@test', 0, 10, AbortSignal.timeout(5000));
  expect(none).toMatchObject({ lines: [], note: expect.stringContaining('nothing') });
});

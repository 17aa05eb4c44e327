// SIGKILL at random moments of rollouts: the world ends as if nothing had happened.
// KILLS_SEED=<n> repeats a run; TEST_LONG=1 kills fifty times, tasks themselves too, on the tour's size.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { writeResult } from '../../bench/machine.ts';
import type { RolloutSummary } from '../../src/api/index.ts';
import { type Load, startLoad } from '../../src/cli/demo/load.ts';
import { findMarked, listProcesses } from '../../src/io/process.ts';
import { seededChance } from '../../src/kit/index.ts';
import { keepersBelow } from '../agents/rig.ts';
import { makeRepository } from '../local-fleet.ts';
import { commandLine, type Installation, openInstallation, processesOf, until } from '../stories/installation.ts';
import { type Gap, mostAtOnce, openWitness, type Witness, witnessServer } from './witness.ts';

const seed = Number(process.env.KILLS_SEED ?? 1 + Math.floor(Math.random() * 1e9));
const isLong = Boolean(process.env.TEST_LONG);
const killCount = isLong ? 50 : 3;
const targets = isLong ? (['server', 'agent', 'keeper', 'task'] as const) : (['server', 'agent', 'keeper'] as const);
type Target = 'server' | 'agent' | 'keeper' | 'task';
const [hostCount, taskCount, budget] = isLong ? [6, 12, 3] : [3, 6, 2];
const hosts = Array.from({ length: hostCount }, (_, at) => `host-${at + 1}`);
const job = 'witness@production';
/** From the death of a task until nobody is sent to it any more: noticed, told, and read by the load. */
const noticeMs = 5000;

const chance = seededChance(seed, 'kills');
const below = (n: number) => Math.floor(chance.next() * n);

let place: Installation;
let witness: Witness;
let load: Load;
let repository: ReturnType<typeof makeRepository>;
const broken: { readonly atMs: number; readonly what: string }[] = [];
const killed: { readonly atMs: number; readonly what: string; readonly index: number | undefined }[] = [];
let watching: NodeJS.Timeout;

const config = (sink: string) => `name: witness
command: node server.js
ready: { http: /ready, within: 5s }
drain: 1s
tasks: ${taskCount}
budget: ${budget}
phases: [1, 50%, all]
bake: 2s
env: { SINK: '${sink}' }
`;

beforeAll(async () => {
  place = await openInstallation({ hosts, net: 34 });
  witness = await openWitness();
  repository = makeRepository(join(place.folder, 'witness'));
  repository.commit({ 'rollway.yaml': config(witness.url), 'server.js': witnessServer('first', 'good') }, 'first');
  await place.client().registerRepository({ body: { name: 'witness', url: repository.folder } });
  await ended('first', 'succeeded');
  const signal = new AbortController().signal;
  load = startLoad({ client: place.client(), job, requestsPerSecond: 60, discoveryMs: 250, signal });
  // When it broke, besides what.
  watching = setInterval(() => {
    for (const what of load.broken.slice(broken.length)) broken.push({ atMs: Date.now(), what });
  }, 50);
});
afterAll(async () => {
  clearInterval(watching);
  await load?.stop();
  await place?.close();
  await witness?.close();
});

async function rolloutOf(subject: string): Promise<RolloutSummary | undefined> {
  const { items } = await place.client().listRollouts({ query: { limit: 50 } });
  return items.find((rollout) => rollout.to?.subject === subject);
}
/** The server may be away while we ask. */
async function stateOf(subject: string): Promise<string | undefined> {
  return (await rolloutOf(subject).catch(() => undefined))?.state;
}
async function ended(subject: string, state: string): Promise<void> {
  let seen: string | undefined;
  const isEnded = async () => {
    seen = await stateOf(subject);
    return seen !== undefined && ['succeeded', 'reverted', 'aborted', 'superseded', 'held'].includes(seen);
  };
  await until(isEnded, `the rollout of ${subject} ends (seed ${seed})`, 120_000);
  expect(seen, `${subject}, seed ${seed}`).toBe(state);
}

/** Kills one of them, and starts again what a supervisor would start again. */
async function killOne(target: Target): Promise<void> {
  const atMs = Date.now();
  if (target === 'server') {
    killed.push({ atMs, what: 'server', index: undefined });
    await place.stop(place.server(), 'SIGKILL');
    await place.startServer();
  } else if (target === 'agent') {
    const host = hosts[below(hosts.length)]!;
    killed.push({ atMs, what: `agent of ${host}`, index: undefined });
    await place.stop(place.agent(host), 'SIGKILL');
    await place.startAgent(host);
  } else if (target === 'task') {
    const running = tasks();
    const { pid, index } = running[below(running.length)]!;
    killed.push({ atMs, what: `task ${index}, pid ${pid}`, index });
    process.kill(pid, 'SIGKILL');
  } else {
    const keepers = keepersOfTasks();
    const { pid, index } = keepers[below(keepers.length)]!;
    killed.push({ atMs, what: `keeper ${pid} of task ${index}`, index });
    process.kill(pid, 'SIGKILL');
  }
}

function tasks(): { pid: number; parentPid: number; index: number }[] {
  const marked = new Set(findMarked(`ROLLWAY_JOB=${job}`).map(({ pid }) => pid));
  return listProcesses()
    .filter(({ pid }) => marked.has(pid))
    .map(({ pid, parentPid }) => ({ pid, parentPid, index: indexOf(pid) }));
}
function indexOf(pid: number): number {
  const text = readFileSync(`/proc/${pid}/environ`, 'utf8');
  return Number(/(?:^|\0)ROLLWAY_INDEX=(\d+)/.exec(text)?.[1]);
}
/** Keepers by the task they hold; builds have others. */
function keepersOfTasks(): { pid: number; index: number }[] {
  const keepers = new Set(keepersBelow(place.folder));
  const parents = new Map(listProcesses().map(({ pid, parentPid }) => [pid, parentPid]));
  const found = new Map<number, number>();
  for (const { pid, index } of tasks()) {
    for (let up: number | undefined = pid; up !== undefined && up > 1; up = parents.get(up)) {
      if (keepers.has(up)) found.set(up, index);
    }
  }
  return [...found.entries()].map(([pid, index]) => ({ pid, index }));
}

/** From the kill until it serves again. The last word of a task is up to a report older than its death. */
function isOfKill({ index, fromMs, untilMs }: Gap): boolean {
  return killed.some(
    (one) => one.index === index && one.atMs >= fromMs - 50 && one.atMs < untilMs && one.atMs - fromMs < 500,
  );
}

test(`C1 C11 ${killCount} SIGKILLs of ${targets.join(', ')} in mid-rollout change nothing (seed ${seed})`, {
  // A second try would begin in the middle of the first.
  retry: 0,
  timeout: isLong ? 5_400_000 : 400_000,
}, async () => {
  const kinds = Array.from({ length: killCount }, (_, at) => targets[at % targets.length]!);
  for (let at = kinds.length - 1; at > 0; at--) {
    const other = below(at + 1);
    [kinds[at], kinds[other]] = [kinds[other]!, kinds[at]!];
  }
  const startedAtMs = Date.now();
  const bad: string[] = [];
  const fixes: string[] = [];
  let last = '';
  for (const [turn, target] of kinds.entries()) {
    // An improvement, a fault, its fix, an improvement …
    const isBad = turn % 3 === 1;
    const subject = `commit ${turn + 2}`;
    const message = turn % 3 === 2 ? `${subject}\n\nRollway-Fixes: ${bad.at(-1)}` : subject;
    const id = repository.commit({ 'server.js': witnessServer(subject, isBad ? 'never' : 'good') }, message);
    if (isBad) bad.push(id);
    if (turn % 3 === 2) fixes.push(id);
    if (!isBad) last = id;
    const isUnderWay = async () => ['running', 'reverting'].includes((await stateOf(subject)) ?? '');
    await until(isUnderWay, `the rollout of ${subject} is under way (seed ${seed})`);
    await new Promise((resolve) => setTimeout(resolve, chance.next() * 5000));
    await killOne(target);
    await ended(subject, isBad ? 'reverted' : 'succeeded');
  }
  // With twenty kills the last turn is a bad one: what runs is the version before it.
  const client = place.client();
  const settled = async () => {
    const { tasks } = await client.getJob({ params: { job } });
    return tasks.every((task) => task.state === 'serving' && task.version === task.assigned);
  };
  await until(settled, 'all tasks serve what they are assigned');
  const told = JSON.stringify({ seed, killed, broken }, null, 2);

  // The same assignment and the same marks as without kills.
  const { tasks: dots } = await client.getJob({ params: { job } });
  const { items: releases } = await client.listReleases({ params: { service: 'witness' }, query: { limit: 50 } });
  const version = releases.find((release) => release.commit === last)?.version;
  expect(
    dots.map(({ assigned }) => assigned),
    told,
  ).toEqual(Array(taskCount).fill(version));
  const marks = (await client.listMarks({ query: { limit: 100 } })).items;
  expect(marks.map(({ candidates }) => candidates.map(({ id }) => id)).reverse(), told).toEqual(bad.map((id) => [id]));
  const fixed = marks.map((mark) => mark.fixes.map(({ id }) => id)).reverse();
  expect(fixed, told).toEqual(bad.map((_, at) => fixes.slice(at, at + 1)));

  // Never two processes for one index; no process that belongs to nobody.
  expect(witness.twins(), told).toEqual([]);
  expect(
    tasks()
      .map(({ index }) => index)
      .sort((a, b) => a - b),
    told,
  ).toEqual(Array.from({ length: taskCount }, (_, index) => index));
  expect(keepersOfTasks()).toHaveLength(taskCount);
  await until(() => keepersBelow(place.folder).length === taskCount, 'no keeper is left over');
  const known = new Set([
    place.server().pid,
    ...hosts.map((host) => place.agent(host).pid),
    ...keepersBelow(place.folder),
    ...tasks().map(({ pid }) => pid),
  ]);
  // A keeper has a guard, its child, that outlives it only to end its task.
  const keepers = new Set(keepersBelow(place.folder));
  const parents = new Map(listProcesses().map(({ pid, parentPid }) => [pid, parentPid]));
  const orphans = () =>
    processesOf(place.folder).filter((pid) => !known.has(pid) && !keepers.has(parents.get(pid) ?? 0));
  await until(() => orphans().length === 0, 'no orphan process', 20_000).catch(() => {});
  expect(orphans().map(commandLine), told).toEqual([]);

  // Nobody was failed but whom the killed task served, until that was noticed.
  const excused = ({ atMs, what }: (typeof broken)[number]) =>
    killed.some(
      ({ index, atMs: killedMs }) =>
        what.startsWith(`task ${index} `) && atMs - killedMs < noticeMs && atMs >= killedMs,
    );
  expect(
    broken.filter((one) => !excused(one)),
    told,
  ).toEqual([]);

  // The witness's own count: who is missing, less whom a kill took, is never more than the budget.
  const missing = witness.gaps().filter((gap) => !isOfKill(gap));
  expect(missing.length, told).toBeGreaterThan(taskCount);
  expect(mostAtOnce(missing), JSON.stringify({ seed, missing, killed })).toBeLessThanOrEqual(budget);
  const sent = [...load.byVersion.values()].reduce((sum, { sent }) => sum + sent, 0);
  expect(sent).toBeGreaterThan(1000);
  if (isLong) {
    writeResult('kills', {
      ...{
        seed,
        n: killCount,
        hosts: hostCount,
        tasks: taskCount,
        seconds: Math.round((Date.now() - startedAtMs) / 1000),
        requests: sent,
      },
      ...{ broken: broken.length, brokenButByAKill: 0, budget, mostMissing: mostAtOnce(missing), killed },
    });
  }
});

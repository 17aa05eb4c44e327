import { expect, test } from 'vitest';
import { listLiveMarks, recordMarkRequest } from '../blame/rows.ts';
import { markKind } from '../blame/work.ts';
import { Abandon, type Hooks } from '../engine/index.ts';
import type { Rollout } from '../model/index.ts';
import { openStore, type Store } from '../store/index.ts';
import { Outside, Plane, specOf } from './plane.conformance.ts';
import * as rows from './rows.ts';

const story = ['good', 'bad', 'on the bad one', 'fix'] as const;

/** One thing that the world outside does next, decided from what is stored; false: the story is over. */
async function act(plane: Plane): Promise<boolean> {
  const { outside, store } = plane;
  if ((await store.read((tx) => rows.findRepository(tx, 'repo'))) === undefined) {
    await plane.watch();
    return true;
  }
  if (outside.orders.length > 0) {
    await plane.answer();
    return true;
  }
  const rollout = (await plane.rollouts()).find((one) => one.endedAtMs === undefined);
  if (rollout !== undefined) {
    await endRollout(plane, rollout);
    return true;
  }
  if (outside.git.commits.length < story.length) {
    commitNext(outside);
    await plane.wait(1000);
    return true;
  }
  const before = plane.outside.seen.size;
  await plane.wait(1000);
  return plane.outside.seen.size > before || outside.orders.length > 0;
}

function commitNext({ git }: Outside): void {
  const message = story[git.commits.length]!;
  const bad = git.commits[1];
  git.commit({ message: message === 'fix' ? `fix\n\nRollway-Fixes: ${bad}` : message, config: specOf() });
}

async function endRollout(plane: Plane, rollout: Rollout): Promise<void> {
  const release = (await plane.read((tx) => rows.findRelease(tx, rollout.release!)))!;
  if (release.subject !== 'bad') {
    await plane.end(rollout.id, 'succeeded');
    return;
  }
  const [good] = (await plane.rollouts()).filter(({ state }) => state === 'succeeded');
  const facts = {
    cause: 'judge' as const,
    evidence: 'it is slow',
    oldVersions: [good!.to],
    areOldTasksWell: true,
    failedHosts: [],
    lastGoodServesOn: [],
  };
  const { service, version } = { service: 'shop', version: rollout.to };
  await plane.engine.append({
    write: async (tx) => {
      const request = { rollout: rollout.id, repository: 'repo', service, release: release.id, version, facts };
      await recordMarkRequest(tx, { ...request, atMs: plane.nowMs });
    },
    work: [{ kind: markKind, key: 'repo' }],
  });
  await plane.settle();
  await plane.end(rollout.id, 'reverted');
}

/** Tells the story; the plane dies at the n-th moment, and another one goes on from the store. */
async function tell(store: Store, dieAt: number): Promise<{ moments: number; result: unknown }> {
  let moments = 0;
  let isDead = false;
  const hook = () => {
    moments++;
    if (moments !== dieAt) return;
    isDead = true;
    throw new Abandon();
  };
  const hooks: Hooks = { beforeCommit: hook, afterCommit: hook, afterEffect: hook };
  const outside = new Outside();
  let plane = new Plane(store, outside, hooks);
  await plane.addHosts(2);
  commitNext(outside);
  for (let n = 0; n < 200; n++) {
    try {
      if (!(await act(plane))) break;
    } catch (error) {
      if (!(error instanceof Abandon)) throw error;
    }
    if (!isDead) continue;
    isDead = false;
    plane = new Plane(store, outside);
    await plane.settle();
  }
  return { moments, result: await resultOf(plane) };
}

async function resultOf(plane: Plane): Promise<unknown> {
  const { git } = plane.outside;
  const releases = await Promise.all(git.commits.map((commit) => plane.releaseAt(commit)));
  const marks = await plane.read((tx) => listLiveMarks(tx, 'repo'));
  const runs = await plane.read((tx) => tx.selectFrom('action_run').select(['release', 'action', 'state']).execute());
  const subjects = new Map(releases.map((release) => [release.id as string, release.subject]));
  expect((await plane.engine.verifyChain('all')).ok).toBe(true);
  expect((await plane.engine.listParked()).effects).toEqual([]);
  return {
    releases: releases.map(({ subject, state }) => `${subject}: ${state}`),
    marks: marks.map(({ candidates, fixes }) => ({ candidates, fixes })),
    runs: runs.map(({ release, action, state }) => `${subjects.get(release)} ${action} ${state}`).sort(),
    rollouts: (await plane.rollouts()).map(({ state, release }) => `${subjects.get(release!)} ${state}`).sort(),
    // What agents did: as often as there are runs on agents, whatever was sent twice.
    executed: plane.outside.seen.size,
  };
}

test('P10 abandoned at any transaction or effect, another plane ends in the same result, nothing done twice', async () => {
  const whole = await openStore({ kind: 'sqlite', path: ':memory:' });
  const { moments, result } = await tell(whole, -1);
  await whole.close();
  expect(result).toMatchObject({
    releases: ['good: succeeded', 'bad: failed', 'on the bad one: superseded', 'fix: succeeded'],
    marks: [{ candidates: [expect.any(String)], fixes: [expect.any(String)] }],
  });
  const tries = process.env.TEST_LONG ? moments : 8;
  for (let n = 0; n < tries; n++) {
    const dieAt = 1 + Math.floor((n * (moments - 1)) / Math.max(1, tries - 1));
    const store = await openStore({ kind: 'sqlite', path: ':memory:' });
    const again = await tell(store, dieAt);
    await store.close();
    expect(again.result, `died at moment ${dieAt} of ${moments}`).toEqual(result);
  }
}, 300_000);

import { afterAll, expect, it } from 'vitest';
import { foldPlain, type TaskFacts } from '../src/disruption/index.ts';
import { seededChance } from '../src/kit/index.ts';
import type { TaskReport } from '../src/model/index.ts';
import { decideJob, type JobState } from '../src/rollout/index.ts';
import { scenarioOf } from './scenario.ts';
import { closeWhole, runWhole } from './whole.ts';

const runs = process.env.TEST_LONG === undefined ? 25 : 1000;

afterAll(closeWhole);

it('a decision on what is remembered of a job is made from exactly what the store holds', async () => {
  let decisions = 0;
  await lookAtDecisions((state, stored, seed) => {
    decisions += 1;
    const [remembered, read] = [textOf(withoutOthers(state)), textOf(withoutOthers(stored))];
    if (remembered !== read) expect(JSON.parse(remembered), `seed ${seed}`).toEqual(JSON.parse(read));
  });
  expect(decisions).toBeGreaterThan(2000);
});

it('reports that say what is known already change no decision, taken in before it or by it', async () => {
  const chance = seededChance(1, 'plain');
  let plain = 0;
  await lookAtDecisions((state, _stored, seed) => {
    const before: JobState = { ...state, inventory: { ...state.inventory, others: new Map() } };
    const nowMs = 2_000_000_000_000;
    const some = [...state.tasks.values()].filter(({ current }) => current !== undefined && chance.next() < 0.3);
    const reports = some.map((task) => again(state, task, nowMs));
    const tasks = new Map(state.tasks);
    for (const [at, task] of some.entries()) {
      const after = foldPlain(task, reports[at]!, nowMs);
      // A refusal may have left a failed try on a task that serves: forgetting that is news.
      if (after === undefined && task.failedTries > 0) return;
      tasks.set(task.index, after!);
    }
    plain += some.length;
    const byDecision = decideJob({ ...before, reports }, nowMs, counted());
    const beforeIt = decideJob({ ...before, reports: [], tasks }, nowMs, counted());
    // Those that it took in itself are written by it: nothing else is.
    const { changed, ...rest } = byDecision;
    const unchanged = some.filter(({ index }) => !beforeIt.changed.tasks.has(index)).map(({ index }) => index);
    const written = [...changed.tasks].filter((index) => !unchanged.includes(index));
    const got = textOf({ ...rest, changed: { ...changed, tasks: written.sort((a, b) => a - b) } });
    const expected = textOf({
      ...beforeIt,
      changed: { ...beforeIt.changed, tasks: [...beforeIt.changed.tasks].sort((a, b) => a - b) },
    });
    if (got !== expected) expect(JSON.parse(got), `seed ${seed}`).toEqual(JSON.parse(expected));
  });
  expect(plain).toBeGreaterThan(5000);
});

async function lookAtDecisions(look: (state: JobState, stored: JobState, seed: number) => void): Promise<void> {
  for (let seed = 1; seed <= runs; seed++) {
    const { violation } = await runWhole(scenarioOf(seed), {
      compareLoads: (state, stored) => look(state, stored, seed),
    });
    expect(violation, `seed ${seed}`).toBeUndefined();
  }
}

/** What its agent says when it is asked again. */
function again({ job }: JobState, { index, current }: TaskFacts, atMs: number): TaskReport {
  const { incarnation, life, host, version, state, ports, address, sequence, failure } = current!;
  const base = { job: job.id, index, incarnation, life, host, version, state, ports, address, atMs };
  return { ...base, sequence: sequence + 1, ...(failure && { failure }) };
}

function counted(): <P extends string>(prefix: P) => `${P}_${string}` {
  let n = 0;
  return (prefix) => `${prefix}_${String(n++).padStart(6, '0')}`;
}

/** The store's is read without a guard, and without the room that other jobs take. */
function withoutOthers({ revision: _, inventory: { others: __, ...inventory }, ...state }: JobState): object {
  return { ...state, inventory };
}

/** All of it in one order: maps and sets as they are gone through, and what is undefined is absent, as in rows. */
function textOf(whole: object): string {
  return JSON.stringify(whole, (_key, value: unknown) => {
    if (value instanceof Map || value instanceof Set) return [...value];
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
    return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
  });
}

import { expect, test } from 'vitest';
import { newTask } from '../../disruption/index.ts';
import { type JobRows, RememberedJobs } from './remembered.ts';

const rows = (size: number): JobRows => ({
  ...{ assignment: new Map(), operations: [], placements: [] },
  tasks: new Map(Array.from({ length: size }, (_, index) => [index, newTask(index)])),
});

test('a job is known at the revision at which it was kept, and at no other', () => {
  const jobs = new RememberedJobs({ leastIndices: 1, mostIndices: 10 });
  const kept = rows(3);
  jobs.keep('a@x', 7, kept);
  expect(jobs.at('a@x', 7)).toBe(kept);
  expect(jobs.at('a@x', 6)).toBeUndefined();
  expect(jobs.at('a@x', 8)).toBeUndefined();
  expect(jobs.at('b@x', 7)).toBeUndefined();
});

test('tasks that were written by themselves go on to the next revision; from any other nothing follows', () => {
  const jobs = new RememberedJobs({ leastIndices: 1, mostIndices: 10 });
  const kept = rows(3);
  jobs.keep('a@x', 7, kept);
  const changed = { ...newTask(1), highestIncarnation: 4 };
  jobs.change('a@x', 6, new Map([[1, changed]]));
  expect(jobs.at('a@x', 7)).toBe(kept);
  jobs.change('a@x', 7, new Map([[1, changed]]));
  expect(jobs.at('a@x', 7)).toBeUndefined();
  expect([...jobs.at('a@x', 8)!.tasks.values()]).toEqual([newTask(0), changed, newTask(2)]);
  expect(kept.tasks.get(1)).toEqual(newTask(1));
});

test('small jobs are not kept; of the others no more indices than allowed, the last asked for stay', () => {
  const jobs = new RememberedJobs({ leastIndices: 3, mostIndices: 10 });
  jobs.keep('small@x', 1, rows(2));
  expect(jobs.at('small@x', 1)).toBeUndefined();
  for (const job of ['a@x', 'b@x', 'c@x'] as const) {
    jobs.keep(job, 1, rows(4));
    jobs.at('a@x', 1);
  }
  expect(jobs.at('a@x', 1)).toBeDefined();
  expect(jobs.at('b@x', 1)).toBeUndefined();
  expect(jobs.at('c@x', 1)).toBeDefined();
  jobs.keep('huge@x', 1, rows(11));
  expect(jobs.at('huge@x', 1)).toBeUndefined();
});

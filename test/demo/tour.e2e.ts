import { execFileSync } from 'node:child_process';
import { appendFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Client, EventView } from '../../src/api/index.ts';
import { tourCommits } from '../../src/cli/demo/guestbook-repository.ts';
import { type DemoProcess, processesIn, startDemo } from './demo-process.ts';

const folder = mkdtempSync(join(tmpdir(), 'rollway-tour-'));
const repository = join(folder, 'd', 'guestbook');
let demo: DemoProcess;

beforeAll(() => {
  demo = startDemo(folder);
});
afterAll(async () => {
  if (demo.child.exitCode === null) await demo.interrupt();
  rmSync(folder, { recursive: true, force: true });
});

async function allEvents(client: Client): Promise<EventView[]> {
  const events: EventView[] = [];
  for (;;) {
    const page = await client.listEvents({ query: { after: events.at(-1)?.position ?? 0, limit: 1000 } });
    if (page.items.length === 0) return events;
    events.push(...page.items);
  }
}

async function until<T>(what: string, deadlineMs: number, look: () => Promise<T | undefined>): Promise<T> {
  const deadline = Date.now() + deadlineMs;
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    if (Date.now() > deadline) throw new Error(`${what}: not within ${deadlineMs / 1000} s\n${demo.output()}`);
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

describe('the tour', () => {
  test('tells five commits: one improvement, one fault that is caught, undone and marked, one blocked, one fix', async () => {
    await demo.whenSaid('What to try next', 400_000);
    const events = await allEvents(demo.client());
    const { items } = await demo.client().listReleases({ params: { service: 'guestbook' }, query: { limit: 50 } });
    const releases = tourCommits.map((step) => items.find((release) => release.subject === step.subject)!);
    expect(releases.map((release) => release.state)).toEqual([
      'succeeded',
      'succeeded',
      'failed',
      'superseded',
      'succeeded',
    ]);

    const typesOf = (stream: string) => events.filter((event) => event.stream === stream).map((event) => event.type);
    const [, warmer, pool, footer, fix] = releases;
    expect(typesOf(`rollout/${warmer!.rollouts[0]}`).filter((type) => type.startsWith('phase.'))).toEqual([
      'phase.started',
      'phase.updated',
      'phase.passed',
      'phase.started',
      'phase.updated',
      'phase.passed',
      'phase.started',
      'phase.updated',
      'phase.passed',
    ]);
    // The fault: its tests passed, the judge stopped it in an early phase, its tasks went back, the commit was marked.
    expect(typesOf(`release/${pool!.id}`)).toContain('release.packaged');
    const stopped = typesOf(`rollout/${pool!.rollouts[0]}`);
    expect(stopped.indexOf('rollout.failed')).toBeGreaterThan(stopped.indexOf('judge.looked'));
    expect(stopped.at(-1)).toBe('rollout.reverted');
    const touched = events.filter(
      (event) => event.stream === `rollout/${pool!.rollouts[0]}` && event.type === 'phase.started',
    );
    expect((touched.at(-1)!.data as { members: number[] }).members.length).toBeLessThanOrEqual(3);
    const marks = (await demo.client().listMarks()).items;
    expect(marks.map((mark) => mark.candidates.map((commit) => commit.id))).toEqual([[pool!.commit]]);
    expect(marks[0]!.fixes.map((commit) => commit.id)).toEqual([fix!.commit]);
    // What was built on it was blocked, and never touched a task.
    expect(typesOf(`release/${footer!.id}`)).toContain('release.blocked');
    expect(footer!.rollouts).toEqual([]);
    // Positions are gap-free.
    expect(events.map((event) => event.position)).toEqual(events.map((_, i) => i + 1));
  }, 480_000);

  test('I1 every admission fitted into the budget of three, or was exempt and says why', async () => {
    const admitted = (await allEvents(demo.client())).filter((event) => event.type === 'operation.admitted');
    expect(admitted.length).toBeGreaterThanOrEqual(36);
    for (const { data } of admitted) {
      const { index, exemption, out, budget } = data as {
        index: number;
        exemption?: string;
        out: number[];
        budget: number;
      };
      expect(budget).toBe(3);
      if (exemption === undefined) expect(new Set([...out, index]).size).toBeLessThanOrEqual(budget);
      else expect(['no-living-incarnation', 'still-out']).toContain(exemption);
    }
  });

  test('C10 no request failed but those that the faulty version itself failed', () => {
    const line =
      /load +([\d,]+) requests, (\d+) failed, all of them answers of the bad version; 0 broken connections/.exec(
        demo.output(),
      );
    expect(line, demo.output()).not.toBeNull();
    expect(Number(line![1]!.replaceAll(',', ''))).toBeGreaterThan(5000);
    expect(Number(line![2])).toBeGreaterThan(0);
  });

  test('a commit by hand is deployed like any other', async () => {
    appendFileSync(join(repository, 'src/page.js'), '\n// by hand\n');
    const git = (...args: string[]) =>
      execFileSync('git', ['-C', repository, '-c', 'user.name=A person', '-c', 'user.email=a@b.invalid', ...args]);
    git('commit', '--quiet', '-am', 'Mine');
    await until('the commit runs everywhere', 120_000, async () => {
      const { items } = await demo.client().listReleases({ params: { service: 'guestbook' }, query: { limit: 5 } });
      return items.find((release) => release.subject === 'Mine' && release.state === 'succeeded');
    });
  });

  test('Ctrl-C stops everything; the next start brings the same tasks back', async () => {
    const before = await demo.client().getJob({ params: { job: 'guestbook@production' } });
    expect(await demo.interrupt()).toBe(0);
    expect(processesIn(folder)).toEqual([]);
    demo = startDemo(folder, '--no-tour');
    await demo.whenSaid('What to try next', 60_000);
    const after = await until('twelve tasks serve again', 60_000, async () => {
      const job = await demo.client().getJob({ params: { job: 'guestbook@production' } });
      return job.tasks.every((task) => task.state === 'serving') ? job : undefined;
    });
    const facts = (job: typeof before) =>
      job.tasks.map(({ index, version, host, incarnation }) => ({ index, version, host, incarnation }));
    expect(facts(after)).toEqual(facts(before));
    // Twice, as impatient people do.
    demo.child.kill('SIGINT');
    expect(await demo.interrupt()).toBeDefined();
    await until('no process is left', 20_000, async () => (processesIn(folder).length === 0 ? true : undefined));
  });
});

import { describe, expect, test } from 'vitest';
import { ruleOnMark } from './conditions.ts';
import type { MarkFacts } from './facts.ts';
import { checkFix, fixesByTrailer } from './fixes.ts';
import { appendCommit, emptyGraph } from './graph.ts';
import { readTrailers } from './trailers.ts';

const facts: MarkFacts = {
  cause: 'basic-checks',
  evidence: 'task 3 exited with code 1',
  oldVersions: ['v_old'],
  areOldTasksWell: true,
  failedHosts: ['host-1'],
  lastGoodServesOn: [],
};

describe('when a failed rollout may write a mark', () => {
  test.each<[name: string, given: Partial<MarkFacts>, ruling: string]>([
    ['a judge said fail', { cause: 'judge', failedHosts: [] }, 'write'],
    ['undecided', { cause: 'undecided' }, 'refuse'],
    ['a build failed', { cause: 'build' }, 'refuse'],
    ['infrastructure', { cause: 'infrastructure' }, 'refuse'],
    ['cancelled', { cause: 'cancelled' }, 'refuse'],
    ['a first deployment, judged', { cause: 'judge', oldVersions: [] }, 'refuse'],
    ['a first deployment', { oldVersions: [] }, 'refuse'],
    ['old tasks were not well either', { areOldTasksWell: false, failedHosts: ['a', 'b'] }, 'refuse'],
    ['one host, nothing known of lastGood there', {}, 'wait'],
    ['lastGood serves, but on another host', { lastGoodServesOn: ['host-2'] }, 'wait'],
    ['lastGood serves on the same host', { lastGoodServesOn: ['host-1'] }, 'write'],
    ['it failed on two hosts', { failedHosts: ['host-1', 'host-2'] }, 'write'],
    ['twice on one host is one host', { failedHosts: ['host-1', 'host-1'] }, 'wait'],
    ['no host is known', { failedHosts: [] }, 'wait'],
  ])('%s → %s', (_name, given, ruling) => {
    expect(ruleOnMark({ ...facts, ...given }).kind).toBe(ruling);
  });
});

describe('what a message says', () => {
  const a = 'a'.repeat(40);
  const b = 'b'.repeat(40);
  test.each([
    [`Revert "x"\n\nThis reverts commit ${a}.\n`, [{ commit: a, backTo: undefined }], []],
    [`Revert\n\nThis reverts commit ${a}, reversing\nchanges made to ${b}.\n`, [{ commit: a, backTo: b }], []],
    [`fix\n\nRollway-Fixes: mark_01, abcdef0\nrollway-fixes: ${b}\n`, [], ['mark_01', 'abcdef0', b]],
    ['I would write Rollway-Fixes: x in the middle of a line', [], []],
    ['This reverts commit abc123 (too short to be sure)', [], []],
  ])('%j', (message, reverts, fixes) => {
    expect(readTrailers(message)).toEqual({ reverts, fixes });
  });

  test('a commit says of itself that it cannot be undone, and why', () => {
    expect(readTrailers('Drop the column\n\nRollway-Forward-Only: the column is gone\n')).toEqual({
      reverts: [],
      fixes: [],
      forwardOnly: 'the column is gone',
    });
    expect(readTrailers('Rollway-Forward-Only:\n')).toEqual({ reverts: [], fixes: [] });
  });

  test('a cherry-pick keeps the words of what it picked, and says so', () => {
    const message = `Revert "x"\n\nThis reverts commit ${a}.\n\n(cherry picked from commit ${b})\n`;
    expect(readTrailers(message)).toEqual({ reverts: [{ commit: a, backTo: undefined }], fixes: [], picks: [b] });
  });
});

describe('who is a fix', () => {
  // 0 ─ 1 (bad) ─ 2 ─ 3;  the bad build was at 2
  const ids = ['0', '1', '2', '3'].map((digit) => digit.repeat(40));
  const graph = emptyGraph();
  for (const [seq, id] of ids.entries()) appendCommit(graph, { id, parents: seq === 0 ? [] : [seq - 1] });
  const mark = { id: 'mark_7' as const, candidates: [ids[1]!, ids[2]!], seenIn: ids[2] };
  const saying = (seq: number, ...fixes: string[]) => ({ id: ids[seq]!, trailers: { reverts: [], fixes } });

  test.each([
    ['names the mark', saying(3, 'mark_7'), true],
    ['names a candidate in full', saying(3, ids[1]!), true],
    ['names a candidate shortly', saying(3, '1111111'), true],
    ['too short', saying(3, '111111'), false],
    ['another mark', saying(3, 'mark_8'), false],
    ['another commit', saying(3, ids[0]!), false],
    ['was in the bad build itself', saying(2, ids[1]!), false],
  ])('%s', (_name, commit, isFix) => {
    expect(fixesByTrailer(graph, mark, [commit])).toEqual(isFix ? [commit.id] : []);
  });

  test('a person may name a later commit, not one of the bad build, not an unknown one', () => {
    expect(checkFix(graph, mark, ids[3]!)).toEqual({ ok: true, value: ids[3] });
    expect(checkFix(graph, mark, ids[0]!)).toMatchObject({ ok: false, error: { code: 'mark/not-a-fix' } });
    expect(checkFix(graph, mark, 'f'.repeat(40))).toMatchObject({ ok: false, error: { code: 'git/unknown-commit' } });
    const byPerson = { ...mark, seenIn: undefined };
    expect(checkFix(graph, byPerson, ids[1]!)).toMatchObject({ ok: false });
  });
});

import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { VersionId } from '../model/index.ts';
import { candidatesOf } from './candidates.ts';
import { type Build, carriersOf, markTest } from './carriers.ts';
import { appendCommit, type CommitGraph, contains, emptyGraph, positionOn } from './graph.ts';
import type { Echo } from './undone.ts';

/** Parents of each commit by number; parents first. */
type History = readonly (readonly number[])[];

const history = (maxCommits: number): fc.Arbitrary<History> =>
  fc.array(fc.tuple(fc.nat(), fc.nat(), fc.nat(9)), { minLength: 1, maxLength: maxCommits }).map((draws) =>
    draws.map(([a, b, kind], seq) => {
      if (seq === 0 || kind === 9) return [];
      const first = kind < 5 ? seq - 1 : a % seq;
      const second = b % seq;
      return kind >= 6 && second !== first ? [first, second] : [first];
    }),
  );

const idOf = (seq: number) => `${seq.toString(16).padStart(4, '0')}${'c0ffee'.repeat(6)}`;

function graphOf(commits: History): CommitGraph {
  const graph = emptyGraph();
  for (const [seq, parents] of commits.entries()) appendCommit(graph, { id: idOf(seq), parents });
  return graph;
}

/** Ancestors by the definition: walk the parents, keep a set. */
function ancestors(commits: History, tip: number): Set<number> {
  const found = new Set<number>();
  const walk = (seq: number): void => {
    if (found.has(seq)) return;
    found.add(seq);
    for (const parent of commits[seq]!) walk(parent);
  };
  walk(tip);
  return found;
}

const buildAt = (seq: number, service = 'shop'): Build => ({ id: `v_${seq}-${service}`, service, commit: idOf(seq) });
const allBuilds = (commits: History) => commits.map((_, seq) => buildAt(seq));
const sorted = (ids: readonly string[]) => [...ids].sort();

describe('ancestry', () => {
  test('B1 a commit contains exactly its ancestors and itself', () => {
    fc.assert(
      fc.property(history(25), (commits) => {
        const graph = graphOf(commits);
        for (const tip of commits.keys()) {
          const within = ancestors(commits, tip);
          for (const seq of commits.keys()) expect(contains(graph, tip, seq)).toBe(within.has(seq));
        }
      }),
    );
  });

  test('B1 the candidates are what Git itself lists, merges included, and so are positions', () => {
    const folder = mkdtempSync(join(tmpdir(), 'rollway-blame-'));
    try {
      const git = (...argv: string[]) => execFileSync('git', ['-C', folder, ...argv], { encoding: 'utf8' }).trim();
      git('init', '-q', '--bare');
      const commits = fc.sample(history(40), { numRuns: 1, seed: 7 })[0]!;
      const input = commits.map((parents, seq) => {
        const from = parents[0] === undefined ? '' : `from :${parents[0] + 1}\n`;
        const merged = parents.slice(1).map((parent) => `merge :${parent + 1}\n`);
        const head = `commit refs/heads/b${seq}\nmark :${seq + 1}\ncommitter T <t@t> ${seq} +0000\ndata 0\n`;
        return `${head}${from}${merged.join('')}M 644 inline f${seq}\ndata 1\nx\n`;
      });
      execFileSync('git', ['-C', folder, 'fast-import', '--quiet'], { input: input.join('') });
      const ids = commits.map((_, seq) => git('rev-parse', `b${seq}`));
      const graph = emptyGraph();
      for (const [seq, parents] of commits.entries()) appendCommit(graph, { id: ids[seq]!, parents });
      for (let seq = 1; seq < commits.length; seq += 3) {
        const old = [Math.floor(seq / 2), Math.floor(seq / 3)];
        const listed = git('rev-list', `b${seq}`, ...old.map((other) => `^b${other}`)).split('\n');
        const oldIds = old.map((other) => ids[other]!);
        expect(sorted(candidatesOf(graph, ids[seq]!, oldIds))).toEqual(sorted(listed.filter(Boolean)));
        const line = git('rev-list', '--first-parent', `b${seq}`).split('\n').length - 1;
        expect(positionOn(graph, seq, seq)).toBe(line);
      }
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  test('a commit off the branch stands after its merge base and before the next commit of the branch', () => {
    // 0 ─ 1 ─ 2 ─ 3 (the branch), 4 off 1, 5 a merge of 4 into 3's line
    const graph = graphOf([[], [0], [1], [2], [1], [3, 4], []]);
    expect([0, 1, 2, 3].map((seq) => positionOn(graph, 5, seq))).toEqual([0, 1, 2, 3]);
    expect(positionOn(graph, 3, 4)).toBe(1.5);
    expect(positionOn(graph, 5, 4)).toBe(1.5);
    expect(positionOn(graph, 5, 5)).toBe(4);
    expect(positionOn(graph, 5, 6)).toBe(-0.5);
  });
});

describe('carriers', () => {
  const shop = ['shop'];

  test('B1 the predicate is exactly: contains a candidate, contains no fix, is a target', () => {
    const draw = fc.record({
      commits: history(25),
      candidates: fc.array(fc.nat(), { minLength: 1, maxLength: 4 }),
      fixes: fc.array(fc.nat(), { maxLength: 3 }),
    });
    fc.assert(
      fc.property(draw, ({ commits, ...drawn }) => {
        const pick = (numbers: readonly number[]) => numbers.map((n) => n % commits.length);
        const [candidates, fixes] = [pick(drawn.candidates), pick(drawn.fixes)];
        const graph = graphOf(commits);
        const mark = { candidates: candidates.map(idOf), fixes: fixes.map(idOf), targets: shop };
        const builds = [...allBuilds(commits), ...commits.map((_, seq) => buildAt(seq, 'other'))];
        const expected = builds.filter((build, n) => {
          const within = ancestors(commits, n % commits.length);
          const isBad = candidates.some((seq) => within.has(seq)) && !fixes.some((seq) => within.has(seq));
          return isBad && build.service === 'shop';
        });
        const found = carriersOf(graph, markTest(graph, mark, []), builds);
        expect(sorted(found)).toEqual(sorted(expected.map(({ id }) => id)));
      }),
    );
  });

  test('B4 on one line of history a build carries a candidate while the last word on it is not a revert', () => {
    // Commit 0 is the candidate; each later commit is either plain or reverts an earlier one.
    const plan = fc.array(fc.option(fc.nat(), { nil: undefined }), { maxLength: 12 });
    fc.assert(
      fc.property(plan, (draws) => {
        const commits: History = [[], ...draws.map((_, n) => [n])];
        // What Git would do: each commit toggles what it reverts, if that is in force.
        const reverts: Echo[] = [];
        const sign: number[] = [1];
        const isIn: boolean[] = [true];
        for (const [n, draw] of draws.entries()) {
          const seq = n + 1;
          const target = draw === undefined ? undefined : draw % seq;
          // A revert whose target changes nothing any more has nothing to commit: Git refuses it.
          const change = target === undefined ? 0 : -(sign[target] ?? 0);
          const isMade = change !== 0 && change < 0 === isIn[seq - 1];
          sign.push(isMade ? change : 0);
          isIn.push(isMade ? change > 0 : isIn[seq - 1]!);
          if (isMade) reverts.push({ does: 'revert', by: seq, commit: target!, backTo: undefined });
        }
        const graph = graphOf(commits);
        const mark = markTest(graph, { candidates: [idOf(0)], fixes: [], targets: shop }, reverts);
        const expected = allBuilds(commits).filter((_, seq) => isIn[seq]);
        expect(sorted(carriersOf(graph, mark, allBuilds(commits)))).toEqual(sorted(expected.map(({ id }) => id)));
      }),
    );
  });

  const revert = (by: number, commit: number, backTo?: number): Echo => ({ does: 'revert', by, commit, backTo });
  const pick = (by: number, commit: number): Echo => ({ does: 'pick', by, commit, backTo: undefined });
  // biome-ignore format: a table
  test.each<[name: string, commits: History, reverts: Echo[], fixes: number[], carriers: number[]]>([
    ['B4 a fix clears later builds only', [[], [0], [1], [2]], [], [2], [1]],
    ['B4 a newer commit is no fix', [[], [0], [1], [2]], [], [], [1, 2, 3]],
    ['B4 a fix on a branch clears after its merge', [[], [0], [1], [1], [3, 2], [3]], [], [2], [1, 3, 5]],
    ['a revert on a branch counts after its merge', [[], [0], [1], [1], [3, 2]], [revert(2, 1)], [], [1, 3]],
    ['a revert of the revert brings it back', [[], [0], [1], [2]], [revert(2, 1), revert(3, 2)], [], [1, 3]],
    ['a branch from before the revert still carries', [[], [0], [1], [1]], [revert(2, 1)], [], [1, 3]],
    ['re-applied on a branch that the second revert never saw', [[], [0], [1], [2], [2], [3, 4]],
      [revert(2, 1), revert(3, 2)], [], [1, 3, 5]],
    ['reverted twice side by side, brought back once: carries', [[], [0], [1], [1], [2, 3], [4]],
      [revert(2, 1), revert(3, 1), revert(5, 2)], [], [1, 5]],
    ['a reverted merge removes what it brought in', [[], [0], [0], [2, 1], [3]], [revert(4, 3, 2)], [], [1, 3]],
    ['a reverted merge keeps what was there before', [[], [0], [1], [1], [3, 2], [4]], [revert(5, 4, 3)], [], [1, 2, 3, 4, 5]],
    ['a reverted merge undoes the revert it brought in', [[], [0], [1], [1], [3, 2], [4]],
      [revert(2, 1), revert(5, 4, 3)], [], [1, 3, 5]],
    ['B6 a cherry-pick of the candidate carries it too', [[], [0], [0], [2]], [pick(3, 1)], [], [1, 3]],
    ['B6 a hotfix branch: candidate and fix picked', [[], [0], [1], [0], [3], [4]], [pick(4, 1), pick(5, 2)], [2], [1, 4]],
    ['B6 a pick of the revert removes the picked candidate', [[], [0], [1], [0], [3], [4]],
      [revert(2, 1), pick(4, 1), pick(5, 2)], [], [1, 4]],
    ['B6 Git repeats the words of a picked revert', [[], [0], [1], [0], [3], [4]],
      [revert(2, 1), pick(4, 1), revert(5, 1)], [], [1, 4]],
    ['a fix that was reverted is none', [[], [0], [1], [2]], [revert(3, 2)], [2], [1, 3]],
  ])('%s', (_name, commits, reverts, fixes, expected) => {
    const graph = graphOf(commits);
    const mark = markTest(graph, { candidates: [idOf(1)], fixes: fixes.map(idOf), targets: shop }, reverts);
    const carriers = carriersOf(graph, mark, allBuilds(commits));
    expect(sorted(carriers)).toEqual(sorted(expected.map((seq): VersionId => buildAt(seq).id)));
  });

  test('B2 within a repository a mark blocks every target that contains it and nobody else', () => {
    const commits: History = [[], ...Array.from({ length: 20 }, (_, n) => [n])];
    const graph = graphOf(commits);
    const mark = markTest(graph, { candidates: [idOf(5)], fixes: [], targets: ['shop', 'till'] }, []);
    const builds = commits.flatMap((_, seq) => ['shop', 'till', 'blog'].map((service) => buildAt(seq, service)));
    const expected = builds.filter((build) => build.service !== 'blog' && build.commit >= idOf(5));
    expect(sorted(carriersOf(graph, mark, builds))).toEqual(sorted(expected.map(({ id }) => id)));
  });

  test('order of the stored reverts does not matter', () => {
    const commits: History = [[], [0], [1], [2], [3], [4]];
    const reverts = [revert(2, 1), revert(3, 2), revert(4, 3), revert(5, 4)];
    const graph = graphOf(commits);
    fc.assert(
      fc.property(fc.shuffledSubarray(reverts, { minLength: 4 }), (shuffled) => {
        const mark = markTest(graph, { candidates: [idOf(1)], fixes: [], targets: shop }, shuffled);
        expect(carriersOf(graph, mark, allBuilds(commits))).toEqual([1, 3, 5].map((seq) => buildAt(seq).id));
      }),
    );
  });
});

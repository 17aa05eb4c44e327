import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Sample } from '../model/index.ts';
import { newGroup, nobody, oldGroup } from './bin-table.ts';
import { buildBinTable } from './closed-bins/closed-bins.ts';
import type { JudgePlan } from './port.ts';

/** One task's bin as somebody who watched it would write it down. */
interface Watched {
  readonly version: 'v_old' | 'v_new' | 'v_third';
  readonly incarnation: number;
  readonly isServing: boolean;
}
type Life = readonly (Watched | undefined)[];

function plan(more: Partial<JudgePlan> = {}, warmupMs = 2000): JudgePlan {
  return {
    rollout: 'ro_1',
    phase: 0,
    phaseName: 'first',
    spec: { checks: [], failShare: 0.5, alpha: 0.01, binMs: 1000, warmupMs },
    newVersion: 'v_new',
    oldVersions: ['v_old'],
    updates: [],
    phaseStartedAtMs: 0,
    updatedAtMs: 0,
    deadlineAtMs: 60_000,
    phases: 1,
    ...more,
  };
}

function samplesOf(lives: readonly Life[]): Sample[] {
  return lives.flatMap((life, index) =>
    life.flatMap((bin, at) =>
      bin === undefined
        ? []
        : [
            {
              job: 'shop@production' as const,
              index,
              incarnation: bin.incarnation,
              version: bin.version,
              state: bin.isServing ? ('serving' as const) : ('draining' as const),
              labels: { region: `r${index % 2}` },
              metric: 'requests_total',
              fromMs: at * 1000,
              toMs: at * 1000 + 1000,
              value: { counterDelta: 1 },
            },
          ],
    ),
  );
}

/** A task's life: stretches of bins; each stretch is missing, or one incarnation of one version, serving or not. */
const life = fc
  .array(
    fc.record({
      length: fc.integer({ min: 1, max: 7 }),
      kind: fc.constantFrom('serve', 'drain', 'restart', 'missing', 'new', 'third'),
    }),
    { minLength: 1, maxLength: 8 },
  )
  .map((stretches) => {
    const bins: (Watched | undefined)[] = [];
    let incarnation = 1;
    let version: Watched['version'] = 'v_old';
    for (const { length, kind } of stretches) {
      if (kind === 'restart' || kind === 'new' || kind === 'third') incarnation += 1;
      if (kind === 'new') version = 'v_new';
      if (kind === 'third') version = 'v_third';
      for (let i = 0; i < length; i += 1) {
        bins.push(kind === 'missing' ? undefined : { version, incarnation, isServing: kind !== 'drain' });
      }
    }
    return bins;
  });

/** The rule in plain words, bin by bin, looking back each time. */
function ownerOf(life: Life, at: number, frozenAt: number, warmupBins: number): number {
  const own = life[at];
  if (!own?.isServing || own.version === 'v_third') return nobody;
  // Back to the bin in which this life began: an earlier seen bin that differs, or did not serve.
  let bornAt = at;
  let before = -1;
  for (let bin = at - 1; bin >= 0; bin -= 1) {
    const seen = life[bin];
    if (seen === undefined) continue;
    if (!seen.isServing || seen.incarnation !== own.incarnation) {
      before = bin;
      break;
    }
    bornAt = bin;
  }
  const isMature = before === -1 && bornAt <= 3;
  if (!isMature && at - bornAt < warmupBins) return nobody;
  if (own.version === 'v_new') return newGroup;
  return at < frozenAt ? oldGroup : nobody;
}

describe('groups that move', () => {
  test('a bin belongs to the version that ran for the whole of it', () => {
    const old = { version: 'v_old', incarnation: 1, isServing: true } as const;
    const draining = { ...old, isServing: false };
    const fresh = { version: 'v_new', incarnation: 2, isServing: true } as const;
    const lives: Life[] = [[old, old, old, draining, undefined, fresh, fresh, fresh, fresh, fresh]];
    const updates = [{ index: 0, admittedAtMs: 2500, servingAtMs: 5000 }];
    const table = buildBinTable(plan({ updates }), samplesOf(lives), 0, 10_000);
    expect([...table.group]).toEqual([1, 1, 0, 0, 0, 0, 0, 2, 2, 2]);
    expect(table.newSince[0]).toBe(7);
    expect(table.frozenAt[0]).toBe(2);
  });

  test('two incarnations in one bin: nobody’s', () => {
    const old = { version: 'v_old', incarnation: 1, isServing: true } as const;
    const samples = [
      ...samplesOf([[old, old, old]]),
      ...samplesOf([[undefined, { ...old, incarnation: 2, version: 'v_new' }]]),
    ];
    expect([...buildBinTable(plan(), samples, 0, 3000).group]).toEqual([1, 0, 0]);
  });

  test('third versions, moves, crashes, gaps: the same as a plain reading of the rule, in any order', () => {
    fc.assert(
      fc.property(
        fc.array(life, { minLength: 1, maxLength: 4 }),
        fc.array(fc.integer({ min: 0, max: 40 }), { minLength: 4, maxLength: 4 }),
        fc.integer({ min: 1, max: 4 }),
        fc.boolean(),
        (lives, frozen, warmupBins, isReversed) => {
          const bins = Math.max(...lives.map(({ length }) => length));
          const updates = lives.map((_, index) => ({
            index,
            admittedAtMs: frozen[index]! * 1000,
            servingAtMs: undefined,
          }));
          const samples = samplesOf(lives);
          if (isReversed) samples.reverse();
          const table = buildBinTable(plan({ updates }, warmupBins * 1000), samples, 0, bins * 1000);
          for (const [row, index] of table.tasks.entries()) {
            for (let bin = 0; bin < bins; bin += 1) {
              const expected = ownerOf(lives[index]!, bin, frozen[index]!, warmupBins);
              expect(table.group[row * bins + bin], `task ${index} bin ${bin}`).toBe(expected);
            }
          }
        },
      ),
      { numRuns: 150 },
    );
  });
});

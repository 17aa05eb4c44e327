import { describe, expect, test } from 'vitest';
import { type JudgedRollout, type Trust, trustRecord } from './index.ts';

const many = (n: number, verdict: 'pass' | 'fail' | 'undecided', more: Partial<JudgedRollout> = {}): JudgedRollout[] =>
  Array.from({ length: n }, (_, i) => ({
    rollout: `ro_${i}`,
    verdicts: { errors: verdict },
    person: undefined,
    label: undefined,
    ...more,
  }));
const proposal = (trust: Trust, rollouts: readonly JudgedRollout[]) => trustRecord('errors', trust, rollouts).proposal;

describe('trust moves by the record', () => {
  test.each([
    ['a new check stays', 'observe', many(9, 'pass'), undefined],
    ['ten rollouts without a false alarm: hold', 'observe', many(10, 'pass'), 'hold'],
    ['twenty: revert', 'hold', many(20, 'pass'), 'revert'],
    ['who decides nothing earns nothing', 'observe', many(50, 'undecided'), undefined],
    [
      'alarms that nobody called right or wrong leave it where it is',
      'observe',
      [...many(20, 'pass'), ...many(1, 'fail')],
      undefined,
    ],
    ['right alarms do not hinder it', 'observe', [...many(20, 'pass'), ...many(2, 'fail', { label: true })], 'hold'],
    ['a false one in twenty does', 'observe', [...many(20, 'pass'), ...many(1, 'fail', { label: false })], undefined],
    [
      'three false alarms: one step back',
      'revert',
      [...many(20, 'pass'), ...many(3, 'fail', { label: false })],
      'hold',
    ],
    ['… and another', 'hold', [...many(20, 'pass'), ...many(3, 'fail', { label: false })], 'observe'],
    ['further back there is nothing', 'observe', many(9, 'fail', { label: false }), undefined],
    ['what a person did counts where he said nothing', 'revert', many(3, 'fail', { person: 'through' }), 'hold'],
    ['what he said counts more', 'revert', many(3, 'fail', { person: 'through', label: true }), undefined],
  ] as [string, Trust, JudgedRollout[], Trust | undefined][])('%s', (_, trust, rollouts, expected) => {
    expect(proposal(trust, rollouts)).toBe(expected);
  });

  test('what is not honest for the service is not proposed to revert, whatever its record', () => {
    const rollouts = many(25, 'pass');
    expect(trustRecord('errors', 'hold', rollouts).proposal).toBe('revert');
    expect(trustRecord('errors', 'hold', rollouts, false).proposal).toBeUndefined();
    expect(trustRecord('errors', 'observe', rollouts, false).proposal).toBe('hold');
  });

  test('the record counts agreement with people, and says it in a sentence', () => {
    const rollouts = [
      ...many(3, 'fail', { person: 'back' }),
      ...many(1, 'fail', { person: 'through' }),
      ...many(4, 'pass', { person: 'through' }),
      ...many(2, 'undecided', { person: 'through' }),
    ];
    const record = trustRecord('errors', 'observe', rollouts);
    expect(record).toMatchObject({ rollouts: 10, both: 8, agreed: 7, trueAlarms: 3, falseAlarms: 1 });
    expect(record.sentence).toMatch(/4 alarms \(3 right, 1 wrong, 0 unsaid\)\. With people it agreed 7 of 8 times\./);
  });
});

import { describe, expect, it } from 'vitest';
import { lengthOf, readTime } from './maintenance.ts';

describe('when a person says', () => {
  const nowMs = new Date(2026, 5, 1, 12, 0).getTime();
  it.each([
    ['30m', nowMs + 1_800_000],
    ['+1h30m', nowMs + 5_400_000],
    ['14:30', new Date(2026, 5, 1, 14, 30).getTime()],
    ['09:15', new Date(2026, 5, 2, 9, 15).getTime()],
    ['2026-06-03T10:00:00Z', Date.parse('2026-06-03T10:00:00Z')],
  ])('%s', (text, atMs) => {
    expect(readTime(text, nowMs)).toBe(atMs);
  });

  it.each(['soon', '25:00', '7'])('%s is refused with what would do', (text) => {
    expect(() => readTime(text, nowMs)).toThrow(/is not a time/);
  });

  it('an end is a time after the beginning', () => {
    const fromMs = readTime('14:30', nowMs);
    expect(lengthOf({ until: '15:00' }, fromMs, nowMs)).toBe(1_800_000);
    expect(lengthOf({ for: '20m' }, fromMs, nowMs)).toBe(1_200_000);
    expect(() => lengthOf({ until: '14:00' }, fromMs, nowMs)).toThrow(/"14:00" is not a time after the work begins/);
    expect(() => lengthOf({ until: '14:30' }, fromMs, nowMs)).toThrow(/after the work begins/);
  });
});

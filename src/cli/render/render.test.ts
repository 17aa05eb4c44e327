import { describe, expect, test } from 'vitest';
import type { CheckView } from '../../api/index.ts';
import { checkPicture } from './check-picture.ts';
import { countDots, renderDots } from './dots.ts';
import { createStyle, cut, plain, widthOf } from './style.ts';
import { renderTable } from './table.ts';
import { ago, stopwatch } from './time.ts';

const style = createStyle(false);

describe('a table', () => {
  const columns = [
    { title: 'name', value: (row: { name: string; note: string; n: number }) => row.name },
    { title: 'n', value: (row: { n: number }) => String(row.n), align: 'right' as const },
    { title: 'note', value: (row: { note: string }) => row.note, isFlexible: true },
  ];
  const rows = [
    { name: 'a', n: 5, note: 'short' },
    { name: 'longer', n: 120, note: 'a note that is far too long for the window it is shown in' },
  ];

  test('aligns its columns and ends no line with blanks', () => {
    expect(renderTable(columns, rows.slice(0, 1), { style, width: 100 })).toEqual(['name  n  note', 'a     5  short']);
  });

  test.each([40, 60, 100])('keeps every line within %i columns by cutting the flexible one', (width) => {
    for (const line of renderTable(columns, rows, { style, width })) expect(widthOf(line)).toBeLessThanOrEqual(width);
  });
});

test('colours take no width, and are dropped where a text is cut', () => {
  const red = createStyle(true).bad('failed');
  expect(red).not.toBe('failed');
  expect(widthOf(red)).toBe(6);
  expect(cut(red, 4)).toBe('fai…');
});

test('what comes from outside cannot drive the terminal', () => {
  expect(plain('a\u001b[2Jb\u0007c\nd\te')).toBe('a[2Jbc\nd\te');
});

test('every state of a task has a shape of its own', () => {
  const shapes = ['old', 'updating', 'new', 'failed', 'suspected', 'held', 'absent'].map((dot) =>
    renderDots([dot], style),
  );
  expect(new Set(shapes).size).toBe(shapes.length);
  expect(countDots(['old', 'old', 'new', 'failed'])).toBe('1 failed · 1 new · 2 old');
});

test.each([
  [0, '00:00'],
  [41_000, '00:41'],
  [3_600_000 + 65_000, '1:01:05'],
])('stopwatch(%i) = %s', (ms, text) => expect(stopwatch(ms)).toBe(text));

test.each([
  [1000, 1500, 'just now'],
  [1000, 251_000, '4 m 10 s ago'],
  [21_000, 1000, 'in 20 s'],
])('ago(%i, %i) = %s', (atMs, nowMs, text) => expect(ago(atMs, nowMs)).toBe(text));

describe('a check as a picture', () => {
  const point = (old: number | null, fresh: number | null, i: number) => ({ atMs: i, old, new: fresh });
  const check: CheckView = {
    ...{ against: 'old', shareInterval: null, levelsNote: null, view: null, components: [] },
    ...{
      check: 'errors',
      unit: 'ratio',
      verdict: 'fail',
      estimate: 0.4,
      interval: [0.2, 0.6],
      delta: 0.03,
      margin: 0.5,
    },
    ...{ tolerated: 0.005, oldLevel: 0.01, newLevel: 0.014, oldTasks: 9, newTasks: 3, newEvents: 4100, power: 0.9 },
    ...{ sentence: 'More requests fail.', drivers: [4, 7], series: [point(0.01, null, 0), point(0.01, 0.014, 1)] },
  };

  test('has both groups, the difference in its interval, the limits, the amount and who drives it', () => {
    const lines = checkPicture(check, style);
    expect(lines.slice(0, 4)).toEqual(['✗ errors  fail', '  More requests fail.', '  old ▁▁  1 %', '  new  █  1.4 %']);
    const [bar, scale] = lines.slice(4, 6) as [string, string];
    expect(bar).toMatch(/├─+●─+┤ +40 % \(20 % to 60 %\)$/);
    expect([scale.indexOf('0') < scale.indexOf('δ'), scale.indexOf('δ') < bar.indexOf('├')]).toEqual([true, true]);
    expect(bar.indexOf('├')).toBeLessThan(scale.indexOf('m'));
    expect(scale.indexOf('m')).toBeLessThan(bar.indexOf('┤'));
    expect(lines.slice(6).join()).toMatch(/3 new and 9 old tasks, 4100 events.*driven by tasks 4, 7/);
  });

  test('a check without numbers is its sentence', () => {
    const empty = { ...check, verdict: null, estimate: null, interval: null, series: [], drivers: [], power: null };
    expect(checkPicture(empty, style)).toHaveLength(3);
  });
});

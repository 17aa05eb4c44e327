import { describe, expect, test } from 'vitest';
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

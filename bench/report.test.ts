import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { type Figure, figures, type Result, readResults } from './figures.ts';
import { withFigures } from './table.ts';

const root = join(import.meta.dirname, '..');

test('docs/bench.md says what the results say; else run `node bench/report.ts --write`', () => {
  const page = readFileSync(join(root, 'docs', 'bench.md'), 'utf8');
  expect(page).toBe(withFigures(page, figures, readResults()));
});

test('every figure has its result, and its command exists', () => {
  for (const { command } of figures) {
    const file = command.split(' ').find((word) => word.endsWith('.ts'));
    expect(existsSync(join(root, file ?? 'no file named')), command).toBe(true);
  }
  expect(withFigures('', figures, readResults())).not.toMatch(/undefined|NaN/);
});

test('a missed goal is said, a result that is not there too, and the words around stay', () => {
  const one: Figure = { what: 'a', goal: '< 5', result: 'x', command: 'node x', read: (result) => result.figures };
  const machine = { cpu: 'c', cores: 2, memoryGiB: 4, system: 's', node: 'v24.0.0', loadBefore: 1 };
  const base = { name: 'x', commit: 'c0ffee+changes', date: '2026-01-02T03:04:05Z', machine };
  const page = (result: Result | undefined) =>
    withFigures('words', [one], new Map(result === undefined ? [] : [['x', result]]));
  expect(page(undefined)).toContain('| a | < 5 | not measured yet |  |');
  const missed = page({ ...base, figures: { measured: '7', isMet: false } });
  expect(missed).toContain('| a | < 5 | 7 | **no** |');
  expect(missed).toContain('c0ffee and changes');
  const busy = { ...base, machine: { ...machine, loadBefore: 9 }, figures: { measured: '7', isMet: false } };
  expect(page(busy)).toContain('| a | < 5 | 7 | **no**, at load 9 |');
  expect(missed.startsWith('words')).toBe(true);
  const met = { ...base, figures: { measured: '4', isMet: true } };
  expect(withFigures(`${missed}more`, [one], new Map([['x', met]]))).toMatch(/\| a \| < 5 \| 4 \| yes \|.*more$/s);
});

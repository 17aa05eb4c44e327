import { expect, test } from 'vitest';
import { scatterLines, scatterSvg } from './scatter.ts';

const choices = [
  { plan: 'yours', doneMs: 60_000, meanExposed: 2 },
  { plan: 'careful', doneMs: 600_000, meanExposed: 1 },
  { plan: 'at once <all>', doneMs: 6000, meanExposed: 10 },
  { plan: 'the same', doneMs: 60_000, meanExposed: 2 },
];

test('each plan has its letter where its time and exposure are; two of the same stand side by side', () => {
  const lines = scatterLines(choices, 21, 6);
  const at = (letter: string) => {
    const row = lines.findIndex((line) => line.includes('│') && line.includes(letter));
    return [row, lines[row]!.indexOf(letter) - lines[row]!.indexOf('│') - 1];
  };
  expect(at('C')).toEqual([1, 0]);
  expect(at('A')).toEqual([5, 10]);
  expect(at('D')).toEqual([5, 11]);
  expect(at('B')[1]).toBe(20);
  expect(lines.at(-1)).toBe('D the same');
});

test('the picture is one SVG in which names cannot break anything', () => {
  const svg = scatterSvg(choices, 'shop & co');
  expect(svg).toContain('at once &lt;all&gt;');
  expect(svg).toContain('shop &amp; co');
  expect(svg.match(/<circle/g)).toHaveLength(4);
});

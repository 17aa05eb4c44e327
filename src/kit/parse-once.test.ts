import { expect, it } from 'vitest';
import { parseKept, parseOnce } from './parse-once.ts';

it('gives the same frozen value for the same text', () => {
  const labels = parseOnce('{"rack":"a","tags":["x"]}') as { rack: string; tags: string[] };
  expect(labels).toEqual({ rack: 'a', tags: ['x'] });
  expect(parseOnce('{"rack":"a","tags":["x"]}')).toBe(labels);
  expect(() => labels.tags.push('y')).toThrow(TypeError);
});

it('forgets when it holds too many', () => {
  const first = parseOnce('["first"]');
  for (let n = 0; n < 5000; n++) parseOnce(`[${n}]`);
  expect(parseOnce('["first"]')).not.toBe(first);
  expect(parseOnce('["first"]')).toEqual(first);
});

it('long texts are kept up to so many characters, and read the same afterwards', () => {
  const parse = parseKept(20);
  const first = parse('["first"]');
  expect(parse('["first"]')).toBe(first);
  expect(Object.isFrozen(first)).toBe(true);
  expect(parse(`["${'x'.repeat(20)}"]`)).toEqual(['x'.repeat(20)]);
  parse('["second, long"]');
  expect(parse('["first"]')).not.toBe(first);
  expect(parse('["first"]')).toEqual(first);
});

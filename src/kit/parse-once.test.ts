import { expect, it } from 'vitest';
import { parseOnce } from './parse-once.ts';

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

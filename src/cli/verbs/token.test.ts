import { describe, expect, test } from 'vitest';
import { durationOf, expiryOf, tokenNamed } from './token.ts';

describe('a token', () => {
  const items = [
    { id: 'tok_1', name: 'ada' },
    { id: 'tok_2', name: 'ci' },
    { id: 'tok_3', name: 'ci' },
  ] as const;
  test('is named by its id, or by a name that nobody shares', () => {
    expect(tokenNamed(items, 'ada').id).toBe('tok_1');
    expect(tokenNamed(items, 'tok_3').id).toBe('tok_3');
    expect(() => tokenNamed(items, 'ci')).toThrow(/several tokens are called ci: tok_2, tok_3/);
    expect(() => tokenNamed(items, 'eve')).toThrow(/no token eve/);
  });

  test('works for a time as people write it', () => {
    expect(durationOf('30d')).toBe(2_592_000_000);
    for (const text of ['soon', '0s', '2000d', '']) expect(() => durationOf(text)).toThrow(/--expires/);
  });

  test.each([
    [null, ''],
    [5, 'expired'],
    [3_600_010, 'in 1 h'],
  ])('that ends at %s says %j', (expiresAtMs, said) => expect(expiryOf({ expiresAtMs }, 10)).toBe(said));
});

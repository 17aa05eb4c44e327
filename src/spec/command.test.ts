import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { placeholdersOf, splitCommand } from './command.ts';
import { editDistance, suggest } from './suggest.ts';

describe('a command in one line', () => {
  it.each([
    ['node server.js', ['node', 'server.js']],
    ['  a\t b  ', ['a', 'b']],
    ['echo "a b" \'c d\'', ['echo', 'a b', 'c d']],
    ['echo a" b"c', ['echo', 'a bc']],
    ['echo a\\ b', ['echo', 'a b']],
    ['echo "a\\"b\\n"', ['echo', 'a"b\\n']],
    ["echo '$HOME && x | y'", ['echo', '$HOME && x | y']],
    ['x "a && b; c | d > e"', ['x', 'a && b; c | d > e']],
    ['x -p {port} --o={"a":1}', ['x', '-p', '{port}', '--o={a:1}']],
  ])('%s', (line, words) => {
    expect(splitCommand(line)).toEqual({ ok: true, value: words });
  });

  it.each([
    'a && b',
    'a || b',
    'a | b',
    'a; b',
    'a > b',
    'a &',
    'a `b`',
    'a $(b)',
    'a $B',
    'a "$B"',
    'a "b',
    'a \\',
    '',
    '""',
    'A=1 b',
  ])('refuses %s', (line) => {
    expect(splitCommand(line).ok).toBe(false);
  });

  it('property: splits as the shell does', () => {
    const piece = fc.constantFrom('a', 'b c', '"', "'", '\\', ' ', 'x=1', '{port}', '"q r"', "'s t'", '-', '/');
    const line = fc.array(piece, { minLength: 1, maxLength: 8 }).map((pieces) => `w${pieces.join('')}`);
    fc.assert(
      fc.property(line, (text) => {
        const words = splitCommand(text);
        fc.pre(words.ok);
        const shell = execFileSync('/bin/sh', ['-c', `printf '%s\\0' ${text}`], { encoding: 'utf8' });
        expect(words.ok && words.value).toEqual(shell.split('\0').slice(0, -1));
      }),
      { numRuns: 60 },
    );
  });

  it('knows its placeholders', () => {
    expect(placeholdersOf(['a{port}', '{port:admin}:{address}', '{dataDir}/x', '{other}'])).toEqual([
      'port',
      'port:admin',
      'address',
      'dataDir',
    ]);
  });
});

describe('suggestions', () => {
  it.each([
    ['enviroments', 'environments'],
    ['taks', 'tasks'],
    ['Command', 'command'],
    ['phase', 'phases'],
    ['zebra', undefined],
  ])('%s → %s', (word, meant) => {
    expect(suggest(word, ['environments', 'tasks', 'command', 'phases', 'budget'])).toBe(meant);
  });

  it('property: the distance is symmetric, zero only for equal words, and at most the longer length', () => {
    const word = fc.string({ maxLength: 12 });
    fc.assert(
      fc.property(word, word, (a, b) => {
        const distance = editDistance(a, b);
        expect(distance).toBe(editDistance(b, a));
        expect(distance === 0).toBe(a === b);
        expect(distance).toBeLessThanOrEqual(Math.max(a.length, b.length));
      }),
    );
  });
});

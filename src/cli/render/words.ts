import type { Style } from './style.ts';

const good = new Set(['succeeded', 'passed', 'pass', 'serving', 'steady', 'up', 'ok', 'done', 'quiet']);
const bad = new Set([
  'failed',
  'fail',
  'aborted',
  'lost',
  'fenced',
  'degraded',
  'failing',
  'crash-looping',
  'reverted',
  'reverting',
]);
const held = new Set(['held', 'blocked', 'parked', 'undecided', 'suspected', 'warning']);
const busy = new Set(['running', 'updating', 'judging', 'watching', 'rolling', 'starting', 'draining', 'executing']);

/** A word that names a state, in the colour of what it means. */
export function stateWord(word: string, style: Style): string {
  if (good.has(word)) return style.good(word);
  if (bad.has(word)) return style.bad(word);
  if (held.has(word)) return style.held(word);
  return busy.has(word) ? style.busy(word) : word;
}

/** The first eight digits of a commit. */
export function shortCommit(commit: string): string {
  return commit.slice(0, 8);
}

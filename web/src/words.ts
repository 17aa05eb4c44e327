import { formatDuration } from '../../src/api/index.ts';

/** `4 m 10 s ago`, `24 m ago`, `just now`, `in 20 s`. */
export function ago(atMs: number, nowMs: number): string {
  const exact = nowMs - atMs;
  if (Math.abs(exact) < 2000) return 'just now';
  const distance = Math.abs(exact) < 600_000 ? exact : Math.round(exact / 60_000) * 60_000;
  return distance > 0 ? `${formatDuration(distance)} ago` : `in ${formatDuration(-distance)}`;
}

export { formatDuration };

/** `10:32:05` in the reader's zone. */
export function clock(atMs: number): string {
  return new Date(atMs).toLocaleTimeString('en-GB');
}

/** The first eight digits of a commit. */
export function short(commit: string): string {
  return commit.slice(0, 8);
}

/** `rel_…66e0`: enough to tell it from its neighbours. */
export function shortId(id: string): string {
  const [prefix = '', rest = ''] = id.split('_');
  return rest.length <= 6 ? id : `${prefix}_…${rest.slice(-4)}`;
}

export function counted(n: number, word: string): string {
  return `${n.toLocaleString('en')} ${word}${n === 1 ? '' : 's'}`;
}

export function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** Which tone a word of state has: `good`, `bad`, `busy`, `held` or none. */
export function toneOf(state: string): 'good' | 'bad' | 'busy' | 'held' | 'new' | 'none' {
  if (['succeeded', 'passed', 'pass', 'steady', 'up', 'ok', 'quiet'].includes(state)) return 'good';
  if (['failed', 'fail', 'aborted', 'reverting', 'reverted', 'lost', 'fenced', 'degraded', 'failing'].includes(state))
    return 'bad';
  if (['held', 'blocked', 'parked', 'suspected', 'warning'].includes(state)) return 'held';
  if (['updating', 'judging', 'watching', 'ready'].includes(state)) return 'busy';
  return ['running', 'rolling'].includes(state) ? 'new' : 'none';
}

/** `0.081` as `8.1 %`. */
export function percent(ratio: number, digits = 1): string {
  return `${(ratio * 100).toFixed(digits)} %`;
}

/** `+3.5 %`, `−95 %`, `+1,230 %`. */
export function signedPercent(ratio: number): string {
  const size = Math.abs(ratio) * 100;
  const digits = size >= 10 || size === 0 ? 0 : 1;
  const text = size.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits });
  return `${ratio < 0 ? '−' : '+'}${text} %`;
}

import type { Style } from './style.ts';

/** The field of tasks in one line; each state has a shape of its own, so that it survives without colour. */
const shapes: Readonly<Record<string, string>> = {
  old: '●',
  updating: '◔',
  new: '◉',
  failed: '✗',
  suspected: '◌',
  held: '⊟',
  absent: '·',
};

export function renderDots(dots: readonly string[], style: Style): string {
  const paint: Readonly<Record<string, (text: string) => string>> = {
    old: style.dim,
    updating: style.busy,
    new: style.fresh,
    failed: style.bad,
    suspected: style.bad,
    held: style.held,
    absent: style.dim,
  };
  return dots.map((dot) => (paint[dot] ?? style.dim)(shapes[dot] ?? '?')).join('');
}

/** Runs of equal states, for many tasks: `1,180 new · 12 updating · 808 old`. */
export function countDots(dots: readonly string[]): string {
  const counts = new Map<string, number>();
  for (const dot of dots) counts.set(dot, (counts.get(dot) ?? 0) + 1);
  const order = ['failed', 'suspected', 'updating', 'held', 'new', 'old', 'absent'];
  return order
    .filter((dot) => counts.has(dot))
    .map((dot) => `${(counts.get(dot) ?? 0).toLocaleString('en-US')} ${dot}`)
    .join(' · ');
}

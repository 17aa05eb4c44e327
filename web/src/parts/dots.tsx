import type { DotState } from '../../../src/api/index.ts';

/** The word for each state of a task. */
export const dotWords: Readonly<Record<DotState, string>> = {
  old: 'old version, serving',
  updating: 'updating',
  new: 'new version, serving',
  failed: 'failed',
  suspected: 'suspected or lost',
  held: 'held or blocked',
  absent: 'not there',
};

/** Where nothing rolls there is no old and no new. */
export const restingWords: Readonly<Record<DotState, string>> = { ...dotWords, old: 'serving', new: 'serving' };

const circle = (r: number) => `M${-r} 0A${r} ${r} 0 1 1 ${r} 0A${r} ${r} 0 1 1 ${-r} 0Z`;

/** The mark of each state, one path in a 12 × 12 box around the origin. Shapes differ, not only colours. */
export const dotPaths: Readonly<Record<DotState, string>> = {
  old: circle(4.5),
  // Its wide stroke is the dot, its fill the core.
  new: circle(3.1),
  updating: `${circle(4.7)}${circle(3.3)}M0 0V-3.4A3.4 3.4 0 0 1 3.4 0Z`,
  failed: 'M-3.6-3.6 3.6 3.6M3.6-3.6-3.6 3.6',
  suspected: circle(4),
  held: `${circle(4)}M-4 0H4`,
  absent: circle(1.2),
};

/** One mark, drawn at the origin. */
export function DotMark({ dot }: { dot: DotState }) {
  return <path d={dotPaths[dot]} className={`dot dot-${dot}`} />;
}

/** `9 new version, serving · 3 updating`: what a field of dots shows, in words. */
export function countWords(dots: readonly DotState[], words = dotWords): string {
  const counts = new Map<DotState, number>();
  for (const dot of dots) counts.set(dot, (counts.get(dot) ?? 0) + 1);
  const order: DotState[] = ['failed', 'suspected', 'updating', 'held', 'new', 'old', 'absent'];
  return order
    .filter((dot) => counts.has(dot))
    .map((dot) => `${counts.get(dot)?.toLocaleString('en')} ${words[dot]}`)
    .join(' · ');
}

const step = 12;

interface StripProps {
  readonly dots: readonly DotState[];
  readonly isRolling: boolean;
  readonly perRow?: number;
}

/** All tasks of a job in one strip, in index order; very many only as numbers. */
export function DotStrip({ dots, isRolling, perRow = 24 }: StripProps) {
  const words = countWords(dots, isRolling ? dotWords : restingWords);
  if (dots.length > 240) return <span className="num">{words}</span>;
  const rows = Math.max(1, Math.ceil(dots.length / perRow));
  const width = Math.min(perRow, Math.max(1, dots.length)) * step;
  return (
    <svg className="strip" width={width} height={rows * step} role="img" aria-label={words || 'no tasks'}>
      <title>{words}</title>
      {dots.map((dot, i) => (
        <g
          // biome-ignore lint/suspicious/noArrayIndexKey: the position is the task's index
          key={i}
          transform={`translate(${(i % perRow) * step + step / 2} ${Math.floor(i / perRow) * step + step / 2})`}
        >
          <DotMark dot={dot} />
        </g>
      ))}
    </svg>
  );
}

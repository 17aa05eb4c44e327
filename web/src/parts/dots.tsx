import type { DotState } from '../../../src/api/index.ts';

/** The word for each state of a task, for people who listen. */
export const dotWords: Readonly<Record<DotState, string>> = {
  old: 'old version, serving',
  updating: 'updating',
  new: 'new version, serving',
  failed: 'failed',
  suspected: 'suspected or lost',
  held: 'held',
  absent: 'not there',
};

/** The mark of one state, drawn in a 12 × 12 box around the origin. Shapes differ, not only colours. */
export function DotMark({ dot }: { dot: DotState }) {
  if (dot === 'old') return <circle r="4.5" className="dot dot-old" />;
  if (dot === 'new') {
    return (
      <g className="dot dot-new">
        <circle r="4.5" />
        <circle r="1.6" className="core" />
      </g>
    );
  }
  if (dot === 'updating') {
    return (
      <g className="dot dot-updating">
        <circle r="4" className="ring" />
        <path d="M0 0V-4A4 4 0 0 1 4 0Z" />
      </g>
    );
  }
  if (dot === 'failed') return <path d="M-3.6-3.6 3.6 3.6M3.6-3.6-3.6 3.6" className="dot dot-failed" />;
  if (dot === 'suspected') return <circle r="4" className="dot dot-suspected" />;
  if (dot === 'held') {
    return (
      <g className="dot dot-held">
        <circle r="4" />
        <path d="M-4 0H4" />
      </g>
    );
  }
  return <circle r="1.2" className="dot dot-absent" />;
}

/** `9 new version, serving · 3 updating`: what a field of dots shows, in words. */
export function countWords(dots: readonly DotState[]): string {
  const counts = new Map<DotState, number>();
  for (const dot of dots) counts.set(dot, (counts.get(dot) ?? 0) + 1);
  const order: DotState[] = ['failed', 'suspected', 'updating', 'held', 'new', 'old', 'absent'];
  return order
    .filter((dot) => counts.has(dot))
    .map((dot) => `${counts.get(dot)} ${dotWords[dot]}`)
    .join(' · ');
}

const step = 12;

/** All tasks of a job in one strip, in index order. */
export function DotStrip({ dots, perRow = 24 }: { dots: readonly DotState[]; perRow?: number }) {
  if (dots.length > 240) return <span className="num">{countWords(dots)}</span>;
  const rows = Math.max(1, Math.ceil(dots.length / perRow));
  const width = Math.min(perRow, Math.max(1, dots.length)) * step;
  return (
    <svg className="strip" width={width} height={rows * step} role="img" aria-label={countWords(dots) || 'no tasks'}>
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

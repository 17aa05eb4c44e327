import type { DotState } from '../../../src/api/index.ts';
import { DotMark } from './dots.tsx';

interface Props {
  readonly counts: ReadonlyMap<DotState, number>;
  readonly words: Readonly<Record<DotState, string>>;
}

/** What the dots mean and how many there are; only the states that are there. */
export function Legend({ counts, words }: Props) {
  const order: DotState[] = ['old', 'updating', 'new', 'failed', 'suspected', 'held', 'absent'];
  return (
    <ul className="legend">
      {order
        .filter((dot) => counts.has(dot))
        .map((dot) => (
          <li key={dot}>
            <svg width="14" height="14" viewBox="-7 -7 14 14" aria-hidden="true">
              <DotMark dot={dot} />
            </svg>
            <span className="num">{counts.get(dot)?.toLocaleString('en')}</span> {words[dot]}
          </li>
        ))}
    </ul>
  );
}

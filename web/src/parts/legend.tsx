import type { DotState } from '../../../src/api/index.ts';
import { DotMark, dotWords } from './dots.tsx';

/** What the dots mean; only the states that are there. */
export function Legend({ dots }: { dots: ReadonlySet<DotState> }) {
  const order: DotState[] = ['old', 'updating', 'new', 'failed', 'suspected', 'held', 'absent'];
  return (
    <ul className="legend">
      {order
        .filter((dot) => dots.has(dot))
        .map((dot) => (
          <li key={dot}>
            <svg width="14" height="14" viewBox="-7 -7 14 14" aria-hidden="true">
              <DotMark dot={dot} />
            </svg>
            {dotWords[dot]}
          </li>
        ))}
    </ul>
  );
}

import { percent } from '../words.ts';

interface Props {
  readonly estimate: number | null;
  readonly interval: readonly [number, number] | null;
  readonly delta: number;
  readonly margin: number;
  readonly verdict: 'pass' | 'fail' | 'undecided' | null;
}

const width = 220;
const height = 26;

/**
 * The difference new against old with its interval, as one bar against zero and the margin: what lies right of the
 * margin is worse than its owner can live with.
 */
export function IntervalBar({ estimate, interval, delta, margin, verdict }: Props) {
  const reach = Math.max(margin * 2, ...(interval ?? [0, 0]).map((end) => Math.abs(end) * 1.1), 0.01);
  const limited = Math.min(reach, margin * 12);
  const x = (value: number) => ((Math.max(-limited, Math.min(limited, value)) + limited) / (2 * limited)) * width;
  const words =
    interval === null || estimate === null
      ? 'no estimate yet'
      : `${signed(estimate)} (${signed(interval[0])} to ${signed(interval[1])}), margin ${signed(margin)}`;
  return (
    <svg
      className={`interval verdict-${verdict ?? 'none'}`}
      viewBox={`0 0 ${width} ${height}`}
      role="img"
      aria-label={`Difference ${words}`}
    >
      <rect x={x(margin)} y="0" width={Math.max(0, width - x(margin))} height={height} className="beyond" />
      <line x1={x(0)} x2={x(0)} y1="0" y2={height} className="zero" />
      <line x1={x(delta)} x2={x(delta)} y1="8" y2={height - 8} className="delta" />
      <line x1={x(margin)} x2={x(margin)} y1="0" y2={height} className="margin" />
      {interval !== null && (
        <line
          x1={x(interval[0])}
          x2={Math.max(x(interval[1]), x(interval[0]) + 1)}
          y1={height / 2}
          y2={height / 2}
          className="range"
        />
      )}
      {estimate !== null && <circle cx={x(estimate)} cy={height / 2} r="4" className="point" />}
    </svg>
  );
}

function signed(ratio: number): string {
  return `${ratio >= 0 ? '+' : '−'}${percent(Math.abs(ratio), Math.abs(ratio) < 0.1 ? 1 : 0)}`;
}

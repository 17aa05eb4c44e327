import { memo } from 'react';
import type { CheckPoint } from '../../../src/api/index.ts';
import { clock } from '../words.ts';
import { formatLevel, linePath, niceScale } from './chart-scale.ts';

interface Props {
  readonly points: readonly CheckPoint[];
  readonly unit: string;
  readonly width: number;
  readonly label: string;
  /** When phases began: a line each. */
  readonly phaseStartsMs: readonly number[];
}

const height = 92;
const leastLeft = 52;
const characterWidth = 6.5;
const bottom = 18;
const top = 8;

/** Old and new level over time, from zero; a gap where nothing was measured. */
export const CheckChart = memo(function CheckChart({ points, unit, width, label, phaseStartsMs }: Props) {
  const fromMs = points[0]?.atMs ?? 0;
  const toMs = points.at(-1)?.atMs ?? 1;
  const highest = Math.max(0, ...points.flatMap((point) => [point.old ?? 0, point.new ?? 0]));
  const scale = niceScale(highest === 0 && unit === 'ratio' ? 0.01 : highest);
  const labels = scale.values.map((value) => formatLevel(value, unit));
  const left = Math.max(leastLeft, 10 + characterWidth * Math.max(...labels.map(({ length }) => length)));
  const x = (atMs: number) => left + ((atMs - fromMs) / Math.max(1, toMs - fromMs)) * (width - left - 1);
  const y = (value: number) => height - bottom - (value / scale.top) * (height - bottom - top);
  return (
    <svg
      className="chart"
      width={width}
      height={height}
      role="img"
      aria-label={`${label}: old (dashed) and new (solid) from ${clock(fromMs)} to ${clock(toMs)}`}
    >
      {scale.values.map((value, at) => (
        <g key={value}>
          <path d={`M${left} ${Math.round(y(value)) + 0.5}H${width}`} className={value === 0 ? 'axis' : 'grid'} />
          <text x={left - 8} y={y(value) + 4} textAnchor="end">
            {labels[at]}
          </text>
        </g>
      ))}
      {phaseStartsMs
        .filter((atMs) => atMs > fromMs && atMs < toMs)
        .map((atMs) => (
          <path key={atMs} d={`M${Math.round(x(atMs)) + 0.5} ${top}V${height - bottom}`} className="phase-start" />
        ))}
      <text x={left} y={height - 3}>
        {clock(fromMs)}
      </text>
      <text x={width} y={height - 3} textAnchor="end">
        {clock(toMs)}
      </text>
      <path d={linePath(points, (point) => point.old, x, y)} className="line-old" />
      <path d={linePath(points, (point) => point.new, x, y)} className="line-new" />
    </svg>
  );
});

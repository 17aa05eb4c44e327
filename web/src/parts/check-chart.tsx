import { useEffect, useRef } from 'react';
import uPlot from 'uplot';
import type { CheckPoint } from '../../../src/api/index.ts';

interface Props {
  readonly points: readonly CheckPoint[];
  readonly unit: string;
  readonly width: number;
  readonly label: string;
}

/** Old and new level over time; a gap where nothing was measured. */
export function CheckChart({ points, unit, width, label }: Props) {
  const holder = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | undefined>(undefined);
  const data: uPlot.AlignedData = [
    points.map((point) => point.atMs / 1000),
    points.map((point) => point.old),
    points.map((point) => point.new),
  ];
  // biome-ignore lint/correctness/useExhaustiveDependencies: the plot is made once per size; its data comes below
  useEffect(() => {
    if (holder.current === null || width < 60) return;
    const colour = (name: string) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
    const made = new uPlot(
      {
        width,
        height: 84,
        cursor: { show: false },
        legend: { show: false },
        padding: [6, 4, 0, 0],
        axes: [
          { show: false },
          {
            size: 48,
            stroke: colour('--muted'),
            font: '11px ui-sans-serif, system-ui',
            grid: { stroke: colour('--line'), width: 1 },
            ticks: { show: false },
            space: 28,
            values: (_plot, values) => values.map((value) => formatLevel(value, unit)),
          },
        ],
        series: [
          {},
          { stroke: colour('--dot-old'), width: 1.5, dash: [4, 3], points: { show: false }, spanGaps: false },
          { stroke: colour('--dot-new'), width: 2, points: { show: false }, spanGaps: false },
        ],
      },
      data,
      holder.current,
    );
    plot.current = made;
    return () => {
      made.destroy();
      plot.current = undefined;
    };
  }, [width, unit]);
  useEffect(() => plot.current?.setData(data));
  return (
    <div ref={holder} className="chart" role="img" aria-label={`${label}: old (dashed) and new (solid) over time`} />
  );
}

/** A level in its own unit: `8.1 %`, `12 ms`, `240`. */
export function formatLevel(value: number | null, unit: string): string {
  if (value === null) return '–';
  if (unit === 'ratio') return `${(value * 100).toFixed(value < 0.1 ? 1 : 0)} %`;
  if (unit === 'seconds')
    return value < 1 ? `${(value * 1000).toFixed(value < 0.01 ? 1 : 0)} ms` : `${value.toFixed(2)} s`;
  return value >= 1000 ? value.toLocaleString('en', { maximumFractionDigits: 0 }) : value.toPrecision(3);
}

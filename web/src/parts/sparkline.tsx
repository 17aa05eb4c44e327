import { formatLevel, linePath } from './chart-scale.ts';

interface Props {
  readonly points: readonly { readonly atMs: number; readonly old: number | null; readonly new: number | null }[];
}

const width = 120;
const height = 20;

/** Errors as two small lines over time, old dashed and new solid, with their newest values. */
export function Sparkline({ points }: Props) {
  const [first, last] = [points[0], points.at(-1)];
  if (first === undefined || last === undefined || first === last) return null;
  const highest = Math.max(0.01, ...points.flatMap((point) => [point.old ?? 0, point.new ?? 0]));
  const x = (atMs: number) => ((atMs - first.atMs) / (last.atMs - first.atMs)) * width;
  const y = (value: number) => height - 1 - (value / highest) * (height - 2);
  const words = `errors: new ${formatLevel(last.new, 'ratio')}, old ${formatLevel(last.old, 'ratio')}`;
  return (
    <span className="spark">
      <svg width={width} height={height} aria-hidden="true">
        <path d={linePath(points, (point) => point.old, x, y)} className="line-old" />
        <path d={linePath(points, (point) => point.new, x, y)} className="line-new" />
      </svg>
      <span className="num">{words}</span>
    </span>
  );
}

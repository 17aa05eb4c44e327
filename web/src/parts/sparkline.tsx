interface Props {
  readonly points: readonly { readonly atMs: number; readonly old: number | null; readonly new: number | null }[];
  readonly label: string;
}

const width = 120;
const height = 20;

/** Two small lines over time, old dashed and new solid; a gap where nothing was measured. */
export function Sparkline({ points, label }: Props) {
  const values = points.flatMap((point) => [point.old, point.new]).filter((value) => value !== null);
  if (values.length < 2) return null;
  const top = Math.max(...values, 1e-9);
  const path = (pick: (point: Props['points'][number]) => number | null) => {
    let isDown = false;
    return points
      .map((point, i) => {
        const value = pick(point);
        if (value === null) {
          isDown = false;
          return '';
        }
        const command = isDown ? 'L' : 'M';
        isDown = true;
        return `${command}${((i / (points.length - 1)) * width).toFixed(1)} ${(height - 1 - (value / top) * (height - 2)).toFixed(1)}`;
      })
      .join('');
  };
  return (
    <svg className="sparkline" width={width} height={height} role="img" aria-label={label}>
      <path d={path((point) => point.old)} className="spark-old" />
      <path d={path((point) => point.new)} className="spark-new" />
    </svg>
  );
}

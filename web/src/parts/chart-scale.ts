/** A scale from zero to a round number above `top`, with the values to write beside it. */
export function niceScale(top: number, lines = 2): { readonly top: number; readonly values: readonly number[] } {
  if (!(top > 0)) return { top: 1, values: [0] };
  const rough = top / lines;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = ([1, 2, 2.5, 5, 10].find((each) => each * power >= rough) ?? 10) * power;
  const count = Math.ceil(top / step - 1e-9);
  return { top: count * step, values: Array.from({ length: count + 1 }, (_, i) => i * step) };
}

interface Point {
  readonly atMs: number;
}

/** The path of one line, with gaps where nothing was measured. */
export function linePath<P extends Point>(
  points: readonly P[],
  pick: (point: P) => number | null,
  x: (atMs: number) => number,
  y: (value: number) => number,
): string {
  let isDown = false;
  let path = '';
  for (const point of points) {
    const value = pick(point);
    if (value === null) {
      isDown = false;
      continue;
    }
    path += `${isDown ? 'L' : 'M'}${x(point.atMs).toFixed(1)} ${y(value).toFixed(1)}`;
    isDown = true;
  }
  return path;
}

/** A level in its own unit: `8.1 %`, `12 ms`, `240`. */
export function formatLevel(value: number | null, unit: string): string {
  if (value === null) return '–';
  if (unit === 'ratio') return value === 0 ? '0 %' : `${Number((value * 100).toPrecision(2))} %`;
  if (unit === 'seconds') {
    if (value === 0) return '0';
    return value < 1 ? `${Number((value * 1000).toPrecision(3))} ms` : `${Number(value.toPrecision(3))} s`;
  }
  if (unit === 'bytes') return `${Number((value / 1048576).toPrecision(3))} MiB`;
  if (unit === 'cores') return `${Number(value.toPrecision(2))} cores`;
  return value >= 1000
    ? value.toLocaleString('en', { maximumFractionDigits: 0 })
    : String(Number(value.toPrecision(3)));
}

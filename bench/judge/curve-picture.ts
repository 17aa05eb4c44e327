/** False alarms against power, one small picture per fault, as an SVG that reads on light and dark pages. */
export interface CurvePanel {
  readonly title: string;
  /** Per judge: points (share of harmless deployments stopped, share of faulty ones found). */
  readonly curves: readonly { readonly judge: string; readonly points: readonly (readonly [number, number])[] }[];
}

const colours = ['#2563eb', '#d97706', '#059669', '#db2777', '#7c3aed', '#64748b'];
const [width, height, gap, left] = [200, 130, 46, 40];
const perRow = 4;
/** Nothing below a quarter of a percent can be told from nothing here. */
const least = 0.0025;

export function drawCurves(panels: readonly CurvePanel[]): string {
  const rows = Math.ceil(panels.length / perRow);
  const judges = panels[0]?.curves.map(({ judge }) => judge) ?? [];
  const top = 34 + 18 * judges.length;
  const whole = [left + perRow * (width + gap), top + rows * (height + gap + 14)] as const;
  const legend = judges.map((judge, i) => {
    const [x, y] = [left, 16 + i * 18];
    return `<path d="M${x} ${y - 4}h18" stroke="${colours[i]}" stroke-width="${i === 0 ? 3 : 1.6}"/><text x="${x + 24}" y="${y}">${escaped(judge)}</text>`;
  });
  const drawn = panels.map((panel, i) => {
    const [x, y] = [left + (i % perRow) * (width + gap), top + Math.floor(i / perRow) * (height + gap + 14)];
    return `<g transform="translate(${x} ${y})">${drawPanel(panel)}</g>`;
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${whole[0]} ${whole[1]}" font-family="system-ui, sans-serif" font-size="11" fill="#6b7280" role="img">`,
    '<title>False alarms against power, per fault and judge</title>',
    ...legend,
    ...drawn,
    '</svg>\n',
  ].join('\n');
}

function drawPanel({ title, curves }: CurvePanel): string {
  const x = (share: number) => {
    const part = Math.log(Math.max(share, least) / least) / Math.log(1 / least);
    return Math.round(part * width * 10) / 10;
  };
  const y = (share: number) => Math.round((1 - share) * height * 10) / 10;
  const grid = [0.01, 0.1, 1].map((share) => {
    const at = x(share);
    return `<path d="M${at} 0V${height}" stroke="#9ca3af" stroke-width="0.4"/><text x="${at}" y="${height + 12}" text-anchor="middle">${share * 100} %</text>`;
  });
  const lines = [0, 0.5, 1].map(
    (share) =>
      `<path d="M0 ${y(share)}H${width}" stroke="#9ca3af" stroke-width="0.4"/><text x="-4" y="${y(share) + 4}" text-anchor="end">${share * 100} %</text>`,
  );
  // The first judge is drawn last, over the others.
  const paths = curves
    .map(({ points }, i) => {
      const d = points.map(([alarms, found], at) => `${at === 0 ? 'M' : 'L'}${x(alarms)} ${y(found)}`).join('');
      return `<path d="${d}" fill="none" stroke="${colours[i]}" stroke-width="${i === 0 ? 3 : 1.6}" stroke-linejoin="round"/>`;
    })
    .reverse();
  return `<text x="0" y="-8" font-weight="600">${escaped(title)}</text>${grid.join('')}${lines.join('')}${paths.join('')}`;
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
}

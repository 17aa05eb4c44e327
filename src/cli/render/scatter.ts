import { formatDuration } from '../../kit/index.ts';

/** One plan: how long it takes, and how many tasks it exposes. */
export interface Choice {
  readonly plan: string;
  readonly doneMs: number;
  readonly meanExposed: number;
}

const mark = (at: number): string => String.fromCharCode(65 + at);

/** Time to the right (each step twice as long or more), exposed tasks upwards; a letter for each plan. */
export function scatterLines(choices: readonly Choice[], width = 48, height = 9): string[] {
  const grid = Array.from({ length: height }, () => Array<string>(width).fill(' '));
  const most = Math.max(1, ...choices.map(({ meanExposed }) => meanExposed));
  choices.forEach((choice, at) => {
    const column = Math.round(timeShare(choice, choices) * (width - 1));
    const row = height - 1 - Math.round((choice.meanExposed / most) * (height - 1));
    const line = grid[row] as string[];
    // Two plans of the same worth stand side by side.
    let free = column;
    while (line[free] !== ' ' && free < width - 1) free += 1;
    line[free] = mark(at);
  });
  const label = (row: number): string => (row === 0 ? most.toFixed(1) : row === height - 1 ? '0' : '').padStart(6);
  const times = choices.map(({ doneMs }) => doneMs);
  return [
    'tasks exposed to what was bad (mean)',
    ...grid.map((line, row) => `${label(row)} │${line.join('')}`),
    `${' '.repeat(6)} └${'─'.repeat(width)}`,
    `${' '.repeat(8)}${formatDuration(Math.min(...times))} … ${formatDuration(Math.max(...times))} to done`,
    ...choices.map(({ plan }, at) => `${mark(at)} ${plan}`),
  ];
}

/** 0 … 1, on a scale of ratios: plans differ by factors. */
function timeShare({ doneMs }: Choice, choices: readonly Choice[]): number {
  const logs = choices.map((one) => Math.log(Math.max(1, one.doneMs)));
  const [low, high] = [Math.min(...logs), Math.max(...logs)];
  return high === low ? 0.5 : (Math.log(Math.max(1, doneMs)) - low) / (high - low);
}

/** The same as a picture of its own, light on dark or dark on light as its viewer likes. */
export function scatterSvg(choices: readonly Choice[], title: string): string {
  const [width, height, edge] = [640, 360, 56];
  const most = Math.max(1, ...choices.map(({ meanExposed }) => meanExposed));
  const points = choices.map((choice) => {
    const x = edge + timeShare(choice, choices) * (width - 3 * edge);
    const y = height - edge - (choice.meanExposed / most) * (height - 2 * edge);
    const words = `${choice.plan}: ${formatDuration(choice.doneMs)}, ${choice.meanExposed.toFixed(1)} tasks`;
    return `<g><title>${escaped(words)}</title><circle cx="${x.toFixed(1)}" cy="${y.toFixed(1)}" r="5"/><text x="${(x + 9).toFixed(1)}" y="${(y + 4).toFixed(1)}">${escaped(choice.plan)}</text></g>`;
  });
  const base = height - edge;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img" aria-label="${escaped(title)}" font-family="sans-serif" font-size="13" fill="currentColor">`,
    `<text x="${edge}" y="24" font-size="15">${escaped(title)}</text>`,
    `<path d="M${edge} ${edge - 10}V${base}H${width - 20}" fill="none" stroke="currentColor"/>`,
    `<text x="${edge - 8}" y="${edge}" text-anchor="end">${most.toFixed(1)}</text>`,
    `<text x="${edge}" y="${edge - 16}" font-size="11">tasks exposed to what was bad (mean)</text>`,
    `<text x="${width - 20}" y="${base + 24}" text-anchor="end" font-size="11">time to done (each step a factor) →</text>`,
    ...points,
    '</svg>',
    '',
  ].join('\n');
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}

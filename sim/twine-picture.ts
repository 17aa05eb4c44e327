// node sim/twine-picture.ts     runs Twine's experiment at full size and draws docs/images/twine.svg
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fullSize, type Moment, runTwine, type TwineReport } from './twine.ts';

const width = 720;
const left = 64;
const right = 24;
const panels = [
  {
    top: 48,
    height: 96,
    title: 'Tasks that were updated',
    lines: [{ of: (m: Moment) => m.updated, color: '#2563eb' }],
  },
  {
    top: 196,
    height: 96,
    title: 'Shards with one replica down',
    lines: [{ of: (m: Moment) => m.oneDown, color: '#d97706' }],
  },
  {
    top: 344,
    height: 96,
    title: 'Shards with two replicas down',
    lines: [
      { of: (m: Moment) => m.twoDown, color: '#dc2626' },
      { of: (m: Moment) => m.twoDownByUs, color: '#111827' },
    ],
  },
] as const;

/** The report as a picture: three panels over one axis of time, with the loss of the power domain. */
export function drawTwine({ moments, size }: TwineReport): string {
  const lastMs = moments.at(-1)!.atMs;
  const x = (atMs: number): number => Math.round(left + ((width - left - right) * atMs) / lastMs);
  const text = (at: readonly [number, number], anchor: string, words: string, more = ''): string =>
    `<text x="${at[0]}" y="${at[1]}" text-anchor="${anchor}"${more}>${words}</text>`;
  const parts: string[] = [];
  for (const { top, height, title, lines } of panels) {
    const most = Math.max(1, ...lines.flatMap(({ of }) => moments.map(of)));
    const bottom = top + height;
    const y = (value: number): number => Math.round((bottom - (height * value) / most) * 10) / 10;
    parts.push(text([left, top - 10], 'start', title, ' font-weight="600"'));
    parts.push(text([left - 8, top + 5], 'end', String(most)), text([left - 8, bottom + 4], 'end', '0'));
    parts.push(`<path d="M${left} ${bottom}H${width - right}M${left} ${top}H${width - right}" stroke="#d1d5db"/>`);
    for (const { of, color } of lines) {
      const points = moments.map((moment) => `${x(moment.atMs)},${y(of(moment))}`).join(' ');
      parts.push(`<polyline points="${points}" fill="none" stroke="${color}" stroke-width="1.8"/>`);
    }
  }
  const [diesAt, foot] = [x(size.diesAtMs), 440];
  parts.push(`<path d="M${diesAt} 40V${foot}" stroke="#6b7280" stroke-dasharray="4 3"/>`);
  parts.push(text([diesAt + 6, 188], 'start', 'a power domain of 50 tasks is lost', ' fill="#6b7280"'));
  parts.push(text([width - right, 334], 'end', 'black: with none of them in the lost domain', ' fill="#6b7280"'));
  for (let seconds = 0; seconds * 1000 <= lastMs; seconds += 30) {
    parts.push(text([x(seconds * 1000), foot + 20], 'middle', `${seconds} s`));
  }
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${foot + 36}" role="img" aria-labelledby="t" font-family="system-ui, sans-serif" font-size="12" fill="#111827">
<title id="t">An update of ${size.tasks} tasks with ${size.shards} shards, under a shard-aware controller, while a power domain is lost</title>
<rect width="100%" height="100%" fill="#ffffff"/>
${parts.join('\n')}
</svg>
`;
}

if (import.meta.main) {
  const report = runTwine(fullSize);
  const { violation, disregarded, updatedAtMs, moments } = report;
  const byUs = Math.max(...moments.map((one) => one.twoDownByUs));
  console.log(`${fullSize.tasks} tasks updated after ${updatedAtMs / 1000} s of virtual time`);
  console.log(
    `two replicas down: at most ${Math.max(...moments.map((one) => one.twoDown))} shards, by Rollway alone ${byUs}`,
  );
  if (violation !== undefined || byUs > 0 || disregarded.length > 0)
    throw new Error(violation ?? 'the controller was disregarded');
  const folder = join(import.meta.dirname, '../docs/images');
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'twine.svg'), drawTwine(report));
  console.log('drawn to docs/images/twine.svg');
}

import type { CheckView } from '../../api/index.ts';
import { componentLines } from './component-lines.ts';
import { plain, type Style } from './style.ts';
import { stateWord } from './words.ts';

const ticks = '▁▂▃▄▅▆▇█';
const width = 48;

/** One check drawn: both groups over time, the difference with its interval against the limits, who drives it. */
export function checkPicture(check: CheckView, style: Style): string[] {
  const mark = check.verdict === 'pass' ? style.good('✓') : check.verdict === 'fail' ? style.bad('✗') : '…';
  const lines = [
    `${mark} ${style.bold(check.check)}${check.view === null ? '' : ` (${plain(check.view)})`}  ${stateWord(check.verdict ?? 'waiting', style)}`,
  ];
  lines.push(`  ${plain(check.sentence)}`);
  if (check.levelsNote !== null) lines.push(`  ${plain(check.levelsNote)}`);
  const levels = check.series.flatMap((point) => [point.old, point.new]).filter((level) => level !== null);
  if (levels.length > 1) {
    const [low, high] = [Math.min(...levels), Math.max(...levels)];
    const line = (name: string, of: 'old' | 'new', level: number | null) =>
      `  ${name} ${spark(
        check.series.map((point) => point[of]),
        low,
        high,
      )}  ${levelText(level, check.unit)}`;
    lines.push(line('old', 'old', check.oldLevel), line('new', 'new', check.newLevel));
  }
  if (check.estimate !== null && check.interval !== null) lines.push(...differenceLines(check, style));
  const events = `${check.newTasks} new and ${check.oldTasks} old tasks, ${Math.round(check.newEvents)} events`;
  const power = check.power === null ? '' : `; harm at the margin would be found with ${percent(check.power)} chance`;
  lines.push(style.dim(`  ${events}${power}`));
  if (check.drivers.length > 0) lines.push(style.dim(`  driven by tasks ${check.drivers.join(', ')}`));
  lines.push(...componentLines(check.components, style));
  return lines;
}

/** Oldest on the left; a gap where nothing was measured. */
export function spark(levels: readonly (number | null)[], low: number, high: number): string {
  const step = Math.max(1, Math.ceil(levels.length / width));
  let text = '';
  for (let at = 0; at < levels.length; at += step) {
    const part = levels.slice(at, at + step).filter((level) => level !== null);
    if (part.length === 0) {
      text += ' ';
      continue;
    }
    const mean = part.reduce((sum, level) => sum + level, 0) / part.length;
    const height = high > low ? (mean - low) / (high - low) : 0;
    text += ticks[Math.min(ticks.length - 1, Math.floor(height * ticks.length))];
  }
  return text;
}

/** `├──●──┤` on a line from the lowest to the highest of what matters, with 0, δ and the margin below it. */
function differenceLines({ estimate, interval, delta, margin }: CheckView, style: Style): string[] {
  const [from, to] = interval!;
  const ends = [from, to, estimate!, 0, delta, margin];
  const low = Math.max(-1, Math.min(...ends));
  const high = Math.min(Math.max(...ends), Math.max(3 * margin, 2 * delta, estimate! * 1.5));
  const place = (value: number) => {
    const share = high > low ? (Math.min(high, Math.max(low, value)) - low) / (high - low) : 0;
    return Math.round(share * (width - 1));
  };
  const bar: string[] = Array.from({ length: width }, (_, at) => (at >= place(from) && at <= place(to) ? '─' : ' '));
  bar[place(from)] = '├';
  bar[place(to)] = '┤';
  bar[place(estimate!)] = '●';
  const scale: string[] = Array.from({ length: width }, () => ' ');
  scale[place(margin)] = 'm';
  scale[place(delta)] = 'δ';
  scale[place(0)] = '0';
  const text = `${percent(estimate!)} (${percent(from)} to ${percent(to)})`;
  return [
    `      ${bar.join('')}  ${text}`,
    style.dim(`      ${scale.join('')}  δ ${percent(delta)}, m ${percent(margin)}`),
  ];
}

function levelText(level: number | null, unit: string): string {
  if (level === null) return '';
  if (unit === 'ratio') return percent(level);
  if (unit === 'bytes') return `${Number((level / 1048576).toPrecision(3))} MiB`;
  const rounded = Number(level.toPrecision(3));
  return unit === 'seconds' ? `${rounded} s` : `${rounded} ${unit}`.trim();
}

function percent(value: number): string {
  return `${Number((value * 100).toPrecision(3))} %`;
}

import type { CheckView } from '../../api/index.ts';
import { plain, type Style } from './style.ts';

const shown = 6;
const nameWidth = 32;

/** Where the time of traced requests goes, what takes most longer first: a line for each component. */
export function componentLines(components: CheckView['components'], style: Style): string[] {
  if (components.length === 0) return [];
  const lines = [style.dim('  where traced requests spend their time, old → new')];
  for (const { component, oldMean, newMean, estimate, interval, shareOfAdded } of components.slice(0, shown)) {
    const means = `${milliseconds(oldMean)} → ${milliseconds(newMean)}`;
    const difference =
      estimate === null || interval === null
        ? ''
        : `  ${percent(estimate)} (${percent(interval[0])} to ${percent(interval[1])})`;
    const isMost = shareOfAdded !== null && shareOfAdded >= 0.005;
    const part = isMost ? `  ${percent(shareOfAdded)} of what is longer` : '';
    lines.push(`    ${plain(component).slice(0, nameWidth).padEnd(nameWidth)} ${means}${difference}${part}`);
  }
  if (components.length > shown) lines.push(style.dim(`    and ${components.length - shown} more`));
  return lines;
}

function milliseconds(seconds: number): string {
  return `${Number((seconds * 1000).toPrecision(3))} ms`;
}

/** How many times as slow is not told by counts of slow requests once all of them are. */
function percent(value: number): string {
  if (value > 3) return 'more than 300 %';
  return `${Number((value * 100).toPrecision(2))} %`;
}

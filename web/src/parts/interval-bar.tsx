import type { CheckView } from '../../../src/api/index.ts';
import { signedPercent } from '../words.ts';
import { formatLevel } from './chart-scale.ts';

const height = 24;
const middle = 10;

/**
 * The difference new against old with its interval, as one bar: whole beyond the first limit it fails, whole below the
 * second it passes. Where next to nothing failed before there is no ratio to speak of: then shares are compared.
 */
export function IntervalBar({ check, width }: { check: CheckView; width: number }) {
  const bar = isShare(check) ? shareBar(check) : ratioBar(check);
  const [least, most] = bar.domain;
  const x = (value: number) => 4 + ((Math.min(most, Math.max(least, value)) - least) / (most - least)) * (width - 8);
  return (
    <figure className={`interval verdict-${check.verdict ?? 'none'}`}>
      <svg
        className="bar-picture"
        width={width}
        height={height}
        role="img"
        aria-label={`Difference ${bar.value}; ${bar.limits}`}
      >
        <rect x={x(bar.limit)} y="0" width={width - 4 - x(bar.limit)} height="20" className="beyond" />
        <path d={`M4 ${middle}H${width - 4}`} className="axis" />
        <path d={`M${x(0)} 3V17`} className="zero" />
        {bar.delta !== undefined && <path d={`M${x(bar.delta)} 3V17`} className="delta" />}
        <path d={`M${x(bar.limit)} 0V20`} className="limit" />
        {bar.interval !== undefined && (
          <>
            <path d={`M${x(bar.interval[0])} ${middle}H${x(bar.interval[1])}`} className="range" />
            {bar.interval[1] > most && <path d={`M${width - 10} 5l6 5-6 5`} className="more" />}
            {bar.interval[0] < least && <path d="M10 5l-6 5 6 5" className="more" />}
          </>
        )}
        {bar.at !== undefined && <circle cx={x(bar.at)} cy={middle} r="4" className="point" />}
      </svg>
      <figcaption className="num">
        <span>{bar.value}</span>
        <span className="quiet">{bar.limits}</span>
      </figcaption>
    </figure>
  );
}

interface Bar {
  readonly domain: readonly [number, number];
  readonly at: number | undefined;
  readonly interval: readonly [number, number] | undefined;
  readonly delta: number | undefined;
  readonly limit: number;
  readonly value: string;
  readonly limits: string;
}

/** Failed requests where the old group has (almost) none. */
function isShare({ unit, oldLevel, margin, tolerated }: CheckView): boolean {
  return unit === 'ratio' && tolerated !== null && (oldLevel ?? 0) * margin < tolerated;
}

function shareBar({ oldLevel, newLevel, tolerated, shareInterval }: CheckView): Bar {
  const limit = tolerated ?? 0;
  const at = oldLevel === null || newLevel === null ? undefined : newLevel - oldLevel;
  return {
    domain: [Math.min(-limit, at ?? 0), Math.max(limit * 4, (at ?? 0) * 1.15)],
    at,
    interval: shareInterval ?? undefined,
    delta: undefined,
    limit,
    value:
      at === undefined
        ? 'no estimate yet'
        : at === 0
          ? 'no difference'
          : `${at < 0 ? '−' : '+'}${formatLevel(Math.abs(at), 'ratio')} of all requests${shareRange(shareInterval)}`,
    limits: `harm from ${formatLevel(limit, 'ratio')} on`,
  };
}

function shareRange(interval: CheckView['shareInterval']): string {
  if (interval === null) return '';
  const [low, high] = interval.map((x) => `${x < 0 ? '−' : '+'}${formatLevel(Math.abs(x), 'ratio')}`);
  return ` (${low} to ${high})`;
}

function ratioBar({ against, estimate, interval, delta, margin }: CheckView): Bar {
  const most = Math.max(0.1, margin * 2, Math.min(margin * 6, interval?.[1] ?? 0), (estimate ?? 0) * 1.25);
  const range = interval === null ? '' : ` (${signedPercent(interval[0])} to ${signedPercent(interval[1])})`;
  return {
    domain: [-Math.min(1, Math.max(margin, most / 2)), most],
    at: estimate ?? undefined,
    interval: interval ?? undefined,
    delta,
    limit: margin,
    value: estimate === null ? 'no estimate yet' : `${signedPercent(estimate)}${range}`,
    limits: limitWords(against, delta, margin),
  };
}

function limitWords(against: CheckView['against'], delta: number, margin: number): string {
  if (against === 'limit') return 'against its limit';
  if (against === 'trend') return `growth an hour; limit ${signedPercent(delta)}`;
  return `passes below ${signedPercent(margin)}, fails above ${signedPercent(delta)}`;
}

import { binomialInterval } from '../../src/stats/index.ts';
import { median } from '../machine.ts';
import type { Fault } from './synthetic-fleet.ts';
import type { TrialLine } from './trials.ts';

/** The lines of the detection table (reference judge.md, section 2), and what its prototype reached at 200 tasks. */
export const faults: readonly Fault[] = [
  { name: 'errors ×1.2', errors: 1.2 },
  { name: 'errors ×1.5', errors: 1.5 },
  { name: 'errors ×2', errors: 2 },
  { name: 'errors ×5', errors: 5 },
  { name: 'p99 +5 %', p99: 1.05 },
  { name: 'p99 +10 %', p99: 1.1 },
  { name: 'p99 +25 %', p99: 1.25 },
  { name: 'all latency +5 %', allLatency: 1.05 },
  { name: 'all latency +10 %', allLatency: 1.1 },
  { name: 'CPU +10 %', cpu: 1.1 },
  { name: 'leak 1 % per minute', leak: 0.01 },
  { name: 'errors ×3 in one region of four', regionErrors: 3 },
  { name: 'only under high load, ×1.2', underLoad: 1.2 },
];

export const stagesOf = (tasks: number) => (tasks <= 20 ? [0.1, 0.2, 0.35, 0.5] : [0.02, 0.05, 0.2, 0.5]);

export interface Line {
  readonly fault: string;
  readonly runs: number;
  readonly stopped: number;
  /** Share stopped in percent, with its exact 95 % interval. */
  readonly percent: number;
  readonly interval: readonly [number, number];
  readonly medianMinutes: number | undefined;
  readonly medianBlastPercent: number | undefined;
  readonly byCheck: Readonly<Record<string, number>>;
  /** Phases that were let through: by the bound, or undecided. */
  readonly passed: number;
  readonly undecided: number;
  /** Deployments in which at least one phase ended undecided. */
  readonly undecidedDeployments: number;
}

export function lineOf(
  fault: string,
  results: readonly Pick<TrialLine, 'failed' | 'minutes' | 'blast' | 'check' | 'passed' | 'undecided'>[],
): Line {
  const stopped = results.filter(({ failed }) => failed);
  const byCheck: Record<string, number> = {};
  for (const { check } of stopped) byCheck[check ?? '?'] = (byCheck[check ?? '?'] ?? 0) + 1;
  const [low, high] = binomialInterval(stopped.length, results.length);
  const round = (share: number) => Math.round(share * 10_000) / 100;
  return {
    fault,
    runs: results.length,
    stopped: stopped.length,
    percent: round(stopped.length / results.length),
    interval: [round(low), round(high)],
    medianMinutes: stopped.length > 0 ? median(stopped.map(({ minutes }) => minutes)) : undefined,
    medianBlastPercent: stopped.length > 0 ? round(median(stopped.map(({ blast }) => blast))) : undefined,
    byCheck,
    passed: results.reduce((sum, { passed }) => sum + passed, 0),
    undecided: results.reduce((sum, { undecided }) => sum + undecided, 0),
    undecidedDeployments: results.filter(({ failed, undecided }) => !failed && undecided > 0).length,
  };
}

export function tableOf(lines: readonly Line[]): string {
  const rows = lines.map(({ fault, percent, interval, medianMinutes, medianBlastPercent, runs }) => {
    const when = medianMinutes === undefined ? '–' : `${medianMinutes} min · ${medianBlastPercent} %`;
    return `| ${fault} | ${percent} % (${interval[0]}–${interval[1]}) | ${when} | ${runs} |`;
  });
  return [
    '| planted fault | stopped (95 % interval) | median time · blast | runs |',
    '|---|---|---|---|',
    ...rows,
  ].join('\n');
}

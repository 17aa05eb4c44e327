import { normalBelow } from '../../stats/index.ts';
import type { BinTable } from '../bin-table.ts';
import { countsAgainstLimit, valuesAgainstLimit } from '../compare-limit.ts';
import { chanceOfCounts, chanceOfFewCounts, intervalOfCounts } from '../counts/chances.ts';
import { eventsToFail } from '../counts/power.ts';
import type { CheckData } from '../measured-check.ts';
import { limitOf } from '../plain-check.ts';
import { type Evidence, fewestEvents } from './evidence.ts';
import { evidenceOfValue } from './values.ts';

/** New tasks alone against a fixed limit: above it is harm, below it is none; there is no margin between. */
export function weighLimit(table: BinTable, { check, measure }: CheckData): Evidence | undefined {
  const limit = limitOf(check);
  const { metric } = check;
  if (measure.kind === 'values') {
    const source = valuesAgainstLimit(table, measure, limit, check.worse === 'higher' ? 1 : -1);
    return source && evidenceOfValue(source, { delta: 0, margin: 0, toScale: (harm) => harm, toHarm: (x) => x });
  }
  const share = 'latency' in metric ? 1 - metric.latency.quantile : limit;
  const source = countsAgainstLimit(table, measure, share);
  if (!source || source.newExposure < fewestEvents) return undefined;
  const [low, high] = intervalOfCounts(source, 0.025);
  const least = new Map<number, number>();
  const powerFor = (harm: number, alpha: number) => {
    const needed = least.get(alpha) ?? eventsToFail(source, { ratio: 1 }, alpha);
    least.set(alpha, needed);
    const mean = source.expected * (1 + harm);
    return normalBelow((mean - needed) / Math.sqrt(source.overdispersion * mean + 1e-9));
  };
  return {
    source,
    estimate: source.newEvents / Math.max(source.expected, 1e-9) - 1,
    interval: [low - 1, high - 1],
    chanceIfHarmless: chanceOfCounts(source, { ratio: 1 }),
    chanceIfHarmful: chanceOfFewCounts(source, { ratio: 1 }),
    // There is no margin: said of what is half as much again.
    powerAt: (alpha) => powerFor(0.5, alpha),
    powerFor,
    oldLevel: share,
    newLevel: source.newEvents / source.newExposure,
    newEvents: source.newExposure,
  };
}

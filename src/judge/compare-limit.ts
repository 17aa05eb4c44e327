import { type BinTable, newGroup } from './bin-table.ts';
import { average, varianceOf } from './compare-before.ts';
import type { CountEvidence } from './counts/evidence.ts';
import type { CountMeasure, HistogramMeasure, ValueMeasure } from './measures.ts';
import type { ValueEvidence } from './values/evidence.ts';

/** Failed or slow among all requests of new tasks, against a share that must not be exceeded. */
export function countsAgainstLimit(table: BinTable, measure: CountMeasure, limit: number): CountEvidence | undefined {
  const { bins, group, tasks } = table;
  const sums: { row: number; events: number; exposure: number }[] = [];
  let squares = 0;
  let cells = 0;
  for (const row of tasks.keys()) {
    const sum = { row, events: 0, exposure: 0 };
    for (let at = row * bins; at < (row + 1) * bins; at += 1) {
      if (group[at] !== newGroup || Number.isNaN(measure.exposure[at]!)) continue;
      sum.events += measure.events[at]!;
      sum.exposure += measure.exposure[at]!;
    }
    if (sum.exposure > 0) sums.push(sum);
  }
  const events = sums.reduce((all, sum) => all + sum.events, 0);
  const exposure = sums.reduce((all, sum) => all + sum.exposure, 0);
  if (exposure === 0) return undefined;
  const rate = (events + 0.5) / exposure;
  // How much more than by chance the share changes from bin to bin and task to task.
  for (const { row } of sums) {
    for (let at = row * bins; at < (row + 1) * bins; at += 1) {
      if (group[at] !== newGroup || !(measure.exposure[at]! > 0)) continue;
      const mu = measure.exposure[at]! * rate;
      squares += ((measure.events[at]! - mu) * (measure.events[at]! - mu)) / Math.max(mu, 0.05);
      cells += 1;
    }
  }
  const expected = limit * exposure;
  const worst = [...sums].sort((a, b) => b.events / b.exposure - a.events / a.exposure || a.row - b.row);
  return {
    kind: 'counts',
    newEvents: events,
    newExposure: exposure,
    oldEvents: expected,
    oldExposure: exposure,
    expected,
    tested: { events, expected, exposure },
    ifWorse: { expected, exposure, bins: cells },
    leastDispersion: 1,
    overdispersion: Math.max(1, cells > 3 ? squares / (cells - 1) : 1),
    shape: 1e9,
    passShape: 1e9,
    freedom: Math.max(1, cells - 1),
    newTasks: sums.length,
    oldTasks: 0,
    outlier: undefined,
    lostToOutlier: 0,
    drivers: worst
      .filter((sum) => sum.events > limit * sum.exposure)
      .slice(0, 5)
      .map(({ row }) => row),
  };
}

/** Requests slower than the first bound at or above the limit; undefined: no bucket tells. */
export function slowerThan(histograms: HistogramMeasure, limit: number): CountMeasure | undefined {
  const { bounds, counts } = histograms;
  const width = bounds.length;
  const place = bounds.findIndex((bound) => bound >= limit * (1 - 1e-9));
  if (place < 0 || !Number.isFinite(bounds[place]!)) return undefined;
  const cells = counts.length / width;
  const events = new Float64Array(cells).fill(Number.NaN);
  const exposure = new Float64Array(cells).fill(Number.NaN);
  for (let cell = 0; cell < cells; cell += 1) {
    if (Number.isNaN(counts[cell * width]!)) continue;
    let above = 0;
    let all = 0;
    for (let i = 0; i < width; i += 1) {
      all += counts[cell * width + i]!;
      if (i > place) above += counts[cell * width + i]!;
    }
    events[cell] = above;
    exposure[cell] = all;
  }
  return { kind: 'counts', events, exposure };
}

/** A number of new tasks against a fixed one: relative to it; the spread is that between tasks, of one that in time. */
export function valuesAgainstLimit(
  table: BinTable,
  { values }: ValueMeasure,
  limit: number,
  sign: 1 | -1,
): ValueEvidence | undefined {
  const { bins, group, tasks } = table;
  const scale = Math.max(Math.abs(limit), 1e-9);
  const perTask: { row: number; mean: number; n: number; inTime: number }[] = [];
  for (const row of tasks.keys()) {
    const own: number[] = [];
    for (let at = row * bins; at < (row + 1) * bins; at += 1) {
      if (group[at] === newGroup && !Number.isNaN(values[at]!)) own.push(values[at]!);
    }
    // Bins follow each other: a fifth of them counts.
    if (own.length >= 2) {
      const inTime = varianceOf(own) / Math.max(1, own.length / 5);
      perTask.push({ row, mean: average(own), n: own.length, inTime });
    }
  }
  if (perTask.length === 0) return undefined;
  const means = perTask.map(({ mean }) => mean);
  const level = average(means);
  const inTime = average(perTask.map((task) => task.inTime));
  const ofOne = Math.max(inTime, perTask.length >= 2 ? varianceOf(means) : 0);
  const bins5 = perTask.reduce((sum, { n }) => sum + n, 0) / 5;
  return {
    kind: 'values',
    estimate: (sign * (level - limit)) / scale,
    deviation: Math.sqrt(ofOne / perTask.length) / scale + 1e-12,
    freedom: Math.max(2, perTask.length >= 3 ? perTask.length - 1 : bins5),
    lostToOutlier: 0,
    isLog: false,
    newLevel: level,
    oldLevel: limit,
    newTasks: perTask.length,
    oldTasks: 0,
    newBins: perTask.reduce((sum, { n }) => sum + n, 0),
    outlier: undefined,
    drivers: perTask
      .filter(({ mean }) => sign * (mean - limit) > 0)
      .slice(0, 5)
      .map(({ row }) => row),
  };
}

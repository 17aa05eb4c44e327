import { parseArgs } from 'node:util';
import { openSampleStore } from '../../src/judge/index.ts';
import type { Sample } from '../../src/model/index.ts';
import { describeMachine, writeResult } from '../machine.ts';

/**
 * What the sample store takes for a large installation: 5,000 tasks of 50 series each, so many of them histograms of
 * 20 buckets, in bins of 10 s for 15 minutes, then of a minute, to 2 hours. The rings are filled for two hours with
 * what moves (who owned each bin) and for some bins with everything; they have their whole size from the first bin on.
 *
 *     node --expose-gc bench/judge/memory.ts [--tasks 5000] [--series 50] [--histograms 10]
 */
const { values } = parseArgs({
  options: {
    tasks: { type: 'string', default: '5000' },
    series: { type: 'string', default: '50' },
    histograms: { type: 'string', default: '10' },
  },
});
const tasks = Number(values.tasks);
const series = Number(values.series);
const histograms = Number(values.histograms);
const binMs = 10_000;
const bins = 720;
const collect = globalThis.gc;
if (!collect) throw new Error('run it with node --expose-gc');
collect();
const beforeBytes = process.memoryUsage().rss;

const startMs = 1_700_000_000_000;
const store = await openSampleStore({ nowMs: startMs, settings: { binMs, maxSeries: tasks * series } });
const bounds = [...Array.from({ length: 19 }, (_, i) => 0.001 * 2 ** i), Number.POSITIVE_INFINITY];
const counts = bounds.map((_, i) => (i * 7) % 11);

/** New objects and texts for each sample, as they come out of JSON. */
function sampleOf(index: number, one: number, bin: number): Sample {
  const fromMs = startMs + bin * binMs;
  return {
    job: 'shop@production',
    index,
    incarnation: 1,
    version: 'v_0123456789abcdef',
    state: 'serving',
    labels: JSON.parse(`{"region":"eu-${index % 4}","rack":"r${index % 50}","route":"/api/${one}","code":"200"}`),
    metric: `http_metric_${one}`,
    fromMs,
    toMs: fromMs + binMs,
    value:
      one < histograms
        ? { histogramDelta: { bounds: [...bounds], counts, sum: 12.5 } }
        : one % 2 === 0
          ? { counterDelta: bin + one }
          : { gauge: bin * one },
  };
}

let kept = 0;
for (let bin = 0; bin < bins; bin += 1) {
  const nowMs = startMs + (bin + 1) * binMs;
  const all = bin >= bins - 2 || bin === 0;
  for (let index = 0; index < tasks; index += 1) {
    const count = all ? series : 1;
    const samples = Array.from({ length: count }, (_, i) => sampleOf(index, all ? i : series - 1, bin));
    kept += store.append(samples, nowMs).kept;
  }
  await store.tend(nowMs);
}
collect();
collect();
const usage = process.memoryUsage();
console.log(usage);
const usedMiB = Math.round((usage.rss - beforeBytes) / 1024 / 1024);
const { series: held } = store.counts();
console.log(`${held} series (${tasks * histograms} histograms) of ${tasks} tasks, ${kept} samples: ${usedMiB} MiB`);
const figures = {
  tasks: tasks,
  'series per task': series,
  'of these histograms of 20 buckets': histograms,
  MiB: usedMiB,
};
console.log(`written to ${writeResult('judge-memory', { machine: describeMachine(), figures })}`);

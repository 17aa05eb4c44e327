import { execFileSync } from 'node:child_process';
import { parseArgs } from 'node:util';
import { openSampleStore } from '../../src/judge/index.ts';
import type { Sample } from '../../src/model/index.ts';
import { describeMachine, writeResult } from '../machine.ts';

/**
 * What the sample store takes for a large installation: 5,000 tasks of 50 series each, ten of them or all of them
 * histograms of 20 buckets (100 requests a second each), in bins of 10 s for 15 minutes, then of a minute, to 2 hours.
 * The rings are filled for two hours with what moves (who owned each bin) and for some bins with everything; they have
 * their whole size from then on. Each in a process of its own.
 *
 *     node bench/judge/memory.ts [--tasks 5000] [--series 50]
 */
const { values } = parseArgs({
  options: {
    tasks: { type: 'string', default: '5000' },
    series: { type: 'string', default: '50' },
    histograms: { type: 'string' },
  },
});
const tasks = Number(values.tasks);
const series = Number(values.series);
const histograms = Number(values.histograms);
const binMs = 10_000;
const bins = 720;
const startMs = 1_700_000_000_000;
const bounds = [...Array.from({ length: 19 }, (_, i) => 0.001 * 2 ** i), Number.POSITIVE_INFINITY];
/** Of a thousand requests; most of them within three buckets, a tail, and none in the slowest. */
const counts = [0, 0, 1, 6, 40, 170, 330, 260, 120, 45, 16, 7, 3, 1, 1, 0, 0, 0, 0, 0];

if (values.histograms === undefined) main();
else console.log(JSON.stringify(await measure()));

function main(): void {
  const machine = describeMachine();
  const figures = [10, series].map((some) => {
    const args = ['--expose-gc', '--disable-warning=ExperimentalWarning', import.meta.filename];
    const options = ['--tasks', String(tasks), '--series', String(series), '--histograms', String(some)];
    const figure = JSON.parse(execFileSync(process.execPath, [...args, ...options], { encoding: 'utf8' }));
    console.log(figure);
    return figure;
  });
  console.log(`written to ${writeResult('judge-memory', { machine, figures })}`);
}

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

async function measure() {
  const collect = globalThis.gc;
  if (!collect) throw new Error('run it with node --expose-gc');
  collect();
  const beforeBytes = process.memoryUsage().rss;
  const store = await openSampleStore({ nowMs: startMs, settings: { binMs, maxSeries: tasks * series } });
  for (let bin = 0; bin < bins; bin += 1) {
    const nowMs = startMs + (bin + 1) * binMs;
    // The last minute whole, of which the coarse bins hold the sum.
    const all = bin >= bins - 6 || bin === 0;
    for (let index = 0; index < tasks; index += 1) {
      const count = all ? series : 1;
      const samples = Array.from({ length: count }, (_, i) => sampleOf(index, all ? i : series - 1, bin));
      const { kept } = store.append(samples, nowMs);
      if (kept !== count) throw new Error(`${count - kept} samples were not kept`);
    }
    await store.tend(nowMs);
  }
  collect();
  collect();
  const { rss, heapUsed, external } = process.memoryUsage();
  // Asked for once more, so that it is still there when it is measured.
  if (store.counts().series !== tasks * series) throw new Error('series were lost');
  const mebibytes = (bytes: number) => Math.round(bytes / 1024 / 1024);
  const used = { MiB: mebibytes(heapUsed + external), 'resident MiB': mebibytes(rss - beforeBytes) };
  return { tasks, 'series per task': series, 'of these histograms of 20 buckets': histograms, ...used };
}

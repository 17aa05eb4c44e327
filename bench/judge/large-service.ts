import { ClosedBinsCache } from '../../src/judge/closed-bins/cache.ts';
import { type JudgePlan, judge, openSampleStore } from '../../src/judge/index.ts';
import { judgeBins } from '../../src/judge/judge.ts';
import type { CheckSpec, Sample } from '../../src/model/index.ts';
import { median } from '../machine.ts';
import { bins as fleetBins, runFleet } from './synthetic-fleet.ts';
import { benchChecks } from './trial.ts';

/**
 * A service of 1,000 tasks with five metrics, scraped every 10 s and judged in minute bins over two hours: what a verdict
 * takes when one more bin has closed, from what was kept of the others, and when all of them are read again. Half of the
 * tasks are new, in four steps; regions of their own.
 */
export const job = 'shop@production' as const;
const startMs = 1_700_000_040_000;
const binMs = 60_000;
const scrapeMs = 10_000;
/** Until the store tells two hours; then verdicts are timed. */
const filled = 124;
const timed = 12;

const checks: readonly CheckSpec[] = benchChecks.map((check) =>
  'errorRatio' in check.metric
    ? { ...check, metric: { errorRatio: { counter: 'http_requests_total', label: 'code', errorValues: '5xx' } } }
    : check,
);

const cpuOf = <T>(work: () => T) => {
  const before = process.cpuUsage();
  const result = work();
  const { user, system } = process.cpuUsage(before);
  return { result, ms: (user + system) / 1000 };
};

export async function measureLargeService(tasks = 1000) {
  const run = runFleet({ tasks, stages: [0.02, 0.05, 0.2, 0.5] }, 1);
  const minutes = filled + timed;
  /** Minutes of the bench before the first one of the fleet: there its quiet hour is played once more. */
  const shift = minutes - fleetBins;
  const store = await openSampleStore({ nowMs: startMs, settings: { binMs: scrapeMs } });
  const labels = Array.from({ length: tasks }, (_, task) => {
    const region = `r${run.domain[task]}`;
    return { plain: { region }, ok: { region, code: '200' }, failed: { region, code: '500' } };
  });
  const updates: JudgePlan['updates'][number][] = [];
  const fill = async (minute: number) => {
    const bin = minute < shift ? minute % 50 : minute - shift;
    for (let part = 0; part < 6; part += 1) {
      const fromMs = startMs + minute * binMs + part * scrapeMs;
      const batch: Sample[] = [];
      for (let index = 0; index < tasks; index += 1) {
        const at = index * fleetBins + bin;
        const updatedAt = run.updatedAt[index]! + shift;
        const isNew = minute >= updatedAt;
        if (minute === updatedAt && part === 0) updates.push({ index, admittedAtMs: fromMs, servingAtMs: fromMs });
        const base = {
          job,
          index,
          incarnation: isNew ? 2 : 1,
          state: 'serving' as const,
          fromMs,
          toMs: fromMs + scrapeMs,
        };
        const version = isNew ? ('v_new' as const) : ('v_old' as const);
        const { plain, ok, failed } = labels[index]!;
        const push = (metric: string, of: Readonly<Record<string, string>>, value: Sample['value']) =>
          batch.push({ ...base, version, metric, labels: of, value });
        const share = (n: number) => Math.floor(n / 6) + (part < n % 6 ? 1 : 0);
        const all = Math.round(run.requests[at]!);
        push('http_requests_total', ok, { counterDelta: share(all - run.errors[at]!) });
        push('http_requests_total', failed, { counterDelta: share(run.errors[at]!) });
        for (const metric of ['p99', 'p50', 'cpu', 'memory'] as const) push(metric, plain, { gauge: run[metric][at]! });
      }
      store.append(batch, fromMs + scrapeMs);
      await store.tend(fromMs + scrapeMs);
    }
  };
  const cache = new ClosedBinsCache();
  const phaseStartedAtMs = startMs + (90 + shift) * binMs;
  const look = { incremental: [] as number[], reading: [] as number[], scratch: [] as number[], bins: 0, mebibytes: 0 };
  for (let minute = 0; minute < minutes; minute += 1) {
    await fill(minute);
    if (minute < filled - 1) continue;
    const nowMs = startMs + (minute + 1) * binMs + 3 * scrapeMs;
    await store.tend(nowMs);
    const plan: JudgePlan = {
      ...{ rollout: 'ro_bench', phase: 3, phaseName: 'half', newVersion: 'v_new', oldVersions: ['v_old'], phases: 4 },
      spec: { checks: [...checks], failShare: 0.5, alpha: 0.01, binMs, warmupMs: 120_000 },
      ...{ updates, phaseStartedAtMs, updatedAtMs: phaseStartedAtMs, deadlineAtMs: phaseStartedAtMs + 60 * binMs },
    };
    const request = { job, binMs, fromMs: startMs };
    const own = cpuOf(() => {
      const reading = cpuOf(() => cache.read(store, 'ro_bench', request));
      const judgement = judgeBins(plan, reading.result.bins, undefined, nowMs);
      return { reading: reading.ms, judgement, samples: reading.result.samples };
    });
    if (minute < filled + 2) continue;
    look.incremental.push(own.ms);
    look.reading.push(own.result.reading);
    if (minute % 4 !== 0) continue;
    const again = cpuOf(() => judge(plan, own.result.samples(), undefined, nowMs));
    look.scratch.push(again.ms);
    if (JSON.stringify(again.result) !== JSON.stringify(own.result.judgement)) throw new Error('not the same verdict');
    look.bins = cache.read(store, 'ro_bench', request).bins.table(plan, startMs, nowMs).bins;
    look.mebibytes = cache.bytes / 1024 / 1024;
  }
  const round = (ms: number) => Math.round(ms * 10) / 10;
  return {
    'verdict, 1,000 tasks × 5 metrics × 2 hours of minute bins, one more bin: ms of CPU': round(
      median(look.incremental),
    ),
    'of which reading that bin from the store, ms of CPU': round(median(look.reading)),
    'the same verdict with all bins read again, ms of CPU': round(median(look.scratch)),
    'kept of its closed bins, MiB': round(look.mebibytes),
  };
}

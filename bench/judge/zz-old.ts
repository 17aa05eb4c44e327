import { judgeTable } from '../../src/judge/judge.ts';
import { bins, runFleet, tableAt } from './synthetic-fleet.ts';
import { benchChecks, dataAt, warmupBins } from './trial.ts';
const run = runFleet({ tasks: 1000, stages: [0.02, 0.05, 0.2, 0.5] }, 1);
const table = tableAt(run, bins, warmupBins);
const data = dataAt(run, bins);
const plan: any = { rollout: 'ro_bench', phase: 3, phaseName: 'half',
  spec: { checks: [...benchChecks], failShare: 0.5, alpha: 0.01, binMs: 60_000, warmupMs: 120_000 },
  newVersion: 'v_new', updates: [], phaseStartedAtMs: 90 * 60_000, updatedAtMs: 90 * 60_000, deadlineAtMs: bins * 60_000, phases: 4 };
const all: number[] = [];
for (let i = 0; i < 25; i++) { const b = process.cpuUsage(); judgeTable(plan, benchChecks, table, data, undefined, bins * 60_000); const { user, system } = process.cpuUsage(b); all.push((user + system) / 1000); }
console.log(all.map((x) => Math.round(x)).join(' '));

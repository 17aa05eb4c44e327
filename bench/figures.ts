import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** One line of docs/bench.md. */
export interface Figure {
  readonly what: string;
  /** Empty: there is none; the figure is reported. */
  readonly goal: string;
  /** Name of the file in `bench/results/` without `.json`. */
  readonly result: string;
  readonly command: string;
  readonly read: (result: Result) => { readonly measured: string; readonly isMet?: boolean };
}

/** What a bench wrote; `figures` differ from bench to bench. */
export interface Result {
  readonly name: string;
  readonly commit: string;
  readonly date: string;
  readonly machine: { cpu: string; cores: number; memoryGiB: number; system: string; node: string; loadBefore: number };
  // biome-ignore lint/suspicious/noExplicitAny: read by whoever knows the bench; a wrong name shows as a missing figure
  readonly figures: any;
  readonly [more: string]: unknown;
}

export const figures: readonly Figure[] = [
  transitions('sqlite, durable', 'Durable transitions, SQLite, one core', 2500),
  transitions('sqlite, durable, effects carried out', 'the same, with every effect carried out'),
  transitions('postgres, durable, 4 turns at a time', 'Durable transitions, PostgreSQL'),
  {
    what: '“Action finished” to “next action started”',
    ...{ goal: 'median < 50 ms', result: 'latency', command: 'node bench/latency.ts' },
    read: ({ figures: { medianMs, p95Ms } }) => ({
      measured: `median ${medianMs} ms, 95 % within ${p95Ms} ms`,
      isMet: medianMs < 50,
    }),
  },
  version('rollway --version, checkout', '`rollway --version` in a checkout'),
  version('rollway --version, package', '`rollway --version`, installed'),
  start('npm start, empty data folder', '`npm start` to a working UI and six hosts, empty data folder'),
  start('npm start, again', 'the same, started again'),
  memory('1,000 idle pipelines', '1,000 idle pipelines, each with one finished release'),
  memory('100 active rollouts', '100 active rollouts of 12 tasks, each judged every second'),
  memory('nothing in its database', 'A server with nothing in its database, 24 hosts sending heartbeats'),
  ...['100', '300', '1000', '3000', '10000'].map(activeRollouts),
  besidePm2('pm2 reload', 'Eight processes updated under 100 requests a second: `pm2 reload`'),
  besidePm2('Rollway, in place, one at a time', 'the same by Rollway, in place, one at a time'),
  besidePm2('Rollway, one extra task, none missing', 'the same by Rollway, with one extra task and a budget of 0'),
  {
    what: 'Heartbeats of 500 agents, one a second each, over TLS, signed',
    ...{ goal: '< 30 % of a core', result: 'heartbeats', command: 'node bench/heartbeats.ts --write' },
    read: ({ shareOfOneCore, heartbeatsPerSecond }) => ({
      measured: `${percent(Number(shareOfOneCore))} of a core at ${heartbeatsPerSecond}/s`,
      isMet: Number(shareOfOneCore) < 0.3,
    }),
  },
  perfTest('the same build twice', 'Performance test of real builds on this machine: the same build twice', 'quiet'),
  perfTest('2 % more work', 'the same, of a build that takes 2 % more processor time', 'found'),
  perfTest('5 % more work', 'the same, of one that takes 5 % more'),
  {
    what: '50 rollouts, every third one bad, on six hosts and twelve tasks, each with a SIGKILL of a task, keeper, agent or the server',
    goal: 'no request fails but on a killed task; missing tasks ≤ budget',
    ...{ result: 'kills', command: 'TEST_LONG=1 npx vitest run --project e2e test/kills/kills.e2e.ts' },
    read: ({ n, requests, broken, brokenButByAKill, mostMissing, budget }) => ({
      measured:
        `${n} kills, ${grouped(Number(requests))} requests: ${brokenButByAKill} failed otherwise, ${broken} on a killed task ` +
        `until that was noticed; at most ${mostMissing} missing at the witness, of ${budget}`,
      isMet: brokenButByAKill === 0 && Number(mostMissing) <= Number(budget),
    }),
  },
  {
    what: 'The page of a rollout of 2,000 tasks in Chromium, 300 dots changing four times a second; and when nothing happens',
    ...{
      goal: '> 30 frames a second; idle < 5 % of a core',
      result: 'web-frames',
      command: 'node bench/web-frames.ts',
    },
    read: ({ busy, idle, isGood }) => {
      const { framesPerSecond, longestFrameMs } = busy as { framesPerSecond: number; longestFrameMs: number };
      const { browserPercent } = idle as { browserPercent: number };
      return {
        measured: `${framesPerSecond} frames a second, the longest ${longestFrameMs} ms; idle ${browserPercent} % of a core`,
        isMet: Boolean(isGood),
      };
    },
  },
  simulator('decisions', 1000),
  simulator('whole', 30),
  largeJob('decide, first of the rollout', 'A job of 15,000 tasks: the decision that begins a rollout', 50),
  largeJob('decide, one report', 'the decision that folds one report', 50),
  largeJob('decide, 1500 reports', 'the decision that folds 1,500 reports and admits 1,500 operations'),
  largeJob('load + decide + commit, one report', 'load, decide and commit one report', 250),
  largeJob('load + decide + commit, one report, just started', 'the same, in a process that has just started', 250),
  largeJob('load + commit, one report of what is known', 'take in a report that says what is known', 250),
  largeJob('plan of five phases', 'the whole plan', 500),
];

function transitions(key: string, what: string, goal?: number): Figure {
  return {
    what,
    ...{
      goal: goal === undefined ? '' : `≥ ${grouped(goal)}/s`,
      result: 'transition',
      command: 'node bench/transition.ts',
    },
    read: ({ figures: all }) => ({
      measured:
        `${grouped(all[key].perSecond)}/s by the clock; ${all[key].cpuMicrosEach} µs of processor each, ` +
        `${grouped(Math.round(1e6 / all[key].cpuMicrosEach))} per second of it`,
      ...(goal === undefined ? {} : { isMet: all[key].perSecond >= goal }),
    }),
  };
}

function version(key: string, what: string): Figure {
  return {
    what,
    ...{ goal: '< 150 ms', result: 'startup', command: 'node bench/startup.ts' },
    read: ({ figures: all }) => ({
      measured: `${all[key].medianMs} ms (${all[key].timesBareNode} × \`node -e 0\`; ${all[key].cpuMs} ms of processor)`,
      isMet: all[key].medianMs < 150,
    }),
  };
}

function start(key: string, what: string): Figure {
  return {
    what,
    ...{ goal: '< 5 s', result: 'startup', command: 'node bench/startup.ts' },
    read: ({ figures: all }) => ({
      measured: `${seconds(all[key].readyMs)} (UI ${seconds(all[key].uiMs)}; ${seconds(all[key].cpuMs)} of processor)`,
      isMet: all[key].readyMs < 5000,
    }),
  };
}

function memory(key: string, what: string): Figure {
  return {
    what,
    ...{ goal: '', result: 'memory', command: 'node bench/memory.ts' },
    read: ({ figures: all }) => {
      const { heapMb, rssMb, cpuPercent } = all[key];
      return { measured: `${heapMb} MB of heap, ${rssMb} MB resident, ${Math.max(0, cpuPercent)} % of a core` };
    },
  };
}

function activeRollouts(size: string): Figure {
  return {
    what: `${grouped(Number(size))} active rollouts of 12 tasks, judged every 10 s, to the next phase every 10 minutes`,
    ...{ goal: '', result: 'active-rollouts', command: `node bench/active-rollouts.ts --sizes ${size}` },
    read: ({ figures: all }) => {
      const { cpuPercent, cpuMsPerRolloutAndMinute, rssMb, databaseMb, latencyMedianMs, latencyP95Ms } = all[size];
      return {
        measured:
          `${cpuPercent} % of a core (${cpuMsPerRolloutAndMinute} ms a rollout and minute), ${rssMb} MB resident, ` +
          `${databaseMb} MB of database; action to action of other services: median ${latencyMedianMs} ms, 95 % within ${latencyP95Ms} ms`,
      };
    },
  };
}

function perfTest(name: string, what: string, goal?: 'quiet' | 'found'): Figure {
  return {
    ...{ what, result: 'perf-test', command: 'node bench/perf-test.ts --runs 20' },
    goal: goal === 'quiet' ? 'never called slower' : goal === 'found' ? 'called slower' : '',
    read: ({ figures }) => {
      const line = figures.find((one: { name: string }) => one.name === name);
      const [low, high] = line.interval.map((share: number) => Math.round(share * 100));
      return {
        measured: `called slower in ${line.fail} of ${line.runs} (${low}–${high} %), passed in ${line.pass}; median ${line.medianPairs} pairs of runs`,
        ...(goal !== undefined && { isMet: goal === 'quiet' ? line.fail === 0 : line.fail >= 0.9 * line.runs }),
      };
    },
  };
}

function besidePm2(key: string, what: string): Figure {
  return {
    what,
    ...{ goal: '', result: 'side-by-side-pm2', command: 'node bench/side-by-side-pm2.ts' },
    read: ({ figures: all, runs }) => {
      const { failed, mostFailed, requests, mostMissing, missingSeconds, seconds: took } = all[key];
      return {
        measured:
          `${failed} of ${grouped(requests)} requests failed (${mostFailed} in the worst of ${runs} runs); ` +
          `${mostMissing} of 8 missing at most, ${missingSeconds} process-seconds; ${took} s`,
      };
    },
  };
}

function simulator(key: 'decisions' | 'whole', goal: number): Figure {
  return {
    what: `Simulator, depth *${key}*: runs of 12 tasks, 3 phases, ≥ 4 faults`,
    ...{ goal: `≥ ${grouped(goal)}/s per core`, result: 'sim', command: 'node bench/sim.ts' },
    read: ({ figures: all }) => {
      const { runsPerSecond, rolloutsPerSecond } = all[key];
      return {
        measured: `${grouped(runsPerSecond)} runs/s (${grouped(rolloutsPerSecond)} rollouts/s)`,
        isMet: runsPerSecond >= goal,
      };
    },
  };
}

function largeJob(key: string, what: string, goalMs?: number): Figure {
  return {
    what,
    ...{ goal: goalMs === undefined ? '' : `< ${goalMs} ms`, result: 'plan-size', command: 'node bench/plan-size.ts' },
    read: ({ figures: all }) => ({
      measured: `${all[key].medianMs} ms (${all[key].cpuMs} ms of processor)`,
      ...(goalMs === undefined ? {} : { isMet: all[key].medianMs < goalMs }),
    }),
  };
}

function grouped(value: number): string {
  return value.toLocaleString('en-US');
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}

/** Everything in `bench/results/`, by name. */
export function readResults(): ReadonlyMap<string, Result> {
  const folder = join(import.meta.dirname, 'results');
  const files = readdirSync(folder).filter((file) => file.endsWith('.json'));
  return new Map(files.map((file) => [file.slice(0, -5), JSON.parse(readFileSync(join(folder, file), 'utf8'))]));
}

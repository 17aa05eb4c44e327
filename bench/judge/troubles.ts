import { type Chance, seededChance } from '../../src/kit/index.ts';
import { bins, type FleetOptions, type FleetRun, normal, poissonOf, runFleet, updateBins } from './synthetic-fleet.ts';

/**
 * What befalls real fleets besides (reference judge.md, end of section 3). None of it is the new version's doing; that
 * of `dependency` old and new tasks suffer alike, from when half of the fleet is new.
 */
export const troubles = [
  'incident of others',
  'autoscaling',
  'moves',
  'missing scrapes',
  'counter resets',
  'clock skew',
  'noisy neighbours',
  'seasonality',
  'zero traffic',
  'third versions',
  'dependency',
] as const;
export type Trouble = (typeof troubles)[number];

/** Bins in which a task that starts anew serves nobody. */
const restartBins = 2;

export interface TroubledOptions extends FleetOptions {
  readonly troubles?: readonly Trouble[] | undefined;
}

/** A run of the synthetic fleet, with what befalls it besides. */
export function runTroubledFleet(options: TroubledOptions, seed: number): FleetRun {
  const run = runFleet(options, seed);
  return options.troubles ? withTroubles(run, options.troubles, seed) : run;
}

/** The run with these troubles in it; drawn from streams of their own, so that one changes nothing of another. */
function withTroubles(run: FleetRun, wanted: readonly Trouble[], seed: number): FleetRun {
  const troubled: FleetRun = {
    ...run,
    nobody: new Uint8Array(run.tasks * bins),
    bornAt: new Int32Array(run.tasks).fill(-1),
  };
  for (const trouble of wanted) inflict[trouble](troubled, seededChance(seed, trouble));
  return troubled;
}

type Inflict = (run: FleetRun, chance: Chance) => void;
const inflict: Readonly<Record<Trouble, Inflict>> = {
  /** While it rolls, everywhere or in one region: slower and many more errors. */
  'incident of others'(run, chance) {
    const start = updateBins[0] + Math.floor(chance.next() * 35);
    const end = Math.min(bins, start + 4 + Math.floor(chance.next() * 10));
    const height = 1.2 + 0.6 * chance.next();
    const region = chance.next() < 0.5 ? undefined : Math.floor(chance.next() * 4);
    eachTask(run, (task) => {
      if (region !== undefined && run.domain[task] !== region) return;
      for (let bin = start; bin < end; bin += 1) {
        slow(run, task, bin, height);
        moreErrors(run, task, bin, height * height * height, chance);
      }
    });
  },
  /** In the middle of it a sixth of the tasks is born; the load spreads over more of them. */
  autoscaling(run, chance) {
    const at = 62 + Math.floor(chance.next() * 25);
    const born = untouched(run).filter(() => chance.next() < 0.16);
    for (const task of born) {
      for (let bin = 0; bin < at; bin += 1) vanish(run, task, bin);
      restart(run, task, at, chance);
    }
    const less = 1 - born.length / run.tasks;
    eachTask(run, (task) => {
      for (let bin = at; bin < bins; bin += 1) {
        const cell = task * bins + bin;
        run.requests[cell]! *= less;
        run.errors[cell] = Math.min(thinned(run.errors[cell]!, less, chance), run.requests[cell]!);
        run.cpu[cell]! *= 0.3 + 0.7 * less;
      }
    });
  },
  /** One task in twenty starts again on another host, whenever. */
  moves(run, chance) {
    for (const task of untouched(run)) {
      if (chance.next() >= 0.05) continue;
      const at = 20 + Math.floor(chance.next() * 75);
      const host = Math.exp(0.07 * normal(chance));
      for (let bin = at; bin < bins; bin += 1) {
        slow(run, task, bin, host);
        run.cpu[task * bins + bin]! *= host;
      }
      restart(run, task, at, chance);
    }
  },
  /** One bin in thirty, and of one task in twenty ten minutes on end. */
  'missing scrapes'(run, chance) {
    eachTask(run, (task) => {
      for (let bin = 0; bin < bins; bin += 1) if (chance.next() < 1 / 30) vanish(run, task, bin);
      if (chance.next() >= 0.05) return;
      const start = Math.floor(chance.next() * (bins - 10));
      for (let bin = start; bin < start + 10; bin += 1) vanish(run, task, bin);
    });
  },
  /** What was counted since the last scrape is lost in part. */
  'counter resets'(run, chance) {
    for (let cell = 0; cell < run.tasks * bins; cell += 1) {
      if (chance.next() >= 0.01) continue;
      const kept = chance.next();
      run.requests[cell]! *= kept;
      run.errors[cell] = Math.min(thinned(run.errors[cell]!, kept, chance), run.requests[cell]!);
    }
  },
  /** One task in ten tells of each minute a minute late. */
  'clock skew'(run, chance) {
    eachTask(run, (task) => {
      if (chance.next() >= 0.1) return;
      for (const cells of [run.p99, run.p50, run.cpu, run.memory, run.errors, run.requests])
        cells.copyWithin(task * bins + 1, task * bins, task * bins + bins - 1);
    });
  },
  /** Racks of ten; in each somebody is loud now and then. */
  'noisy neighbours'(run, chance) {
    for (let rack = 0; rack * 10 < run.tasks; rack += 1) {
      for (let start = Math.floor(chance.next() * 60); start < bins; start += 20 + Math.floor(chance.next() * 80)) {
        const [louder, end] = [
          1.08 + 0.14 * chance.next(),
          Math.min(bins, start + 10 + Math.floor(chance.next() * 15)),
        ];
        for (let task = rack * 10; task < Math.min(run.tasks, rack * 10 + 10); task += 1) {
          for (let bin = start; bin < end; bin += 1) {
            slow(run, task, bin, louder);
            run.cpu[task * bins + bin]! *= 1 + (louder - 1) / 2;
          }
        }
      }
    }
  },
  /** The hour before was quiet, now it is Monday: load and what hangs on it rise, of each task a little differently. */
  seasonality(run, chance) {
    const rise = 0.3 + 0.4 * chance.next();
    eachTask(run, (task) => {
      const own = 1 + 0.15 * normal(chance);
      for (let bin = 0; bin < bins; bin += 1) {
        const cell = task * bins + bin;
        const part = (rise * bin) / bins;
        run.requests[cell]! *= Math.exp(part);
        moreErrors(run, task, bin, Math.exp(part), chance);
        run.cpu[cell]! *= Math.exp(part * own);
        slow(run, task, bin, Math.exp(0.3 * part * own));
      }
    });
  },
  /** One task in twenty is asked nothing. */
  'zero traffic'(run, chance) {
    eachTask(run, (task) => {
      if (chance.next() >= 0.05) return;
      for (let cell = task * bins; cell < (task + 1) * bins; cell += 1) {
        run.requests[cell] = 0;
        run.errors[cell] = 0;
        run.p99[cell] = Number.NaN;
        run.p50[cell] = Number.NaN;
        run.cpu[cell]! *= 0.05;
      }
    });
  },
  /** Somebody tries a third version on one task in twenty. */
  'third versions'(run, chance) {
    for (const task of untouched(run)) {
      if (chance.next() >= 0.05) continue;
      const at = 40 + Math.floor(chance.next() * 55);
      run.nobody!.fill(1, task * bins + at, (task + 1) * bins);
    }
  },
  dependency(run, chance) {
    eachTask(run, (task) => {
      for (let bin = updateBins[3]; bin < bins; bin += 1) {
        slow(run, task, bin, 1.3);
        moreErrors(run, task, bin, 2, chance);
      }
    });
  },
};

function eachTask(run: FleetRun, work: (task: number) => void): void {
  for (let task = 0; task < run.tasks; task += 1) work(task);
}

/** Tasks that this rollout never touches. */
function untouched(run: FleetRun): number[] {
  return [...run.updatedAt.keys()].filter((task) => run.updatedAt[task]! >= bins);
}

function slow(run: FleetRun, task: number, bin: number, times: number): void {
  run.p99[task * bins + bin]! *= times;
  run.p50[task * bins + bin]! *= Math.sqrt(times);
}

function moreErrors(run: FleetRun, task: number, bin: number, times: number, chance: Chance): void {
  const cell = task * bins + bin;
  const errors = run.errors[cell]!;
  if (errors > 0) run.errors[cell] = Math.min(run.requests[cell]!, errors + poissonOf(chance, errors * (times - 1)));
}

function thinned(events: number, share: number, chance: Chance): number {
  let kept = 0;
  for (let i = 0; i < events; i += 1) if (chance.next() < share) kept += 1;
  return kept;
}

function vanish(run: FleetRun, task: number, bin: number): void {
  for (const cells of [run.p99, run.p50, run.cpu, run.memory, run.errors, run.requests])
    cells[task * bins + bin] = Number.NaN;
}

/** A new life: gone for two bins, then cold as any restarted task. */
function restart(run: FleetRun, task: number, at: number, chance: Chance): void {
  run.bornAt![task] = at;
  for (let bin = at; bin < Math.min(bins, at + restartBins); bin += 1) vanish(run, task, bin);
  for (let bin = at; bin < bins; bin += 1) {
    const age = bin - at;
    slow(run, task, bin, Math.exp(Math.log(1.3) * Math.exp(-age / 2)));
    run.cpu[task * bins + bin]! *= Math.exp(Math.log(1.3) * Math.exp(-age / 6));
    run.memory[task * bins + bin]! *= Math.min(1, 0.6 + (0.4 * age) / 20);
    moreErrors(run, task, bin, Math.exp(Math.log(3) * Math.exp(-age)), chance);
  }
}

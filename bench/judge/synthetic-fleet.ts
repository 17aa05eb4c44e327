import { type BinTable, newGroup, oldGroup } from '../../src/judge/bin-table.ts';
import { type Chance, seededChance } from '../../src/kit/index.ts';

/**
 * The synthetic fleet of the reference (judge.md section 3): N tasks in 4 regions, 100 one-minute bins, updates at
 * minutes 60, 70, 80, 90 (cumulative 2, 5, 20, 50 %). Everything drawn from one seed.
 */
export interface Fault {
  readonly name: string;
  /** Ratio of errors, from the update on. */
  readonly errors?: number;
  readonly p99?: number;
  readonly allLatency?: number;
  readonly cpu?: number;
  /** Growth of memory per minute. */
  readonly leak?: number;
  /** Errors only in region 0. */
  readonly regionErrors?: number;
  /** Latency and errors × this, only while load is above its 70th percentile. */
  readonly underLoad?: number;
}

export interface FleetOptions {
  readonly tasks: number;
  readonly stages: readonly number[];
  readonly requestsPerMinute?: number;
  readonly fault?: Fault | undefined;
}

export interface FleetRun {
  readonly tasks: number;
  readonly bins: number;
  readonly updateBins: readonly number[];
  /** Per task: the bin in which it is updated; `bins` = never. */
  readonly updatedAt: Int32Array;
  readonly domain: Int32Array;
  readonly p99: Float64Array;
  readonly p50: Float64Array;
  readonly cpu: Float64Array;
  readonly memory: Float64Array;
  readonly errors: Float64Array;
  readonly requests: Float64Array;
  /** Per cell: 1 = it belongs to neither version. */
  readonly nobody?: Uint8Array | undefined;
  /** Per task: the bin in which it began a new life without an update of ours; -1 = never. */
  readonly bornAt?: Int32Array | undefined;
}

export const bins = 100;
export const updateBins = [60, 70, 80, 90] as const;
const regions = 4;

export function normal(chance: Chance): number {
  return Math.sqrt(-2 * Math.log(1 - chance.next())) * Math.cos(2 * Math.PI * chance.next());
}

/** Student's t with 4 degrees of freedom, scaled so that its spread is given by `sd` of the normal part. */
function student4(chance: Chance): number {
  let squares = 0;
  for (let i = 0; i < 4; i += 1) {
    const z = normal(chance);
    squares += z * z;
  }
  return normal(chance) / Math.sqrt(squares / 4);
}

export function poissonOf(chance: Chance, mean: number): number {
  if (mean > 40) return Math.max(0, Math.round(mean + Math.sqrt(mean) * normal(chance)));
  const limit = Math.exp(-mean);
  let n = 0;
  for (let product = chance.next(); product > limit; product *= chance.next()) n += 1;
  return n;
}

export function runFleet({ tasks, stages, requestsPerMinute = 1200, fault }: FleetOptions, seed: number): FleetRun {
  const chance = seededChance(seed, 'fleet');
  const z = () => normal(chance);
  const size = tasks * bins;
  const [p99, p50, cpu, memory, errors, requests] = Array.from({ length: 6 }, () => new Float64Array(size)) as [
    Float64Array,
    Float64Array,
    Float64Array,
    Float64Array,
    Float64Array,
    Float64Array,
  ];
  const noise = Math.sqrt(1200 / requestsPerMinute);

  // Load, a common drift, incidents: global and per region.
  const load = new Float64Array(bins);
  const shock = Array.from({ length: regions }, () => new Float64Array(bins));
  let loadDrift = 0;
  let common = 0;
  for (let t = 0; t < bins; t += 1) {
    loadDrift = 0.9 * loadDrift + 0.08 * Math.sqrt(0.19) * z();
    common = 0.9 * common + 0.05 * Math.sqrt(0.19) * z();
    load[t] = 0.2 * Math.sin((2 * Math.PI * t) / 100) + loadDrift;
    for (const region of shock) region[t] = common + 0.15 * load[t]!;
  }
  const incident = (targets: Float64Array[]) => {
    if (chance.next() >= 0.1) return;
    const start = Math.floor(chance.next() * bins);
    const length = 3 + Math.floor(chance.next() * 8);
    const height = Math.log(1.1 + 0.4 * chance.next());
    for (const target of targets) for (let t = start; t < Math.min(bins, start + length); t += 1) target[t]! += height;
  };
  incident(shock);
  for (const region of shock) incident([region]);
  // High is what is high while it rolls: over the whole run, seven rollouts of eight would see nothing of it.
  const rolling = load.slice(updateBins[0]);
  const busy = [...rolling].sort((a, b) => a - b)[Math.floor(rolling.length * 0.7)]!;

  // Who is updated when: spread over the regions.
  const updatedAt = new Int32Array(tasks).fill(bins);
  const order = Array.from({ length: tasks }, (_, i) => i);
  for (let i = tasks - 1; i > 0; i -= 1) {
    const j = Math.floor(chance.next() * (i + 1));
    [order[i], order[j]] = [order[j]!, order[i]!];
  }
  for (const [stage, share] of stages.entries()) {
    for (const task of order.slice(0, Math.max(1, Math.round(share * tasks)))) {
      updatedAt[task] = Math.min(updatedAt[task]!, updateBins[stage]!);
    }
  }

  // This deployment's restart curve and its harmless bias.
  const coldP99 = Math.log(1.3) * Math.exp(0.2 * z()) + 0.1 * z() * 0.3;
  const coldCpu = Math.log(1.3) * Math.exp(0.2 * z());
  const coldErrors = Math.log(3) * Math.exp(0.2 * z());
  const bias = { p99: 0.005 * z(), p50: 0.005 * z(), cpu: 0.005 * z(), memory: 0.005 * z(), errors: 0.015 * z() };
  const decay = (age: number, over: number) => Math.exp(-age / over);

  const domain = new Int32Array(tasks);
  for (let i = 0; i < tasks; i += 1) {
    const region = i % regions;
    domain[i] = region;
    const slow = chance.next() < 0.05;
    const host = (slow ? 3 : 1) * 0.05;
    const offset = { p99: host * z(), p50: host * z(), cpu: host * z(), memory: host * z(), errors: 0.3 * z() };
    const jitter = { p99: 0.02 * z(), p50: 0.02 * z(), cpu: 0.02 * z(), memory: 0.02 * z(), errors: 0.06 * z() };
    const drift = { p99: 0, p50: 0, cpu: 0, memory: 0, errors: 0 };
    let hostIncidentUntil = -1;
    let warmMemory = 0;
    for (let t = 0; t < bins; t += 1) {
      const at = i * bins + t;
      drift.p99 = 0.9 * drift.p99 + 0.03 * Math.sqrt(0.19) * z();
      drift.p50 = 0.9 * drift.p50 + 0.025 * Math.sqrt(0.19) * z();
      drift.cpu = 0.9 * drift.cpu + 0.025 * Math.sqrt(0.19) * z();
      drift.memory = 0.99 * drift.memory + 0.025 * Math.sqrt(1 - 0.9801) * z();
      drift.errors = 0.9 * drift.errors + 0.1 * Math.sqrt(0.19) * z();
      if (t > hostIncidentUntil && chance.next() < 0.02 / 60)
        hostIncidentUntil = t + 5 + Math.floor(chance.next() * 16);
      const ill = t <= hostIncidentUntil;
      const age = t - updatedAt[i]!;
      const isNew = age >= 0;
      const s = shock[region]![t]!;
      let [yP99, yP50, yCpu, yMemory, yErrors] = [
        Math.log(0.2) + offset.p99 + drift.p99 + s,
        Math.log(0.03) + offset.p50 + drift.p50 + 0.5 * s,
        Math.log(0.5) + offset.cpu + drift.cpu + load[t]!,
        Math.log(500) + offset.memory + drift.memory,
        offset.errors + drift.errors + 3 * s,
      ];
      if (ill) {
        yP99 += Math.log(1.3);
        yP50 += Math.log(1.3);
        yErrors += Math.log(5);
      }
      if (isNew) {
        yP99 += coldP99 * decay(age, 2) + bias.p99 + jitter.p99;
        yP50 += 0.5 * coldP99 * decay(age, 2) + bias.p50 + jitter.p50;
        yCpu += coldCpu * decay(age, 6) + bias.cpu + jitter.cpu;
        yErrors += coldErrors * decay(age, 1) + bias.errors + jitter.errors;
        warmMemory = Math.min(1, 0.6 + (0.4 * age) / 20);
        yMemory += Math.log(warmMemory) + bias.memory + jitter.memory;
        if (fault?.p99) yP99 += Math.log(fault.p99);
        if (fault?.allLatency) {
          yP99 += Math.log(fault.allLatency);
          yP50 += Math.log(fault.allLatency);
        }
        if (fault?.cpu) yCpu += Math.log(fault.cpu);
        if (fault?.leak) yMemory += Math.log(1 + fault.leak * age);
        if (fault?.errors) yErrors += Math.log(fault.errors);
        if (fault?.regionErrors && region === 0) yErrors += Math.log(fault.regionErrors);
        if (fault?.underLoad && load[t]! > busy) {
          yP99 += Math.log(fault.underLoad);
          yErrors += Math.log(fault.underLoad);
        }
      }
      p99[at] = Math.exp(yP99 + 0.054 * noise * student4(chance));
      p50[at] = Math.exp(yP50 + 0.018 * noise * student4(chance));
      cpu[at] = Math.exp(yCpu + 0.03 * noise * student4(chance));
      memory[at] = Math.exp(yMemory + 0.003 * noise * student4(chance));
      const n = requestsPerMinute * Math.exp(load[t]!);
      requests[at] = n;
      errors[at] = poissonOf(chance, Math.min(n, n * 0.005 * Math.exp(yErrors)));
    }
  }
  return { tasks, bins, updateBins, updatedAt, domain, p99, p50, cpu, memory, errors, requests };
}

/** The groups of a run as seen at the end of bin `end` - 1; `warmup` bins after each update belong to nobody. */
export function tableAt(run: FleetRun, end: number, warmup: number): BinTable {
  const { tasks } = run;
  const group = new Int8Array(tasks * end);
  const age = new Int16Array(tasks * end);
  const newSince = new Int32Array(tasks).fill(end);
  const frozenAt = new Int32Array(tasks).fill(end);
  for (let row = 0; row < tasks; row += 1) {
    const updated = run.updatedAt[row]!;
    if (updated < end) frozenAt[row] = updated;
    if (updated + warmup < end) newSince[row] = updated + warmup;
    for (let bin = 0; bin < end; bin += 1) {
      const at = row * end + bin;
      age[at] = bin < updated ? 30_000 : bin - updated;
      group[at] = bin < updated ? oldGroup : bin - updated >= warmup ? newGroup : 0;
      const born = run.bornAt?.[row] ?? -1;
      if (born >= 0 && bin >= born && bin < updated) {
        age[at] = bin - born;
        if (bin - born < warmup) group[at] = 0;
      }
      if (run.nobody?.[row * bins + bin] === 1) group[at] = 0;
    }
  }
  return {
    binMs: 60_000,
    firstBin: 0,
    bins: end,
    tasks: Array.from({ length: tasks }, (_, i) => i),
    group,
    age,
    newSince,
    frozenAt,
    domain: run.domain,
    domains: regions,
  };
}

/** The first `end` bins of every task, in room that is used again: a table of cells lives until the next look. */
export function cellsUntil(
  cells: Float64Array,
  tasks: number,
  end: number,
  room: { cells: Float64Array },
): Float64Array {
  if (end === bins) return cells;
  if (room.cells.length < tasks * bins) room.cells = new Float64Array(tasks * bins);
  const part = room.cells.subarray(0, tasks * end);
  for (let row = 0; row < tasks; row += 1) part.set(cells.subarray(row * bins, row * bins + end), row * end);
  return part;
}

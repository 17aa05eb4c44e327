import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Chance, pickBelow, seededChance, stableJson } from '../../kit/index.ts';
import { type CheckSpec, fleetMetrics, type Sample } from '../../model/index.ts';
import { type JudgeMemory, type JudgePlan, judge, openSampleStore } from '../index.ts';
import { judgeBins } from '../judge.ts';
import { plainCheck } from '../plain-check.ts';
import { ClosedBinsCache } from './cache.ts';

const job = 'shop@production' as const;
const startMs = 1_700_000_040_000;
const storeBinMs = 5000;

const check = (name: string, metric: CheckSpec['metric'], more: Partial<CheckSpec> = {}): CheckSpec => ({
  ...{ ...plainCheck, name, class: 'system', metric, worse: 'higher', delta: 0.02, margin: 0.2 },
  ...{ critical: true, required: false, trust: 'revert' },
  ...more,
});
const guards = [
  check('cpu', { gauge: fleetMetrics.cpu }, { guard: true, floor: 0.02 }),
  check('growth', { gauge: fleetMetrics.memory }, { guard: true, against: 'trend', limit: 3 }),
  check('restarts', { incidents: fleetMetrics.restarts }, { guard: true }),
  check('cpu-per-request', { perLoad: { gauge: fleetMetrics.cpu, counter: null } }, { guard: true, floor: 0.02 }),
  check('not-served', { errorRatio: { counter: '', label: '', errorValues: '404' } }, { guard: true }),
];
const ofItsOwn = [
  check('errors', { errorRatio: { counter: 'http_requests_total', label: 'code', errorValues: '5xx' } }),
  check('slow', { latency: { histogram: 'http_request_duration_seconds', quantile: 0.9 } }, { required: true }),
  check('heap', { gauge: 'heap_bytes' }, { against: 'before', windowMs: 40_000 }),
  check('orders', { rate: 'orders_total' }, { worse: 'lower', missing: 'zero' }),
  check('queue', { gauge: 'queue_length' }, { against: 'limit', limit: 10 }),
];

interface Task {
  version: 'v_old' | 'v_new' | 'v_third';
  incarnation: number;
  region: string;
  state: 'serving' | 'draining' | 'starting';
  /** Bins for which it stays so. */
  left: number;
  isSilent: boolean;
}

/** Everything that happens to a service, by chance. */
class World {
  readonly #chance: Chance;
  readonly tasks = new Map<number, Task>();
  updates: JudgePlan['updates'] = [];
  confounders: JudgePlan['confounders'] = [];
  oldVersions: JudgePlan['oldVersions'] = ['v_old'];

  constructor(chance: Chance) {
    this.#chance = chance;
    for (let index = 0; index < 5; index += 1) this.#join(index);
  }

  #is(odds: number): boolean {
    return this.#chance.next() < odds;
  }

  #join(index: number): void {
    const region = pickBelow(this.#chance, 2) === 0 ? 'east' : 'west';
    this.tasks.set(index, { version: 'v_old', incarnation: 1, region, state: 'serving', left: 0, isSilent: false });
  }

  step(nowMs: number): void {
    for (const [index, task] of this.tasks) {
      if (task.left > 0) task.left -= 1;
      else if (task.isSilent || task.state !== 'serving') Object.assign(task, { state: 'serving', isSilent: false });
      else if (this.#is(0.02)) this.#restart(task, 'v_third');
      else if (this.#is(0.01)) Object.assign(task, { isSilent: true, left: pickBelow(this.#chance, 8) });
      else if (this.#is(0.012)) Object.assign(task, { region: task.region === 'east' ? 'west' : 'east' });
      else if (this.#is(0.022)) Object.assign(task, { state: 'draining', left: 2 });
      else if (this.#is(0.024) && task.version !== 'v_new') {
        this.updates = [...this.updates, { index, admittedAtMs: nowMs, servingAtMs: nowMs + 10_000 }];
        this.#restart(task, 'v_new');
      }
    }
    if (this.#is(0.02)) this.#join(3 + pickBelow(this.#chance, 6));
    if (this.tasks.size > 3 && this.#is(0.01)) this.tasks.delete([...this.tasks.keys()][0]!);
    if (this.#is(0.02)) this.confounders = [{ what: 'host-1', fromMs: nowMs - 20_000, toMs: nowMs, indices: [1, 2] }];
    if (this.#is(0.01)) this.oldVersions = ['v_old', 'v_third'];
    if (this.#is(0.01)) this.updates = this.updates.slice(1);
  }

  #restart(task: Task, version: Task['version']): void {
    Object.assign(task, { version, incarnation: task.incarnation + 1, state: 'starting', left: 1 });
  }

  samplesAt(bin: number): Sample[] {
    const found: Sample[] = [];
    for (const [index, { version, incarnation, state, region, isSilent }] of this.tasks) {
      if (isSilent || this.#is(0.03)) continue;
      // A late one names a bin that may have closed already.
      const fromMs = startMs + (bin - (this.#is(0.03) ? pickBelow(this.#chance, 5) : 0)) * storeBinMs;
      const base = { job, index, incarnation, version, state, fromMs, toMs: fromMs + storeBinMs };
      const push = (metric: string, value: Sample['value'], labels: Record<string, string> = {}) =>
        found.push({ ...base, metric, labels: { region, ...labels }, value });
      const isNew = version === 'v_new';
      for (const route of ['/a', '/b']) {
        push('http_requests_total', { counterDelta: 30 + pickBelow(this.#chance, 20) }, { code: '200', route });
        if (this.#is(isNew ? 0.5 : 0.3)) push('http_requests_total', { counterDelta: 1 }, { code: '500', route });
      }
      if (this.#is(0.1)) push('http_requests_total', { counterDelta: 2 }, { code: '404', route: '/a' });
      const bounds = isNew && index % 2 === 0 ? [0.1, 0.4, 2, Number.POSITIVE_INFINITY] : [0.1, 0.5, 1, Infinity];
      const counts = [40, 10 + pickBelow(this.#chance, 9), pickBelow(this.#chance, 4), pickBelow(this.#chance, 2)];
      push('http_request_duration_seconds', { histogramDelta: { bounds, counts, sum: this.#chance.next() * 9 } });
      push(fleetMetrics.cpu, { gauge: 0.1 + this.#chance.next() * 0.1 });
      push(fleetMetrics.memory, { gauge: 1e8 + pickBelow(this.#chance, 1e6) });
      push(fleetMetrics.restarts, { counterDelta: this.#is(0.02) ? 1 : 0 });
      for (const queue of ['x', 'y'])
        if (this.#is(0.9)) push('queue_length', { gauge: this.#chance.next() }, { queue });
      if (bin > 30) push('heap_bytes', { gauge: 5e7 * (1 + this.#chance.next()) });
      if (this.#is(0.4)) push('orders_total', { counterDelta: this.#chance.next() });
    }
    return found;
  }
}

interface Case {
  readonly seed: number;
  readonly binMs: number;
  readonly isDiscovered: boolean;
  /** Chance with which what is kept is thrown away before a look. */
  readonly forgets: number;
}

/** Minutes of a world, judged whenever a bin has closed: from what was kept, and from all samples again. */
async function compare({ seed, binMs, isDiscovered, forgets }: Case, bins: number) {
  const chance = seededChance(seed, 'closed bins');
  const world = new World(chance);
  const settings = { binMs: storeBinMs, fineMs: 120_000, keepMs: 360_000 };
  const store = await openSampleStore({ nowMs: startMs, settings });
  const cache = new ClosedBinsCache();
  const spec = {
    ...{ checks: isDiscovered ? [] : ofItsOwn, guards, failShare: 0.5, alpha: 0.01, binMs, warmupMs: binMs * 2 },
  };
  let kept: JudgeMemory | undefined;
  let scratch: JudgeMemory | undefined;
  const seen = { looks: 0, withNew: 0 };
  for (let bin = 0; bin < bins; bin += 1) {
    const nowMs = startMs + (bin + 1) * storeBinMs;
    world.step(nowMs);
    store.append(world.samplesAt(bin), nowMs);
    await store.tend(nowMs);
    const closedMs = store.horizon().closedUntilMs;
    if (bin < 10 || closedMs % binMs !== 0) continue;
    const phaseStartedAtMs = startMs + 100_000;
    const plan: JudgePlan = {
      ...{ rollout: 'ro_1', phase: 0, phaseName: 'first', spec, newVersion: 'v_new', oldVersions: world.oldVersions },
      ...{ updates: world.updates, phaseStartedAtMs, updatedAtMs: phaseStartedAtMs + 60_000, phases: 2 },
      ...{ deadlineAtMs: startMs + (bins - 10) * storeBinMs, confounders: world.confounders },
    };
    const firstMs = Math.min(phaseStartedAtMs, ...world.updates.map((update) => update.admittedAtMs));
    if (chance.next() < forgets) cache.forget('ro_1');
    const read = cache.read(store, 'ro_1', { job, binMs, fromMs: firstMs - 20 * binMs });
    const own = judgeBins(plan, read.bins, kept, nowMs);
    const again = judge(plan, read.samples(), scratch, nowMs);
    expect(stableJson(own), `seed ${seed} bin ${bin}`).toBe(stableJson(again));
    kept = own.memory;
    scratch = again.memory;
    seen.looks = own.memory.looks;
    if (own.verdict.perCheck.some(({ newTasks }) => newTasks > 0)) seen.withNew += 1;
  }
  return seen;
}

describe('closed bins that are kept', () => {
  test('judged from what was kept = judged from all samples again, bit for bit, whatever happens', async () => {
    let withNew = 0;
    let looks = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.record({
          seed: fc.nat(),
          binMs: fc.constantFrom(5000, 10_000, 20_000, 60_000, 120_000),
          isDiscovered: fc.boolean(),
          forgets: fc.constantFrom(0, 0, 0.1, 0.5),
        }),
        async (one) => {
          const seen = await compare(one, 110);
          withNew += seen.withNew;
          looks += seen.looks;
        },
      ),
      { numRuns: 24 },
    );
    // It would prove little if nothing had been compared.
    expect(withNew).toBeGreaterThan(20);
    expect(looks).toBeGreaterThan(5);
  }, 120_000);
});

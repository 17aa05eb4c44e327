import { alphaBeside } from '../../src/judge/levels.ts';
import type { CheckData } from '../../src/judge/measured-check.ts';
import { type Measure, withFloor } from '../../src/judge/measures.ts';
import { seededChance } from '../../src/kit/index.ts';
import { compileSpec } from '../../src/spec/index.ts';
import { bins, cellsUntil, type FleetRun, poissonOf, updateBins } from './synthetic-fleet.ts';
import { benchChecks, dataAt, type Judged } from './trial.ts';

/**
 * The judge as a service gets it that says little: failing and slow requests as in the rest of the bench, errors also by
 * route, and all guards; of the chance of error a fifth is kept for neighbours, and one part of five for the watch.
 */
const compiled = compileSpec({ name: 'shop', command: 'node server.js', metrics: '/metrics' }, 'rollway.yaml');
if (!compiled.ok) throw new Error('the smallest configuration is refused');
const { guards = [] } = compiled.value.spec.judge;
const own = benchChecks.filter(({ name }) => name === 'errors' || name === 'p99' || name === 'p50');
const neighbours = [{ service: 'cart', environment: null, checks: null, trust: 'hold' as const }];

export const wholeJudged: Judged = {
  checks: [...own, ...guards],
  alpha: alphaBeside({ alpha: 0.01, neighbours }).own,
  parts: updateBins.length + 1,
  dataAt: wholeDataAt,
};

const routes = [
  { value: '/', share: 0.6 },
  { value: '/item', share: 0.3 },
  { value: '/checkout', share: 0.1 },
];
const mebibyte = 1024 * 1024;

/** What the synthetic fleet does not have, drawn once per run: the same for old and new tasks. */
interface More {
  readonly restarts: Float64Array;
  readonly minutes: Float64Array;
  readonly unready: Float64Array;
  readonly probes: Float64Array;
  readonly notServed: Float64Array;
  readonly perRequest: Float64Array;
  readonly tasksPerRequest: Float64Array;
  readonly memory: Float64Array;
  readonly byRoute: readonly { readonly errors: Float64Array; readonly requests: Float64Array }[];
}
const drawn = new WeakMap<FleetRun, More>();

function moreOf(run: FleetRun, seed: number): More {
  const known = drawn.get(run);
  if (known) return known;
  const chance = seededChance(seed, 'whole');
  const size = run.tasks * bins;
  const cells = (of: (at: number) => number) => Float64Array.from({ length: size }, (_, at) => of(at));
  const isThere = (at: number, value: number) => (Number.isNaN(run.requests[at]!) ? Number.NaN : value);
  const left = Float64Array.from(run.errors);
  let shareLeft = 1;
  const byRoute = routes.map(({ share }, i) => {
    const part = share / shareLeft;
    shareLeft -= share;
    const isLast = i === routes.length - 1;
    const errors = cells((at) => {
      let n = 0;
      for (let k = 0; k < left[at]!; k += 1) if (isLast || chance.next() < part) n += 1;
      left[at]! -= n;
      return isThere(at, n);
    });
    return { errors, requests: cells((at) => run.requests[at]! * share) };
  });
  const load = (at: number) => (run.requests[at]! >= 10 ? run.requests[at]! / 60 : Number.NaN);
  const more: More = {
    ...{ byRoute, memory: cells((at) => run.memory[at]! * mebibyte) },
    restarts: cells((at) => isThere(at, poissonOf(chance, 0.001))),
    minutes: cells((at) => isThere(at, 1)),
    unready: cells((at) => isThere(at, Math.min(30, poissonOf(chance, 0.03)))),
    probes: cells((at) => isThere(at, 30)),
    notServed: cells((at) =>
      isThere(at, Math.min(run.requests[at]!, poissonOf(chance, run.requests[at]! * 0.02 || 0))),
    ),
    perRequest: cells((at) => (run.cpu[at]! + 0.02) / load(at)),
    tasksPerRequest: cells((at) => 1 / load(at)),
  };
  drawn.set(run, more);
  return more;
}

function wholeDataAt(run: FleetRun, end: number, seed: number): Map<string, CheckData> {
  const more = moreOf(run, seed);
  const cut = (cells: Float64Array) => cellsUntil(cells, run.tasks, end, { cells: new Float64Array(0) });
  const values = (cells: Float64Array): Measure => ({ kind: 'values', values: cut(cells) });
  const counts = (events: Float64Array, exposure: Float64Array): Measure => {
    return { kind: 'counts', events: cut(events), exposure: cut(exposure) };
  };
  const measures: Readonly<Record<string, Measure>> = {
    cpu: withFloor({ kind: 'values', values: cut(run.cpu) }, 0.02),
    memory: withFloor({ kind: 'values', values: cut(more.memory) }, 16 * mebibyte),
    'memory-growth': values(more.memory),
    restarts: counts(more.restarts, more.minutes),
    readiness: counts(more.unready, more.probes),
    'not-served': counts(more.notServed, run.requests),
    connections: values(run.requests),
    'cpu-per-request': values(more.perRequest),
    'tasks-per-request': values(more.tasksPerRequest),
  };
  const plain = dataAt(run, end);
  const found = new Map<string, CheckData>();
  for (const check of wholeJudged.checks) {
    const measure = measures[check.name] ?? plain.get(check.name)!.measure;
    const one: CheckData = { check, measure, latency: undefined };
    const ofRoutes = () =>
      routes.map(({ value }, i) => {
        const { errors, requests } = more.byRoute[i]!;
        return { route: { label: 'route', value }, data: { ...one, measure: counts(errors, requests) } };
      });
    found.set(check.name, check.name === 'errors' ? { ...one, routes: ofRoutes } : one);
  }
  return found;
}

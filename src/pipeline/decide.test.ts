import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { ActionSpec, MarkId, Rollout, ServiceSpec, VersionId } from '../model/index.ts';
import { decideCommand } from './commands.ts';
import { decidePipeline } from './decide.ts';
import { type Draft, type Names, openDraft } from './draft.ts';
import { listWaits } from './explain.ts';
import type { ActionReport, DeployHold, PipelineState, ReleaseFacts, Run } from './facts.ts';
import { newestFirst } from './order.ts';

const base = { timeoutMs: 600_000, retries: 1, picker: 'newest' as const, inputs: [] };

function build(over: Partial<ActionSpec> = {}): ActionSpec {
  const own = { name: 'build', type: 'build' as const, needs: [], commands: [['make']], include: ['.'], exclude: [] };
  return { ...base, ...own, picker: 'every', output: 'package', ...over } as ActionSpec;
}
function check(name: string, needs: string[], over: Partial<ActionSpec> = {}): ActionSpec {
  return { ...base, name, type: 'test', needs, commands: [['make', 'test']], picker: 'every', ...over } as ActionSpec;
}
function deploy(environment: string, needs: string[], over: object = {}): ActionSpec {
  const plan = { phases: [], newcomers: 'last-good' as const, overlap: 'wait' as const, forwardOnly: false };
  const own = { name: `deploy-${environment}`, type: 'deploy' as const, needs, environment, plan, windows: [] };
  return { ...base, ...own, ...over } as ActionSpec;
}

function serviceOf(actions: ActionSpec[]): ServiceSpec {
  const environments = [...new Set(actions.flatMap((a) => (a.type === 'deploy' ? [a.environment] : [])))];
  return {
    format: 1,
    name: 'shop',
    task: { command: ['run'] },
    environments: environments.map((name) => ({
      name,
      tasks: 4,
      budget: { percent: 10 },
      env: {},
      hosts: {},
      taskControl: null,
    })),
    pipeline: { trigger: 'continuous', branch: 'main', actions },
    judge: { checks: [] },
  } as unknown as ServiceSpec;
}

/** A service's pipeline with plain maps for rows; agents and rollouts do what the test says. */
class World {
  readonly specs: ServiceSpec[] = [];
  releases: ReleaseFacts[] = [];
  runs: Run[] = [];
  rollouts = new Map<string, Rollout>();
  reports: ActionReport[] = [];
  carriers = new Map<VersionId, MarkId[]>();
  holds: DeployHold[] = [];
  hasRoom = true;
  baselines = new Map<string, string>();
  hosts = [0, 1].map((n) => ({ id: `host-${n}`, canWork: true, isGone: false }));
  /** Releases in the order in which each environment got them. */
  readonly deployed: { environment: string; release: string; before: string | undefined; isRollback: boolean }[] = [];
  readonly holder = new Map<string, string>();
  nowMs = 1000;
  #counter = 0;
  last: Draft | undefined;

  constructor(actions: ActionSpec[]) {
    this.edit(actions);
  }

  edit(actions: ActionSpec[]): void {
    this.specs.push(serviceOf(actions));
  }

  names(): Names {
    return { run: () => `run_${++this.#counter}`, rollout: () => `ro_${++this.#counter}` };
  }

  commit(position: number, over: Partial<ReleaseFacts> = {}): ReleaseFacts['id'] {
    const id = `rel_${this.releases.length + 1}` as const;
    const commit = `${position}`.padStart(40, 'c');
    const source = { digest: 'a'.repeat(64), sizeBytes: 1, tree: `tree-${this.releases.length}` };
    this.releases.push({
      id,
      service: 'shop',
      pipelineRevision: this.specs.length,
      repository: 'repo',
      commit,
      subject: `change ${position}`,
      author: 'ada',
      position,
      createdAtMs: this.nowMs++,
      createdBy: { kind: 'person', name: 'ada' },
      state: 'running',
      version: undefined,
      isConfigured: true,
      isNamed: false,
      holdAfter: undefined,
      forwardOnly: undefined,
      onlyTo: undefined,
      source: { kind: 'ready', source },
      reason: undefined,
      endedAtMs: undefined,
      ...over,
    });
    return id;
  }

  state(): PipelineState {
    const isLive = ({ endedAtMs }: { endedAtMs: number | undefined }) => endedAtMs === undefined;
    const live = new Set(this.releases.filter(isLive).map(({ id }) => id));
    const release = (id: string) => this.releases.find((one) => one.id === id)!;
    const passed = this.runs
      .filter((run) => run.state === 'succeeded')
      .map(({ action, environment, release: id }) => ({ action, environment, release: release(id) }));
    const actions = new Set(passed.filter((one) => one.environment === undefined).map(({ action }) => action));
    return {
      service: 'shop',
      revisions: new Map(this.specs.map((spec, n) => [n + 1, spec])),
      releases: this.releases.filter(isLive),
      runs: this.runs.filter((run) => live.has(run.release) || isLive(run)),
      passed: [
        ...[...this.holder].map(([environment, id]) => ({ action: '', environment, release: release(id) })),
        ...[...actions].map((action) => {
          const all = passed.filter((one) => one.action === action).map((one) => one.release);
          return { action, environment: undefined, release: newestFirst(all)[0]! };
        }),
      ],
      reports: this.reports,
      rollouts: this.rollouts as PipelineState['rollouts'],
      carriers: this.carriers,
      holds: this.holds,
      freeOfHold: new Map(),
      cache: new Map(),
      baselines: this.baselines,
      hosts: this.hosts.map((host) => ({
        ...host,
        runningActions: this.runs.filter((run) => isLive(run) && run.host === host.id).length,
        runningTasks: 0,
      })),
      hasRoom: this.hasRoom,
    };
  }

  decide(give?: (draft: Draft) => void): Draft {
    this.last = decidePipeline(this.state(), this.nowMs, this.names(), give);
    this.#apply(this.last);
    return this.last;
  }

  #apply(draft: Draft): void {
    for (const id of draft.changedRuns) {
      const run = draft.runs.get(id)!;
      if (run.environment && run.state === 'succeeded') this.holder.set(run.environment, run.release);
      this.runs = [...this.runs.filter((one) => one.id !== id), run];
    }
    this.releases = this.releases.map((one) => (draft.changedReleases.has(one.id) ? draft.releases.get(one.id)! : one));
    for (const want of draft.wants) {
      if (want.kind === 'end-hold') this.holds = this.holds.filter((hold) => hold !== want.hold);
      if (want.kind === 'hold') this.holds.push(want.hold);
      if (want.kind !== 'rollout' && want.kind !== 'rollback') continue;
      const environment = want.run.environment!;
      const before = this.holder.get(environment);
      const isRollback = want.kind === 'rollback';
      this.deployed.push({ environment, release: want.run.release, before, isRollback });
      this.rollouts.set(want.run.rollout!, { id: want.run.rollout, state: 'running' } as Rollout);
    }
    const folded = new Set(this.reports);
    this.reports = this.reports.filter((report) => !folded.has(report));
  }

  /** Decides until nothing changes any more. */
  settle(): this {
    for (let n = 0; n < 50; n++) {
      const { changedRuns, changedReleases } = this.decide();
      if (changedRuns.size === 0 && changedReleases.size === 0) return this;
    }
    throw new Error('it never settles');
  }

  report(run: Run, state: ActionReport['state']): this {
    const makesOutput = state === 'succeeded' && run.action === 'build';
    const output = makesOutput ? { digest: run.release.padEnd(64, 'b'), sizeBytes: 2 } : undefined;
    const atMs = this.nowMs;
    this.reports.push({ run: run.id, host: run.host!, state, exitCode: 0, summary: `it ${state}`, output, atMs });
    return this;
  }

  live(): Run[] {
    return this.runs.filter((run) => run.endedAtMs === undefined);
  }
  find(release: string, action: string): Run | undefined {
    return this.runs.filter((run) => run.release === release && run.action === action).at(-1);
  }
  finish(release: string, action: string, state: 'succeeded' | 'failed' = 'succeeded'): this {
    const run = this.find(release, action)!;
    expect(run, `${action} of ${release}`).toBeDefined();
    if (run.rollout !== undefined) this.end(run, state === 'succeeded' ? 'succeeded' : 'reverted');
    else this.report(run, state);
    return this.settle();
  }
  end(run: Run, state: Rollout['state'], over: Partial<Rollout> = {}): void {
    this.rollouts.set(run.rollout!, { ...this.rollouts.get(run.rollout!)!, state, ...over } as Rollout);
  }
  stateOf(release: string): string {
    return this.releases.find(({ id }) => id === release)!.state;
  }
  release(id: string): ReleaseFacts {
    return this.releases.find((one) => one.id === id)!;
  }
  starts(): string[] {
    return this.live()
      .map((run) => `${run.action} ${run.release}`)
      .sort();
  }
}

const line = () => [build(), check('test', ['build']), deploy('production', ['test'])];
const two = () => [...line(), deploy('staging', ['test'], {}), deploy('canary', ['deploy-staging'])];

/** A release that has been built and tested and stands before its deploy action. */
function upToDeploy(world: World, position: number): string {
  const id = world.commit(position);
  world.settle().finish(id, 'build').finish(id, 'test');
  return id;
}

describe('a release goes along its actions', () => {
  test('P7 the next action starts in the decision that sees the one before succeed', () => {
    const world = new World(line());
    const id = world.commit(1);
    expect(world.settle().starts()).toEqual([`build ${id}`]);
    world.report(world.find(id, 'build')!, 'succeeded').decide();
    expect(world.starts()).toEqual([`test ${id}`]);
    world.finish(id, 'test');
    expect(world.starts()).toEqual([`deploy-production ${id}`]);
    world.finish(id, 'deploy-production');
    expect(world.stateOf(id)).toBe('succeeded');
  });

  test('P2 every run records the exact content it worked on', () => {
    const world = new World([build(), deploy('production', ['build'], { inputs: ['package'] })]);
    const id = world.commit(1);
    world.settle().finish(id, 'build');
    expect(world.find(id, 'build')!.inputs).toEqual({ source: 'a'.repeat(64) });
    expect(world.find(id, 'deploy-production')!.inputs).toEqual({ package: id.padEnd(64, 'b') });
  });

  test('P2 an action that takes several inputs gets each by its name, and begins in the first', () => {
    const site = build({ name: 'site', output: 'site' });
    const world = new World([
      site,
      build({ output: 'package' }),
      check('both', ['site', 'build'], { inputs: ['package', 'site'] }),
      deploy('production', ['both'], { inputs: ['package'] }),
    ]);
    const id = world.commit(1);
    world.settle();
    for (const action of ['site', 'build']) {
      const output = { digest: (action === 'site' ? 's' : 'p').repeat(64), sizeBytes: 2 };
      const run = world.find(id, action)!;
      world.reports.push({
        run: run.id,
        host: run.host!,
        state: 'succeeded',
        exitCode: 0,
        summary: '',
        output,
        atMs: 1,
      });
    }
    const orders = world.decide().wants.flatMap((want) => (want.kind === 'order' ? [want.order] : []));
    const inputs = { package: 'p'.repeat(64), site: 's'.repeat(64) };
    expect(orders).toMatchObject([{ source: 'p'.repeat(64), inputs }]);
    expect(world.find(id, 'both')!.inputs).toEqual(inputs);
  });

  test('P3 a failed action stops only its own release', () => {
    const world = new World(line());
    const [a, b] = [world.commit(1), world.commit(2)];
    world.settle().finish(a, 'build').finish(b, 'build').finish(a, 'test', 'failed').finish(b, 'test');
    expect([world.stateOf(a), world.stateOf(b)]).toEqual(['failed', 'running']);
    expect(world.release(a).reason).toContain('"test" failed: it failed');
    expect(world.starts()).toEqual([`deploy-production ${b}`]);
  });

  test('two environments of one service go one after the other', () => {
    const world = new World([build(), deploy('staging', ['build']), deploy('production', ['deploy-staging'])]);
    const id = world.commit(1);
    world.settle().finish(id, 'build').finish(id, 'deploy-staging');
    expect(world.starts()).toEqual([`deploy-production ${id}`]);
  });

  test('a deploy of one environment goes no further', () => {
    const world = new World([build(), deploy('staging', ['build']), deploy('production', ['deploy-staging'])]);
    const id = world.commit(1, { onlyTo: 'staging' });
    world.settle().finish(id, 'build').finish(id, 'deploy-staging');
    expect(world.stateOf(id)).toBe('succeeded');
    expect(world.deployed.map(({ environment }) => environment)).toEqual(['staging']);
  });

  test('a bake waits for its time and no longer', () => {
    const bake = { ...base, name: 'bake', type: 'bake', needs: ['build'], forMs: 5000, environment: 'x' } as ActionSpec;
    const world = new World([build(), bake]);
    const id = world.commit(1);
    world.settle().finish(id, 'build');
    world.nowMs = world.find(id, 'bake')!.dueAtMs! - 1;
    expect(world.settle().stateOf(id)).toBe('running');
    world.nowMs++;
    expect(world.settle().stateOf(id)).toBe('succeeded');
  });

  test('a build without its output has failed', () => {
    const world = new World(line());
    const id = world.commit(1);
    const run = world.settle().find(id, 'build')!;
    world.report(run, 'succeeded');
    world.reports = world.reports.map((report) => ({ ...report, output: undefined }));
    expect(world.settle().release(id).reason).toContain('without making its output "package"');
  });

  test('P14 a release keeps its revision while the pipeline is edited', () => {
    const world = new World(line());
    const old = world.commit(1);
    world.settle();
    world.edit([build(), check('other', ['build']), deploy('production', ['other'])]);
    const fresh = world.commit(2);
    world.settle().finish(old, 'build').finish(fresh, 'build');
    expect(world.starts()).toEqual([`other ${fresh}`, `test ${old}`]);
  });
});

describe('T1 a new build is measured beside the one that is deployed', () => {
  const perfTest = (over: object = {}) =>
    ({
      ...{ ...base, name: 'perf', type: 'perf-test', needs: ['build'], inputs: ['package'], picker: 'every' },
      ...{ command: ['bench'], environment: 'production', measure: 'cpu', better: 'lower', delta: 0.005 },
      ...{ margin: 0.02, alpha: 0.01, minPairs: 10, maxPairs: 60, onUndecided: 'proceed', ...over },
    }) as ActionSpec;
  const withPerf = (over: object = {}) => [build(), perfTest(over), deploy('production', ['perf'])];
  const old = 'd'.repeat(64);

  function measured(ratio: number, actions = withPerf(), spread = 0) {
    const world = new World(actions);
    world.baselines.set('production', old);
    const id = world.commit(1);
    world.settle().finish(id, 'build');
    const run = world.find(id, 'perf')!;
    const pairs = Array.from({ length: 60 }, (_, n) => [100, 100 * ratio * (1 + (n % 2 ? spread : -spread))] as const);
    const done = { run: run.id, host: run.host!, state: 'succeeded' as const, exitCode: 0, summary: '' };
    world.reports.push({ ...done, output: undefined, perf: pairs, atMs: 1 });
    const draft = world.decide();
    return { world, id, run, draft, ended: world.find(id, 'perf')! };
  }

  test('T1 the agent gets both packages and what to measure', () => {
    const world = new World(withPerf());
    world.baselines.set('production', old);
    const id = world.commit(1);
    world.settle();
    world.report(world.find(id, 'build')!, 'succeeded');
    const orders = world.decide().wants.flatMap((want) => (want.kind === 'order' ? [want.order] : []));
    const fresh = id.padEnd(64, 'b');
    expect(orders).toMatchObject([
      { source: fresh, inputs: { old, new: fresh }, commands: [], perf: { command: ['bench'], measure: 'cpu' } },
    ]);
  });

  test.each([
    ['slower by 5 %', 1.05, 'failed', /takes 5\.0 % more than the old one/],
    ['as fast', 1, 'succeeded', /surely less than 2\.0 % worse/],
  ])('T1 %s', (_, ratio, state, words) => {
    const { ended, draft, world, id } = measured(ratio);
    expect(ended.state).toBe(state);
    expect(ended.reason).toMatch(words);
    const told = draft.events.find(({ type }) => type === 'action.measured');
    expect(told?.data).toMatchObject({ action: 'perf', verdict: state === 'failed' ? 'fail' : 'pass' });
    if (state === 'failed') expect(world.settle().stateOf(id)).toBe('failed');
  });

  test.each(['proceed', 'fail'] as const)('T1 what cannot be told goes by onUndecided: %s', (onUndecided) => {
    const { ended } = measured(1.01, withPerf({ onUndecided }), 0.3);
    expect(ended.state).toBe(onUndecided === 'fail' ? 'failed' : 'succeeded');
    expect(ended.reason).toContain('cannot be told');
  });

  test('nothing to compare with, or the same package: nothing is measured, and that is said', () => {
    const first = new World(withPerf());
    const id = first.commit(1);
    first.settle().finish(id, 'build');
    expect(first.find(id, 'perf')).toMatchObject({ state: 'succeeded', host: undefined });
    expect(first.find(id, 'perf')!.reason).toContain('Nothing is deployed to production yet');
    const same = new World(withPerf());
    const again = same.commit(1);
    same.baselines.set('production', again.padEnd(64, 'b'));
    same.settle().finish(again, 'build');
    expect(same.find(again, 'perf')!.reason).toContain('is the one that is deployed');
  });
});

describe('machines fail', () => {
  test('while the server has no room no source is packed and nothing is built; it resumes by itself', () => {
    const world = new World([build()]);
    world.hasRoom = false;
    const id = world.commit(1);
    const release = world.releases.find((one) => one.id === id)!;
    world.releases = [{ ...release, source: { kind: 'wanted' } }];
    expect(world.decide().wants).toEqual([]);
    expect(world.stateOf(id)).toBe('blocked');
    expect(world.releases[0]!.reason).toContain("The server's disk is nearly full");
    world.releases = [{ ...world.releases[0]!, source: release.source }];
    world.settle();
    expect(world.find(id, 'build')).toBeUndefined();
    world.hasRoom = true;
    expect(world.settle().find(id, 'build')).toMatchObject({ state: 'running' });
  });

  test('a lost host runs the action again elsewhere, as often as its retries pay for', () => {
    const world = new World([build({ retries: 1 })]);
    const id = world.commit(1);
    const first = world.settle().find(id, 'build')!;
    world.hosts = world.hosts.map((host) => ({
      ...host,
      isGone: host.id === first.host,
      canWork: host.id !== first.host,
    }));
    const second = world.settle().find(id, 'build')!;
    expect(second).toMatchObject({ attempt: 2, state: 'running' });
    expect(second.host).not.toBe(first.host);
    world.report(second, 'lost').settle();
    expect(world.stateOf(id)).toBe('failed');
  });

  test('P10 what may not be repeated is parked for a person, and retried on command', () => {
    const migrate = {
      ...base,
      name: 'migrate',
      type: 'run',
      needs: [],
      commands: [['x']],
      safeToRepeat: false,
      output: null,
    };
    const world = new World([migrate as unknown as ActionSpec]);
    const id = world.commit(1);
    world.report(world.settle().find(id, 'migrate')!, 'lost').settle();
    expect(world.find(id, 'migrate')!.state).toBe('parked');
    expect(world.stateOf(id)).toBe('blocked');
    expect(world.release(id).reason).toContain('rollway retry');
    const facts = {
      actor: { kind: 'person' as const, name: 'ada' },
      choices: () => [],
      releaseOf: () => undefined,
    };
    world.decide((draft) => {
      expect(decideCommand(draft, { name: 'retry', release: id, action: undefined }, facts).ok).toBe(true);
    });
    expect(world.find(id, 'migrate')).toMatchObject({ attempt: 2, state: 'running' });
  });

  test('silence past the timeout is a lost try, and the agent is told to stop', () => {
    const world = new World([build()]);
    const id = world.commit(1);
    world.nowMs = world.settle().find(id, 'build')!.dueAtMs!;
    const { wants } = world.decide();
    expect(wants.map(({ kind }) => kind)).toEqual(['cancel', 'order']);
    expect(world.find(id, 'build')).toMatchObject({ attempt: 2 });
  });

  test('a run that was given up and still runs somewhere is cancelled there', () => {
    const world = new World([build({ retries: 0 })]);
    const id = world.commit(1);
    const run = world.settle().find(id, 'build')!;
    world.nowMs = run.dueAtMs!;
    world.decide();
    const later = world.commit(2);
    world.settle();
    expect(world.stateOf(later)).toBe('running');
    world.runs = world.runs.map((one) => (one.id === run.id ? { ...one, release: later as Run['release'] } : one));
    expect(world.report(run, 'running').decide().wants).toMatchObject([{ kind: 'cancel', run: { id: run.id } }]);
  });

  test('no host: the release waits and says so', () => {
    const world = new World([build()]);
    world.hosts = [];
    const id = world.commit(1);
    expect(world.settle().release(id)).toMatchObject({ state: 'blocked', reason: expect.stringContaining('No host') });
  });
});

describe('P8 which release an action takes next', () => {
  const order = ['rel_1', 'rel_2', 'rel_3'];
  test.each<[picker: ActionSpec['picker'], named: number[], expected: string[]]>([
    ['newest', [], ['rel_1', 'rel_3']],
    ['oldest', [], ['rel_1', 'rel_2', 'rel_3']],
    ['every', [], ['rel_1', 'rel_2', 'rel_3']],
    ['named', [2], ['rel_2']],
  ])('%s, while the first is in the action and two more come', (picker, named, expected) => {
    const world = new World([check('slow', [], { picker })]);
    world.commit(1, { isNamed: named.includes(1) });
    world.settle();
    world.commit(2, { isNamed: named.includes(2) });
    world.commit(3, { isNamed: named.includes(3) });
    world.settle();
    if (picker === 'every') expect(world.live()).toHaveLength(3);
    else expect(world.live().length).toBeLessThanOrEqual(1);
    const done: string[] = [];
    for (let run = world.live()[0]; run; run = world.live()[0]) {
      done.push(run.release);
      world.finish(run.release, 'slow');
    }
    expect(done).toEqual(expected);
    const left = order.filter((id) => world.stateOf(id) === 'superseded');
    expect(left).toEqual(picker === 'newest' ? ['rel_2'] : picker === 'named' ? ['rel_1'] : []);
  });

  test('an explicit release is waited for, and its name says how to name it', () => {
    const world = new World([check('slow', [], { picker: 'named' })]);
    const id = world.commit(1);
    expect(world.settle().release(id).reason).toContain('`rollway deploy');
  });
});

test('P8 what a person named is not passed over by newer ones on its way', () => {
  const newest = { picker: 'newest' as const };
  const world = new World([check('slow', [], newest), check('after', ['slow'], newest)]);
  const newer = world.commit(2);
  world.settle().finish(newer, 'slow');
  const named = world.commit(1, { isNamed: true });
  const unnamed = world.commit(1);
  world.settle();
  expect(world.stateOf(unnamed)).toBe('superseded');
  world.finish(named, 'slow').finish(newer, 'after').finish(named, 'after');
  expect(world.stateOf(named)).toBe('succeeded');
});

describe('P4 an older release never overwrites a newer one', () => {
  test('the slower older one ends when the newer is out', () => {
    const world = new World(line());
    const [old, fresh] = [world.commit(1), world.commit(2)];
    world.settle().finish(old, 'build').finish(fresh, 'build').finish(fresh, 'test');
    world.finish(fresh, 'deploy-production');
    expect(world.stateOf(old)).toBe('superseded');
    expect(world.find(old, 'test')!.state).toBe('cancelled');
  });

  test('it waits while the newer one is rolling, and goes when that fails', () => {
    const world = new World(line());
    const [old, fresh] = [world.commit(1), world.commit(2)];
    world.settle().finish(old, 'build').finish(fresh, 'build').finish(fresh, 'test').finish(old, 'test');
    expect(world.release(old).reason).toContain('is rolling out to production');
    world.finish(fresh, 'deploy-production', 'failed');
    expect(world.starts()).toEqual([`deploy-production ${old}`]);
  });

  test('of those that wait the newest wins', () => {
    const world = new World(line());
    const first = upToDeploy(world, 1);
    const [second, third] = [upToDeploy(world, 2), upToDeploy(world, 3)];
    world.finish(first, 'deploy-production');
    expect(world.starts()).toEqual([`deploy-production ${third}`]);
    world.finish(third, 'deploy-production');
    expect(world.stateOf(second)).toBe('superseded');
  });

  test('with `supersede` the newer one starts at once, the older one never does', () => {
    const plan = { phases: [], newcomers: 'last-good', overlap: 'supersede', forwardOnly: false };
    const world = new World([build(), check('test', ['build']), deploy('production', ['test'], { plan })]);
    const first = upToDeploy(world, 2);
    const second = upToDeploy(world, 3);
    expect(world.live().map(({ release }) => release)).toEqual([first, second]);
    world.end(world.find(first, 'deploy-production')!, 'superseded');
    expect(world.settle().stateOf(first)).toBe('superseded');
    const older = upToDeploy(world, 1);
    expect(world.find(older, 'deploy-production')).toBeUndefined();
  });

  test('a first deployment that failed and is held lets the next one pass', () => {
    const world = new World(line());
    const first = upToDeploy(world, 1);
    world.end(world.find(first, 'deploy-production')!, 'held', { hold: { by: 'first-deployment' } as Rollout['hold'] });
    const second = upToDeploy(world, 2);
    expect(world.starts()).toContain(`deploy-production ${second}`);
  });

  const step = fc.oneof(
    fc.record({ do: fc.constant('commit' as const), position: fc.nat(8) }),
    fc.record({ do: fc.constant('finish' as const), which: fc.nat(), good: fc.boolean() }),
    fc.record({ do: fc.constant('mark' as const), which: fc.nat(), on: fc.boolean() }),
    fc.record({ do: fc.constant('rollback' as const) }),
    fc.record({ do: fc.constant('retry' as const), which: fc.nat() }),
  );
  const pickers = fc.constantFrom<ActionSpec['picker']>('newest', 'oldest', 'every');
  const overlap = fc.constantFrom('wait', 'supersede');

  test('over random interleavings, rollbacks, marks and retries; and deciding twice changes nothing', () => {
    fc.assert(
      fc.property(
        fc.array(step, { maxLength: 40 }),
        pickers,
        pickers,
        overlap,
        (steps, atTest, atDeploy, overlapRule) => {
          const plan = { phases: [], newcomers: 'last-good', overlap: overlapRule, forwardOnly: false };
          const deployment = (name: string, needs: string[]) => deploy(name, needs, { picker: atDeploy, plan });
          const world = new World([
            build(),
            check('test', ['build'], { picker: atTest }),
            deployment('staging', ['test']),
            deployment('production', ['deploy-staging']),
          ]);
          for (const one of steps) {
            perform(world, one);
            world.settle();
            checkInvariants(world);
          }
        },
      ),
      { numRuns: 200 },
    );
  });

  type Step = { do: string; position?: number; which?: number; good?: boolean; on?: boolean };
  function perform(world: World, one: Step): void {
    const nth = <T>(items: readonly T[]) => items[(one.which ?? 0) % items.length];
    if (one.do === 'commit') world.commit(one.position!);
    if (one.do === 'finish') {
      const run = nth(world.live());
      if (run?.rollout !== undefined) world.end(run, one.good ? 'succeeded' : 'reverted');
      else if (run) world.report(run, one.good ? 'succeeded' : 'failed');
    }
    if (one.do === 'mark') {
      const version = nth(world.releases)?.version;
      if (version !== undefined && one.on) world.carriers.set(version, ['mark_1']);
      else if (version !== undefined) world.carriers.delete(version);
    }
    if (one.do === 'rollback' || one.do === 'retry') command(world, one);
  }

  function command(world: World, one: Step): void {
    const held = world.holder.get('production');
    const good = newestFirst(
      world.releases.filter((r) => r.version && held && r.id !== held && r.state === 'succeeded'),
    );
    const id = world.releases[(one.which ?? 0) % (world.releases.length || 1)]?.id;
    const state = world.state();
    const retried = one.do === 'retry' && id !== undefined ? world.release(id) : undefined;
    const runs = retried ? world.runs.filter((run) => run.release === retried.id) : [];
    const withEnded: PipelineState = retried
      ? {
          ...state,
          releases: [...state.releases.filter((r) => r.id !== id), retried],
          runs: [...state.runs.filter((run) => run.release !== id), ...runs],
        }
      : state;
    world.state = () => withEnded;
    world.decide((draft) => {
      const facts = {
        actor: { kind: 'person' as const, name: 'ada' },
        choices: () => [
          {
            job: 'shop@production' as const,
            current: held === undefined ? undefined : world.release(held).version,
            good: good.map(({ version }) => version!),
            marked: new Set(world.carriers.keys()),
          },
        ],
        releaseOf: (version: VersionId) => world.releases.find((release) => release.version === version),
      };
      if (retried) decideCommand(draft, { name: 'retry', release: retried.id, action: undefined }, facts);
      else decideCommand(draft, { name: 'rollback', environment: 'production', to: undefined, reason: 'bad' }, facts);
    });
    delete (world as { state?: unknown }).state;
  }

  const seen = new WeakMap<World, number>();
  function checkInvariants(world: World): void {
    for (const start of world.deployed.slice(seen.get(world) ?? 0)) {
      if (start.isRollback || start.before === undefined) continue;
      const [before, now] = [world.release(start.before), world.release(start.release)];
      const isNewer =
        now.position > before.position || (now.position === before.position && now.createdAtMs >= before.createdAtMs);
      expect(isNewer, `P4 ${now.id} over ${before.id} in ${start.environment}`).toBe(true);
    }
    seen.set(world, world.deployed.length);
    for (const run of world.live()) {
      const version = world.release(run.release).version;
      const isCarrier = version !== undefined && world.carriers.has(version);
      if (run.rollout === undefined) expect(isCarrier, `B5 ${run.action} of a carrier runs`).toBe(false);
      if (run.kind === 'action' && run.rollout === undefined)
        expect(world.release(run.release).endedAtMs).toBeUndefined();
    }
    for (const release of world.releases) {
      if (release.endedAtMs !== undefined || world.live().some((run) => run.release === release.id)) continue;
      expect(release.reason, `L2 ${release.id} waits without a reason`).toBeDefined();
    }
  }
});

describe('marks', () => {
  test('B5 a mark at every point of a run stops it there, and clearing it lets it go on', () => {
    const points = ['build', 'test', 'deploy-production'];
    for (let at = 0; at <= points.length; at++) {
      const world = new World(line());
      const id = world.commit(1);
      world.settle();
      for (const point of points.slice(0, at)) world.finish(id, point);
      const version = world.release(id).version;
      if (version === undefined || at === points.length) continue;
      world.carriers.set(version, ['mark_1']);
      world.settle();
      if (at === 1) expect(world.find(id, 'test')!.state).toBe('cancelled');
      if (at === 1)
        expect(world.release(id)).toMatchObject({ state: 'blocked', reason: expect.stringContaining('mark_1') });
      if (at === 2) expect(world.find(id, 'deploy-production')!.state).toBe('running');
      world.carriers.clear();
      world.settle();
      for (const point of points.slice(at)) world.finish(id, point);
      expect(world.stateOf(id)).toBe('succeeded');
    }
  });

  test('a carrier never starts to deploy; the release with the fix passes it', () => {
    const world = new World(line());
    const bad = world.commit(3);
    world.settle().finish(bad, 'build');
    world.carriers.set(world.release(bad).version!, ['mark_1']);
    world.settle();
    const fix = upToDeploy(world, 4);
    expect(world.starts()).toEqual([`deploy-production ${fix}`]);
    world.finish(fix, 'deploy-production');
    expect(world.stateOf(bad)).toBe('superseded');
  });
});

describe('rollback', () => {
  test('it goes back, holds the target for what contains the change, and ends with the person or the fix', () => {
    const world = new World(line());
    const [first, second] = [upToDeploy(world, 1), undefined];
    world.finish(first, 'deploy-production');
    const bad = upToDeploy(world, 2);
    world.finish(bad, 'deploy-production');
    expect(second).toBeUndefined();
    const choices = {
      job: 'shop@production' as const,
      current: world.release(bad).version,
      good: [bad, first].map((id) => world.release(id).version!),
      marked: new Set<VersionId>(),
    };
    const facts = {
      actor: { kind: 'person' as const, name: 'ada' },
      choices: () => [choices],
      releaseOf: (version: VersionId) => world.releases.find((release) => release.version === version),
    };
    world.decide((draft) => {
      const done = decideCommand(
        draft,
        { name: 'rollback', environment: 'production', to: undefined, reason: 'slow' },
        facts,
      );
      expect(done).toMatchObject({ ok: true });
    });
    expect(world.deployed.at(-1)).toEqual({ environment: 'production', release: first, before: bad, isRollback: true });
    world.end(world.live()[0]!, 'succeeded');
    const next = upToDeploy(world, 3);
    expect(world.release(next)).toMatchObject({
      state: 'blocked',
      reason: expect.stringContaining('ada rolled it back: slow'),
    });
    world.decide((draft) => {
      expect(decideCommand(draft, { name: 'end-hold', environment: 'production', reason: 'ok' }, facts).ok).toBe(true);
    });
    expect(world.starts()).toEqual([`deploy-production ${next}`]);
  });
});

test('parallel branches: two environments that need the same test', () => {
  const world = new World(two());
  const id = upToDeploy(world, 1);
  expect(world.starts()).toEqual([`deploy-production ${id}`, `deploy-staging ${id}`]);
});

describe('D13 why a release does not move: a sentence and its unblocker', () => {
  const shut = { windows: [{ from: '00:00', to: '00:01', days: ['sun'], timeZone: 'UTC' }] };
  const alone =
    (over: Partial<ReleaseFacts> = {}) =>
    (world: World) =>
      world.commit(1, over);
  const tested = (world: World) => upToDeploy(world, 1) as ReleaseFacts['id'];
  type Case = [kind: string, actions: ActionSpec[], make: (world: World) => string, says: string];
  const migrate = { ...base, name: 'm', type: 'run', needs: [], commands: [['x']], safeToRepeat: false, output: null };

  test.each<Case>([
    ['configuration', line(), alone({ isConfigured: false }), 'configuration of'],
    ['source', line(), alone({ source: { kind: 'wanted' } }), 'being packed'],
    ['person', [check('slow', [], { picker: 'named' })], alone(), 'a person names'],
    ['window', [build(), check('test', ['build']), deploy('production', ['test'], shut)], tested, 'in its windows'],
    ['parked', [migrate as unknown as ActionSpec], parked, 'may not be repeated'],
    ['host', [build()], withoutHosts, 'No host can run'],
    ['station', [check('slow', [], { picker: 'oldest' })], behindAnother, 'is busy with release'],
    ['target', line(), behindRollout, 'is rolling out to production'],
    ['mark', line(), marked, 'marked bad (mark_1)'],
    ['version', [check('test', []), deploy('production', ['test'])], withoutBuild, 'No build has made'],
  ])('%s', (kind, actions, make, says) => {
    const world = new World(actions);
    const id = make(world);
    world.settle();
    const draft = openDraft(world.state(), world.nowMs, world.names());
    const [first] = listWaits(draft, draft.releases.get(id as ReleaseFacts['id'])!);
    expect(first).toMatchObject({ kind, sentence: expect.stringContaining(says) });
    expect(first!.unblocker.length).toBeGreaterThan(10);
    expect(world.release(id).reason).toBe(`${first!.sentence} ${first!.unblocker}`);
  });

  function parked(world: World): string {
    const id = world.commit(1);
    world.report(world.settle().find(id, 'm')!, 'lost');
    return id;
  }
  function withoutHosts(world: World): string {
    world.hosts = [];
    return world.commit(1);
  }
  function behindAnother(world: World): string {
    world.commit(1);
    world.settle();
    return world.commit(2);
  }
  function behindRollout(world: World): string {
    upToDeploy(world, 1);
    return upToDeploy(world, 2);
  }
  function marked(world: World): string {
    const id = world.commit(1);
    world.settle().finish(id, 'build');
    world.carriers.set(world.release(id).version!, ['mark_1']);
    return id;
  }
  function withoutBuild(world: World): string {
    const id = world.commit(1);
    world.settle().finish(id, 'test');
    return id;
  }
});

import { healthy, SimulatedCluster } from '../src/drivers/simulated/index.ts';
import { makeId } from '../src/kit/index.ts';
import type { Rollout, TaskIndex, VersionId } from '../src/model/index.ts';
import { applyFault, calmAfterMs } from './faults.ts';
import { Ground } from './ground.ts';
import { TrueInvariants, Violation } from './invariants.ts';
import { restWithinMs } from './rest.ts';
import { deploymentOf, placeboRoundOf, roundOf } from './rollouts.ts';
import type { RunOptions, RunResult } from './run-options.ts';
import { type Happening, type Scenario, watchedMs } from './scenario.ts';
import { serviceOf } from './services.ts';
import { jobId, startMs } from './versions.ts';
import { Ending } from './world/ending.ts';
import { checkFailover } from './world/failover.ts';
import { Hosts } from './world/hosts.ts';
import { SimulatedJob } from './world/job.ts';
import { Marks } from './world/marks.ts';
import { Together } from './world/together.ts';
import { Works } from './world/works.ts';

export type { RunOptions, RunResult } from './run-options.ts';

/** One run at the depth of decisions: the real `decideJob` on plain maps over the simulated cluster. */
export function runDecisions(scenario: Scenario, options: RunOptions = {}): RunResult {
  const world = new World(scenario, options);
  return world.run();
}

/** What happens, and when: everything else is done by the parts in `world/`. */
class World {
  readonly #options: RunOptions;
  readonly #ground: Ground;
  readonly #cluster: SimulatedCluster;
  readonly #hosts: Hosts;
  readonly #marks: Marks;
  readonly #job: SimulatedJob;
  readonly #works: Works;
  readonly #together: Together;
  readonly #ending: Ending;
  #isCalm = false;
  /** What is still to happen. */
  #open: number;
  #events = 0;

  constructor(scenario: Scenario, options: RunOptions) {
    this.#options = options;
    const ground = new Ground(scenario, options);
    this.#ground = ground;
    this.#open = scenario.happenings.length;
    const truth = new TrueInvariants();
    this.#cluster = new SimulatedCluster(
      scenario.hosts.map((host) => host.id),
      ground.clock,
      ground.streams.of('network'),
      (version) => scenario.versions[version] ?? healthy,
      {
        serves: (...facts) => truth.serves(...facts),
        tookOut: (request, host) => truth.tookOut(request, host),
        begun: ({ id, kind, index }, host) => ground.record('begun', () => `${id} ${kind} ${index} on ${host}`),
      },
    );
    this.#cluster.network = scenario.network;
    this.#cluster.receive = (report) => {
      if (ground.isServerUp) this.#job.reported(report);
      return ground.isServerUp;
    };
    const changed = (): void => this.#job.wantDecision();
    this.#hosts = new Hosts(ground, this.#cluster, changed);
    this.#marks = new Marks(ground, changed);
    const { voice, seed } = scenario;
    this.#job = new SimulatedJob({
      ground,
      cluster: this.#cluster,
      hosts: this.#hosts,
      marks: this.#marks,
      truth,
      service: options.controller ?? (voice && serviceOf(voice, seed, startMs + calmAfterMs(scenario))),
      options,
      committed: () => {
        this.#together.letAct();
        this.#ending.checkExplained();
      },
    });
    this.#works = new Works(ground, this.#cluster, this.#hosts, this.#job);
    this.#together = new Together(ground, this.#job);
    this.#ending = new Ending(ground, this.#job);
    for (const happening of scenario.happenings) {
      ground.clock.at(startMs + happening.atMs, () => {
        this.#open -= 1;
        this.#happen(happening);
      });
    }
  }

  // -------------------------------------------------------------- time

  run(): RunResult {
    if (this.#options.sample !== undefined) this.#sample(this.#options.sample);
    const { scenario, clock } = this.#ground;
    const endMs = startMs + calmAfterMs(scenario);
    let violation: Violation | undefined;
    try {
      clock.at(endMs, () => this.#calm());
      this.#goUntil(
        () => this.#isCalm && (this.#ending.isAtRest() || this.#ending.needsPerson(endMs)),
        endMs + restWithinMs,
      );
      this.#ending.letPersonFinish(endMs, (isDone, untilMs) => this.#goUntil(isDone, untilMs));
      this.#ending.checkRollouts();
      if (this.#open > 0) throw new Violation('L1', 'the run ended before everything happened', { open: this.#open });
    } catch (error) {
      if (!(error instanceof Violation)) throw error;
      violation = error;
      this.#options.trace?.(`VIOLATION ${error.message}`);
    }
    const { ended, state, decisions, forced } = this.#job;
    return {
      seed: scenario.seed,
      violation,
      decisions,
      events: this.#events,
      virtualMs: clock.nowMs() - startMs,
      outcomes: [...ended, ...state.rollouts].map((rollout) => rollout.state),
      forced,
    };
  }

  #goUntil(isDone: () => boolean, untilMs: number): void {
    const { clock } = this.#ground;
    for (;;) {
      if (isDone()) return;
      const next = clock.nextMs();
      if (next === undefined || next > untilMs) {
        this.#ending.fail(next === undefined ? 'nothing is due any more' : 'the stated time has passed');
      }
      clock.step();
      this.#events += 1;
      if (this.#events > 200_000) throw new Violation('L1', 'the run does not come to an end', {});
    }
  }

  #sample({ everyMs, take }: NonNullable<RunOptions['sample']>): void {
    const { clock } = this.#ground;
    clock.after(everyMs, () => {
      take(clock.nowMs(), (index) => this.#versionServing(index));
      this.#sample({ everyMs, take });
    });
  }

  #versionServing(index: TaskIndex): VersionId | undefined {
    const [place] = this.#job.truth.placesOf(index);
    const host = place?.slice(0, place.lastIndexOf('/'));
    return host === undefined ? undefined : this.#cluster.agents.get(host)!.versionOf(jobId, index);
  }

  // -------------------------------------------------------------- what happens

  #happen(one: Happening): void {
    const { clock, scenario } = this.#ground;
    this.#ground.record('happens', () => JSON.stringify(one));
    const isDone = applyFault(one, {
      job: jobId,
      cluster: this.#cluster,
      clock,
      scenario,
      hostOf: (index) => this.#job.state.tasks.get(index)?.current?.host,
      onHosts: () => this.#hosts.watch(),
    });
    if (!isDone) this.#hitServer(one);
    this.#hosts.watch();
  }

  /** Faults of the server itself; at this depth a decision is made and committed at once, or lost. */
  #hitServer(one: Happening): void {
    const ground = this.#ground;
    const job = this.#job;
    switch (one.kind) {
      case 'server-crash':
        job.losesNext = one.loses;
        if (one.loses && ground.isServerUp) job.decide();
        ground.isServerUp = false;
        ground.clock.after(one.forMs, () => {
          ground.isServerUp = true;
          job.losesNext = false;
          job.wantDecision();
        });
        break;
      case 'server-kill':
        ground.kills.add(one);
        break;
      case 'store-stall':
        ground.stalledUntilMs = ground.clock.nowMs() + one.forMs;
        break;
      case 'clock-jump':
        ground.offsetMs += one.byMs;
        job.wantDecision();
        break;
      default:
        this.#act(one);
    }
  }

  /** What persons and the rest of the house do. */
  #act(one: Happening): void {
    const job = this.#job;
    switch (one.kind) {
      case 'deploy':
        if (this.#marks.carriers.has(one.to)) return;
        this.#deploy(one);
        break;
      case 'round':
        this.#start(one);
        break;
      case 'command':
        this.#commandWhen(one, this.#ground.clock.nowMs() + watchedMs);
        break;
      case 'host-leave':
        this.#hosts.letLeave(one.host, one.forMs);
        break;
      case 'declare-dead':
        this.#hosts.declareDead(one.host);
        break;
      case 'clear-mark':
        this.#marks.clear(one.version);
        break;
      case 'resize':
        job.state = { ...job.state, job: { ...job.state.job, wantedSize: one.size } };
        break;
      case 'maintenance':
        this.#works.maintain(one);
        break;
      case 'rack-maintenance':
        this.#works.work(one);
        break;
      case 'mark':
        this.#marks.set(one.version);
        break;
    }
    job.wantDecision();
  }

  #deploy(one: Extract<Happening, { kind: 'deploy' }>): void {
    const { scenario, streams } = this.#ground;
    const nowMs = this.#ground.serverMs();
    const rollout = deploymentOf(scenario, makeId('ro', nowMs, streams.of('ids')), one, nowMs);
    const id = scenario.placebo && makeId('ro', nowMs, streams.of('ids'));
    const placebo = id === undefined ? [] : placeboRoundOf(scenario, id, rollout, nowMs);
    this.#insert(this.#together.tie(rollout), ...placebo);
  }

  #start(one: Extract<Happening, { kind: 'round' }>): void {
    const nowMs = this.#ground.serverMs();
    const round = roundOf(makeId('ro', nowMs, this.#ground.streams.of('ids')), one, nowMs);
    if (this.#job.state.assignment.size > 0) this.#insert(round);
  }

  #insert(...rollouts: Rollout[]): void {
    const { state } = this.#job;
    this.#job.state = { ...state, rollouts: [...state.rollouts, ...rollouts] };
  }

  #commandWhen(one: Extract<Happening, { kind: 'command' }>, untilMs: number): void {
    const { when } = one;
    const { clock } = this.#ground;
    const rollout = this.#job.state.rollouts.find(({ state }) => when === undefined || state === when);
    if (rollout !== undefined) this.#job.command(rollout, one.command);
    else if (when !== undefined && clock.nowMs() < untilMs) clock.after(250, () => this.#commandWhen(one, untilMs));
  }

  /** All faults are over. */
  #calm(): void {
    const ground = this.#ground;
    ground.record('calm');
    this.#isCalm = true;
    ground.kills.clear();
    checkFailover(ground, this.#hosts, this.#works, this.#job);
    this.#works.endAll();
    this.#hosts.heal();
    this.#cluster.network = { ...ground.scenario.network, lossRatio: 0 };
    this.#hosts.watch();
    this.#job.wantDecision();
  }
}

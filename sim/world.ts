import type { ControlAnswer, OperationAnswer, TaskFacts } from '../src/disruption/index.ts';
import { bucketsOf, newTask } from '../src/disruption/index.ts';
import type { ExecuteRequest } from '../src/drivers/index.ts';
import { healthy, SimulatedCluster } from '../src/drivers/simulated/index.ts';
import {
  emptyWatchMemory,
  type Inventory,
  isSilent,
  type Placement,
  type WatchMemory,
  watchHosts,
} from '../src/fleet/index.ts';
import { makeId, pickBelow, pickOne } from '../src/kit/index.ts';
import {
  type AssignmentRow,
  type HostId,
  type HostState,
  isUnderWay,
  type MaintenanceId,
  type MarkId,
  type Rollout,
  type RolloutId,
  rollway,
  type TaskControlRequest,
  type TaskControlSpec,
  type TaskIndex,
  type TaskReport,
  type Version,
  type VersionId,
} from '../src/model/index.ts';
import {
  type Dispatch,
  decideJob,
  explainRollout,
  type JobCommand,
  type JobDecision,
  type JobState,
  newRollout,
  type PhaseEvidence,
  placeboPlan,
  type Rules,
  roundPlan,
  standardRules,
} from '../src/rollout/index.ts';
import { VirtualClock } from './clock.ts';
import { coverDecision } from './coverage.ts';
import { applyFault, calmAfterMs } from './faults.ts';
import { isServingExtra, KnownInvariants, TrueInvariants, Violation } from './invariants.ts';
import { Kills } from './kills.ts';
import { LiveAcks } from './live-acks.ts';
import { outageOf } from './maintenance.ts';
import { argumentsOf, isForPersons, needsPersonAfterMs, turnsFor, waysOut } from './persons.ts';
import { disturb, RackWorks, workOf } from './rack-works.ts';
import { areStill, cannotServe, differencesOf, isBusy, isStuck, restWithinMs } from './rest.ts';
import { type Happening, isLateBad, type Scenario, v0, v1, watchedMs, withStrategy } from './scenario.ts';
import { type SimulatedService, serviceOf } from './services.ts';
import { groupOf, Sibling } from './sibling.ts';
import { Streams } from './streams.ts';
import { jobId as job, startMs, versionOf } from './versions.ts';

/** What is asked is the scenario's service, or `RunOptions.controller`. */
export const simulatedControl: TaskControlSpec = {
  kind: 'http',
  url: 'http://controller.invalid/',
  secretHeaders: {},
  timeoutMs: 2000,
  intervalMs: 2000,
  alarmAfterMs: 60_000,
};

/** Detection aside, and with every fault still going on. */
const failoverWithinMs = 40_000;
/** When the wait after a failed try is over, the next one begins. */
const tryWithinMs = 2000;
export interface RunOptions {
  readonly rules?: Rules;
  readonly trace?: (line: string) => void;
  /** Collects what was decided and seen, for determinism. */
  readonly record?: (line: string) => void;
  /** The service's own controller, instead of the scenario's. */
  readonly controller?: SimulatedService;
  /** Looks at the truth every so often: the version that serves an index, if any does. */
  readonly sample?: {
    readonly everyMs: number;
    readonly take: (atMs: number, versionServing: (index: TaskIndex) => VersionId | undefined) => void;
  };
  /** States and edges that were visited. */
  readonly cover?: (edge: string) => void;
}

export interface RunResult {
  readonly seed: number;
  readonly violation: Violation | undefined;
  readonly decisions: number;
  readonly events: number;
  readonly virtualMs: number;
  readonly outcomes: readonly string[];
  /** Stops at the deadline of a maintenance, whatever the budget said. */
  readonly forced: number;
}

/** One run at the depth of decisions: the real `decideJob` on plain maps over the simulated cluster. */
export function runDecisions(scenario: Scenario, options: RunOptions = {}): RunResult {
  const world = new World(scenario, options);
  return world.run();
}

interface Pending {
  readonly request: ExecuteRequest;
  isWithdrawn: boolean;
}

/** What a person's wish to restart or move tasks becomes. */
export function roundOf(id: RolloutId, one: Extract<Happening, { kind: 'round' }>, nowMs: number): Rollout {
  const plan = roundPlan(one.tasks, { percent: 100 });
  const asked = {
    judged: false,
    holdAfter: undefined,
    createdBy: { kind: 'person', name: 'ada' },
    reason: 'a leak',
  } as const;
  return newRollout({ id, job, release: undefined, to: v0, kind: one.how, plan, ...asked }, nowMs);
}

/** The placebo of a deployment, where the scenario has one; a rollback waits for none. */
export function placeboRoundOf({ placebo }: Scenario, id: RolloutId, before: Rollout, nowMs: number): Rollout[] {
  if (placebo === undefined || before.kind !== 'deploy') return [];
  const plan = placeboPlan(placebo.tasks, placebo.bakeMs);
  const asked = { judged: false, holdAfter: undefined, createdBy: rollway('judge'), reason: 'a placebo' } as const;
  const round = { id, job, release: undefined, to: v0, kind: 'restart', plan, placeboFor: before.id } as const;
  return [newRollout({ ...round, ...asked }, nowMs)];
}

class World {
  readonly #scenario: Scenario;
  readonly #options: RunOptions;
  readonly #rules: Rules;
  readonly #clock = new VirtualClock(startMs);
  readonly #streams: Streams;
  readonly #cluster: SimulatedCluster;
  readonly #known = new KnownInvariants();
  readonly #truth = new TrueInvariants();
  readonly #hosts = new Map<HostId, { state: HostState; lastSeenAtMs: number }>();
  readonly #carriers = new Map<VersionId, MarkId[]>();
  readonly #evidence = new Map<RolloutId, PhaseEvidence>();
  readonly #orders = new Map<string, Pending[]>();
  readonly #looking = new Set<RolloutId>();
  readonly #watching = new Set<RolloutId>();
  readonly #ended: Rollout[] = [];
  readonly #lostSince = new Map<HostId, number>();
  readonly #works = new RackWorks();
  /** When work on a host was last under way: its tasks may have waited for it until then. */
  readonly #workedOn = new Map<HostId, number>();
  #forced = 0;
  readonly #service: SimulatedService | undefined;
  #sibling: Sibling | undefined;
  #isSiblingBusy = false;
  #state: JobState;
  #reports: TaskReport[] = [];
  #answers: OperationAnswer[] = [];
  #controlAnswers: ControlAnswer[] = [];
  readonly #acks = new LiveAcks();
  readonly #kills = new Kills();
  #commands: JobCommand[] = [];
  #watch: WatchMemory = emptyWatchMemory;
  /** The hosts as decisions see them; undefined: to be looked up again. */
  #hostFacts: Inventory['hosts'] | undefined;
  #isWatching = false;
  #isServerUp = true;
  #isDeciding = false;
  #isCalm = false;
  #losesNext = false;
  #stalledUntilMs = 0;
  #offsetMs = 0;
  #wakeMs: number | undefined;
  #cancelWake: () => void = () => {};
  #open: number;
  #decisions = 0;
  #events = 0;
  #number = 0;

  constructor(scenario: Scenario, options: RunOptions) {
    this.#scenario = scenario;
    this.#options = options;
    this.#rules = options.rules ?? standardRules;
    this.#streams = new Streams(scenario.seed);
    this.#open = scenario.happenings.length;
    const { voice, seed } = scenario;
    this.#service = options.controller ?? (voice && serviceOf(voice, seed, startMs + calmAfterMs(scenario)));
    const hosts = scenario.hosts.map((host) => host.id);
    this.#cluster = new SimulatedCluster(
      hosts,
      this.#clock,
      this.#streams.of('network'),
      (version) => scenario.versions[version] ?? healthy,
      {
        serves: (...facts) => this.#truth.serves(...facts),
        tookOut: (request, host) => this.#truth.tookOut(request, host),
        begun: ({ id, kind, index }, host) => this.#record('begun', () => `${id} ${kind} ${index} on ${host}`),
      },
    );
    this.#cluster.network = scenario.network;
    this.#cluster.receive = (report) => this.#receive(report);
    for (const host of hosts) this.#hosts.set(host, { state: 'up', lastSeenAtMs: startMs });
    this.#state = this.#firstState();
    for (const happening of scenario.happenings) {
      this.#clock.at(startMs + happening.atMs, () => {
        this.#open -= 1;
        this.#happen(happening);
      });
    }
  }

  #sample({ everyMs, take }: NonNullable<RunOptions['sample']>): void {
    this.#clock.after(everyMs, () => {
      take(this.#clock.nowMs(), (index) => this.#versionServing(index));
      this.#sample({ everyMs, take });
    });
  }

  #versionServing(index: TaskIndex): VersionId | undefined {
    const [place] = this.#truth.placesOf(index);
    const host = place?.slice(0, place.lastIndexOf('/'));
    return host === undefined ? undefined : this.#cluster.agents.get(host)!.versionOf(job, index);
  }

  run(): RunResult {
    if (this.#options.sample !== undefined) this.#sample(this.#options.sample);
    const endMs = startMs + calmAfterMs(this.#scenario);
    let violation: Violation | undefined;
    try {
      this.#clock.at(endMs, () => this.#calm());
      this.#goUntil(() => this.#isCalm && (this.#isAtRest() || this.#needsPerson(endMs)), endMs + restWithinMs);
      this.#letPersonFinish(endMs);
      this.#checkRest();
    } catch (error) {
      if (!(error instanceof Violation)) throw error;
      violation = error;
      this.#options.trace?.(`VIOLATION ${error.message}`);
    }
    const last = [...this.#ended, ...this.#state.rollouts];
    return {
      seed: this.#scenario.seed,
      violation,
      decisions: this.#decisions,
      events: this.#events,
      virtualMs: this.#clock.nowMs() - startMs,
      outcomes: last.map((rollout) => rollout.state),
      forced: this.#forced,
    };
  }

  // -------------------------------------------------------------- time

  #goUntil(isDone: () => boolean, untilMs: number): void {
    for (;;) {
      if (isDone()) return;
      const next = this.#clock.nextMs();
      if (next === undefined || next > untilMs) {
        this.#failToRest(next === undefined ? 'nothing is due any more' : 'the stated time has passed');
      }
      this.#clock.step();
      this.#events += 1;
      if (this.#events > 200_000) throw new Violation('L1', 'the run does not come to an end', {});
    }
  }

  #failToRest(why: string): never {
    const rollouts = this.#state.rollouts.map((one) => [
      one.id,
      one.state,
      one.hold?.reason,
      explainRollout(this.#state, one, this.#serverMs()).sentence,
    ]);
    throw new Violation('L1', `reality has not converged: ${why}`, { open: this.#differences(), rollouts });
  }

  #serverMs(): number {
    return this.#clock.nowMs() + this.#offsetMs;
  }

  // -------------------------------------------------------------- the server

  #receive(report: TaskReport): boolean {
    if (!this.#isServerUp) return false;
    this.#reports.push(report);
    this.#wantDecision();
    return true;
  }

  #wantDecision(): void {
    if (this.#isDeciding || !this.#isServerUp) return;
    this.#isDeciding = true;
    const atMs = Math.max(this.#clock.nowMs() + 1 + pickBelow(this.#streams.of('server'), 5), this.#stalledUntilMs);
    this.#clock.at(atMs, () => {
      this.#isDeciding = false;
      if (this.#isServerUp) this.#decide();
    });
  }

  #decide(): void {
    const before: JobState = {
      ...this.#state,
      reports: this.#reports,
      answers: this.#answers,
      controlAnswers: this.#controlAnswers,
      commands: this.#commands,
      inventory: this.#inventory(),
      carriers: this.#carriers,
      evidence: this.#evidence,
      others: this.#sibling?.others,
    };
    const nowMs = this.#serverMs();
    const ids = this.#streams.of('ids');
    const decision = decideJob(before, nowMs, (prefix) => makeId(prefix, nowMs, ids), this.#rules);
    this.#decisions += 1;
    const isKilled = this.#kills.isDueAt('beforeCommit');
    if (this.#losesNext || isKilled) {
      // The server dies before it commits: nothing of this happened. After a kill another one goes on at once.
      this.#losesNext = false;
      if (isKilled) this.#wantDecision();
      return;
    }
    this.#known.check(before, decision, nowMs);
    this.#commit(before, decision, nowMs);
  }

  #commit(before: JobState, decision: JobDecision, nowMs: number): void {
    this.#state = decision.after;
    this.#truth.decided(decision.after);
    this.#reports = [];
    this.#answers = [];
    this.#controlAnswers = [];
    this.#commands = [];
    for (const event of decision.events) {
      this.#record(event.type, () => JSON.stringify(event.data));
      if (event.type === 'operation.forced') this.#forced += 1;
    }
    if (this.#options.cover !== undefined) coverDecision(before, decision, this.#options.cover);
    for (const rollout of decision.changed.rollouts.values()) this.#keepEnded(rollout);
    for (const index of decision.changed.retired) this.#truth.retire(index);
    for (const one of decision.changed.operations.values()) {
      if (one.kind === 'resize-down' && one.state === 'done') this.#truth.retire(one.index);
    }
    for (const dispatch of decision.dispatches) this.#send(dispatch);
    if (decision.controllerRequest !== undefined) this.#callController(decision.controllerRequest);
    for (const rollout of decision.looks) this.#wantLook(rollout);
    for (const rollout of decision.watches) this.#wantWatch(rollout);
    for (const wish of decision.markWishes) this.#considerMark(wish.rollout, wish.lastGoodServesOn.length);
    this.#letSiblingAct();
    this.#checkExplained(nowMs);
    const wakeAtMs = decision.wakeAtMs === undefined ? undefined : decision.wakeAtMs - this.#offsetMs;
    if (wakeAtMs === undefined || wakeAtMs === this.#wakeMs) return;
    this.#cancelWake();
    this.#wakeMs = wakeAtMs;
    this.#cancelWake = this.#clock.at(wakeAtMs, () => {
      this.#wakeMs = undefined;
      this.#wantDecision();
    });
  }

  /** One that a watch found bad has the job again. */
  #keepEnded(rollout: Rollout): void {
    const at = this.#ended.findIndex((one) => one.id === rollout.id);
    if (at !== -1) this.#ended.splice(at, 1);
    if (rollout.endedAtMs !== undefined) this.#ended.push(rollout);
  }

  // -------------------------------------------------------------- effects

  #send(dispatch: Dispatch): void {
    const { operation } = dispatch;
    const key = `${operation.host}/${operation.index}`;
    if (dispatch.kind === 'execute') {
      if (this.#service !== undefined) this.#acks.check(this.#state, operation);
      const raised = this.#state.rollouts.find((one) => one.id === operation.rollout)?.budgetOverride?.count ?? 0;
      const budget = Math.max(
        standardRules.budgetInForce({
          ...this.#state.job,
          surge: [...this.#state.tasks.values()].filter(isServingExtra).length,
        }),
        raised,
      );
      this.#truth.budgets.set(operation.id, operation.exemption === 'forced' ? undefined : budget);
      const queue = this.#orders.get(key) ?? [];
      queue.push({ request: dispatch.request, isWithdrawn: false });
      this.#orders.set(key, queue);
      if (queue.length === 1) this.#deliverLater(key, this.#cluster.latencyMs());
    } else if (dispatch.kind === 'withdraw') {
      for (const one of this.#orders.get(key) ?? []) if (one.request.id === operation.id) one.isWithdrawn = true;
    } else this.#cancelLater(operation.id, operation.host!, operation.index, this.#cluster.latencyMs());
  }

  #deliverLater(key: string, inMs: number): void {
    this.#clock.after(inMs, () => {
      const queue = this.#orders.get(key)!;
      while (queue[0]?.isWithdrawn) queue.shift();
      const first = queue[0];
      if (first === undefined) return;
      if (!this.#isServerUp || !this.#cluster.canReach(first.request.host!)) {
        this.#deliverLater(key, 1000);
        return;
      }
      this.#cluster.execute(first.request);
      // The answer may be lost, or with it who heard it: then it is delivered again, and the agent knows it.
      if (this.#cluster.isLost() || this.#kills.isDueAt('afterEffect')) {
        this.#deliverLater(key, 1000);
        return;
      }
      queue.shift();
      this.#answer({ operation: first.request.id, answer: 'begun', atMs: this.#clock.nowMs() });
      if (queue.length > 0) this.#deliverLater(key, this.#cluster.latencyMs());
    });
  }

  #cancelLater(id: OperationAnswer['operation'], host: HostId, index: number, inMs: number): void {
    this.#clock.after(inMs, () => {
      if (!this.#state.operations.some((one) => one.id === id)) return;
      if (!this.#isServerUp || !this.#cluster.canReach(host)) {
        this.#cancelLater(id, host, index, 1000);
        return;
      }
      const answer = this.#cluster.cancel(host, id, job, index);
      const isUnheard = this.#cluster.isLost() || this.#kills.isDueAt('afterEffect');
      if (isUnheard) this.#cancelLater(id, host, index, 1000);
      else this.#answer({ operation: id, answer, atMs: this.#clock.nowMs() });
    });
  }

  #answer(answer: OperationAnswer): void {
    this.#clock.after(this.#cluster.latencyMs(), () => {
      this.#answers.push(answer);
      this.#wantDecision();
    });
  }

  /** Calls reach the service late, not at all, or twice; and so do its answers. */
  #callController(request: TaskControlRequest): void {
    const chance = this.#streams.of('controller');
    this.#acks.called(request.sequenceNumber);
    const times = this.#cluster.isLost() ? 0 : chance.next() < this.#cluster.network.repeatRatio ? 2 : 1;
    for (let n = 0; n < times; n++) {
      this.#clock.after(this.#cluster.latencyMs(), () => {
        const reply = this.#service?.(request, this.#clock.nowMs());
        if (this.#cluster.isLost() || this.#kills.isDueAt('afterEffect')) return;
        this.#clock.after(this.#cluster.latencyMs(), () => {
          const failure = reply === undefined ? 'it did not answer in time' : undefined;
          const answer = { sequence: request.sequenceNumber, atMs: this.#serverMs(), reply, failure };
          if (!this.#isServerUp) return;
          this.#acks.arrived(answer.sequence, reply);
          this.#controlAnswers.push(answer);
          this.#wantDecision();
        });
      });
    }
  }

  // -------------------------------------------------------------- the judge and marks, by what was planted

  #wantLook(id: RolloutId): void {
    if (this.#looking.has(id)) return;
    this.#looking.add(id);
    this.#clock.after(2000, () => {
      this.#looking.delete(id);
      const rollout = this.#state.rollouts.find((one) => one.id === id);
      if (rollout?.state !== 'running' || !this.#isServerUp) {
        this.#wantDecision();
        return;
      }
      this.#evidence.set(id, this.#look(rollout));
      this.#wantLook(id);
      this.#wantDecision();
    });
  }

  #look(rollout: Rollout): PhaseEvidence {
    const phase = rollout.phases[rollout.currentPhase]!;
    const atMs = this.#serverMs();
    const mode = this.#scenario.judge;
    const errorRatio = this.#scenario.versions[rollout.to]?.errorRatio ?? 0;
    const base = {
      phase: rollout.currentPhase,
      atMs,
      measured: mode !== 'unmeasured' && mode !== 'none',
      lostData: mode === 'loses-data' && rollout.currentPhase > 0,
      powerReached: this.#streams.of('judge').next() < 0.5,
      drivers: [...phase.members].slice(0, 2),
    };
    const bakedMs = phase.updatedAtMs === undefined ? 0 : atMs - phase.updatedAtMs;
    const isSeen = mode === 'decides' && this.#streams.of('judge').next() < 0.5;
    if (isSeen && errorRatio > 0 && phase.members.some((index) => this.#truth.placesOf(index).length > 0)) {
      return { ...base, verdict: 'fail', sentence: `${errorRatio} of its requests fail` };
    }
    if (isSeen && errorRatio === 0 && bakedMs > 1000) return { ...base, verdict: 'pass', sentence: 'no worse' };
    return { ...base, verdict: 'undecided', sentence: 'not enough was seen' };
  }

  /** After the last phase some versions show that they are bad; of some it cannot be told which it was. */
  #wantWatch(id: RolloutId): void {
    if (this.#watching.has(id)) return;
    this.#watching.add(id);
    this.#clock.after(3000, () => {
      this.#watching.delete(id);
      const rollout = this.#state.watched?.find((one) => one.id === id);
      if (rollout?.watch?.state !== 'watching') return;
      this.#wantWatch(id);
      if (!this.#isServerUp || this.#scenario.judge !== 'decides') return;
      const chance = this.#streams.of('watch');
      const isBad = isLateBad(this.#scenario.seed, rollout.to) && chance.next() < 0.4;
      const holds = chance.next() < 0.1 ? ['a check that may only hold'] : [];
      const named = [...rollout.watch.earlier.map((one) => one.rollout), id].filter(() => chance.next() < 0.6);
      const evidence = { measured: true, lostData: false, powerReached: false, drivers: [], sentence: 'it is worse' };
      const verdict = isBad ? ('fail' as const) : ('undecided' as const);
      const atMs = this.#serverMs();
      this.#evidence.set(id, { ...evidence, phase: rollout.phases.length, verdict, holds, named, atMs });
      this.#wantDecision();
    });
  }

  #considerMark(rollout: Rollout, restored: number): void {
    const behaviour = this.#scenario.versions[rollout.to] ?? healthy;
    const isLate = rollout.watch !== undefined && isLateBad(this.#scenario.seed, rollout.to);
    const isBad = behaviour.errorRatio > 0 || behaviour.neverReady || behaviour.crashAfterMs !== undefined || isLate;
    const isSure = rollout.failure?.by === 'judge' || restored > 0 || (rollout.failure?.hosts.length ?? 0) > 1;
    if (!isBad || !isSure) return;
    this.#clock.after(200, () => this.#mark(rollout.to));
  }

  #mark(version: VersionId): void {
    if (this.#carriers.has(version)) return;
    this.#carriers.set(version, [`mark_${version.slice(2)}`]);
    this.#record('mark', () => version);
    this.#wantDecision();
  }

  // -------------------------------------------------------------- hosts

  /** As of the last look at the hosts. */
  #inventory(): Inventory {
    this.#hostFacts ??= this.#factsOfHosts();
    return {
      hosts: this.#hostFacts,
      placements: this.#state.inventory.placements,
      massSilence: this.#watch.massSilence,
    };
  }

  #factsOfHosts(): Inventory['hosts'] {
    return this.#scenario.hosts.map((host) => ({
      id: host.id,
      state: this.#hosts.get(host.id)!.state,
      isSilent: isSilent(this.#watch, host.id),
      labels: host.labels,
      capacity: { cpuMillis: 100_000, memoryMb: 100_000, maxTasks: 64 },
    }));
  }

  /** Looks each second while any host is silent or not up; nothing else would change. */
  #watchHosts(): void {
    if (this.#isWatching) return;
    this.#isWatching = true;
    this.#watch = { ...this.#watch, lookedAtMs: this.#clock.nowMs() };
    this.#hostFacts = undefined;
    this.#clock.after(1000, () => this.#lookAtHosts());
  }

  #lookAtHosts(): void {
    this.#isWatching = false;
    const nowMs = this.#clock.nowMs();
    const heard = [...this.#hosts].map(([id, host]) => {
      if (this.#cluster.isHeard(id)) host.lastSeenAtMs = nowMs;
      return { id, state: host.state, lastSeenAtMs: host.lastSeenAtMs };
    });
    const listeners = this.#isServerUp ? [{ id: 'server', beatAtMs: nowMs }] : [];
    const outcome = watchHosts(this.#watch, heard, listeners, nowMs);
    const before = this.#watch;
    this.#watch = outcome.memory;
    if (heard.some(({ id }) => isSilent(before, id) !== isSilent(outcome.memory, id))) this.#hostFacts = undefined;
    for (const change of outcome.changes) {
      this.#record('host', () => `${change.host} ${change.from} → ${change.to}`);
      this.#hosts.get(change.host)!.state = change.to;
      this.#hostFacts = undefined;
      if (change.to === 'lost') this.#lostSince.set(change.host, nowMs);
      else this.#lostSince.delete(change.host);
      this.#wantDecision();
    }
    if (outcome.alarm !== undefined) this.#wantDecision();
    const isSettled = [...this.#hosts].every(([id, { state }]) =>
      this.#cluster.isHeard(id)
        ? (state === 'up' || state === 'leaving' || state === 'fenced') && outcome.memory.silentMs[id] === undefined
        : state === 'lost' || state === 'fenced',
    );
    if (isSettled && !outcome.memory.massSilence && this.#isServerUp) {
      this.#wantDecision();
      return;
    }
    this.#watchHosts();
  }

  // -------------------------------------------------------------- what happens

  #happen(one: Happening): void {
    this.#record('happens', () => JSON.stringify(one));
    const isDone = applyFault(one, {
      job,
      cluster: this.#cluster,
      clock: this.#clock,
      scenario: this.#scenario,
      hostOf: (index) => this.#state.tasks.get(index)?.current?.host,
      onHosts: () => this.#watchHosts(),
    });
    if (!isDone) this.#hitServer(one);
    this.#watchHosts();
  }

  /** Faults of the server itself; at this depth a decision is made and committed at once, or lost. */
  #hitServer(one: Happening): void {
    switch (one.kind) {
      case 'server-crash':
        this.#losesNext = one.loses;
        if (one.loses && this.#isServerUp) this.#decide();
        this.#isServerUp = false;
        this.#clock.after(one.forMs, () => {
          this.#isServerUp = true;
          this.#losesNext = false;
          this.#wantDecision();
        });
        break;
      case 'server-kill':
        this.#kills.add(one);
        break;
      case 'store-stall':
        this.#stalledUntilMs = this.#clock.nowMs() + one.forMs;
        break;
      case 'clock-jump':
        this.#offsetMs += one.byMs;
        this.#wantDecision();
        break;
      default:
        this.#act(one);
    }
  }

  /** What persons and the rest of the house do. */
  #act(one: Happening): void {
    const nowMs = this.#serverMs();
    if (one.kind === 'deploy') {
      if (this.#carriers.has(one.to)) return;
      const rollout = newRollout(
        {
          id: makeId('ro', nowMs, this.#streams.of('ids')),
          job,
          release: undefined,
          to: one.to,
          kind: one.rolloutKind,
          plan: withStrategy(one.plan, this.#scenario),
          judged: this.#scenario.judge !== 'none',
          holdAfter: one.holdAfter,
          forwardOnly: this.#scenario.forwardOnly && one.to === v1 ? 'it drops a column' : undefined,
          createdBy: { kind: 'person', name: 'ada' },
          reason: undefined,
        },
        nowMs,
      );
      const ids = this.#scenario.placebo && makeId('ro', nowMs, this.#streams.of('ids'));
      const placebo = ids === undefined ? [] : placeboRoundOf(this.#scenario, ids, rollout, nowMs);
      this.#state = { ...this.#state, rollouts: [...this.#state.rollouts, this.#together(rollout), ...placebo] };
    } else if (one.kind === 'round') {
      const id = makeId('ro', nowMs, this.#streams.of('ids'));
      const round = roundOf(id, one, nowMs);
      if (this.#state.assignment.size > 0) this.#state = { ...this.#state, rollouts: [...this.#state.rollouts, round] };
    } else if (one.kind === 'command') this.#commandWhen(one, this.#clock.nowMs() + watchedMs);
    else if (one.kind === 'host-leave') this.#letLeave(one.host, one.forMs);
    else if (one.kind === 'declare-dead') {
      if (this.#cluster.isDead(one.host)) this.#setHost(one.host, 'fenced');
    } else if (one.kind === 'clear-mark') {
      if (this.#carriers.delete(one.version)) this.#record('cleared', () => one.version);
    } else if (one.kind === 'resize') {
      this.#state = { ...this.#state, job: { ...this.#state.job, wantedSize: one.size } };
    } else if (one.kind === 'maintenance') this.#maintain(one);
    else if (one.kind === 'rack-maintenance') this.#work(one);
    else if (one.kind === 'mark') this.#mark(one.version);
    this.#wantDecision();
  }

  /** The first one goes together with another job's, where the scenario has one. */
  #together(rollout: Rollout): Rollout {
    const script = this.#scenario.sibling;
    if (script === undefined || this.#sibling !== undefined || rollout.kind !== 'deploy') return rollout;
    const own = { ...rollout, group: groupOf(script, rollout.id, job) };
    this.#sibling = new Sibling(script, own);
    return own;
  }

  /** Does what it may do next a while after it may; what it waits for of ours comes by a decision. */
  #letSiblingAct(): void {
    const sibling = this.#sibling;
    const next = sibling === undefined || this.#isSiblingBusy ? undefined : this.#siblingNext(sibling);
    if (sibling === undefined || next === undefined) return;
    this.#isSiblingBusy = true;
    this.#clock.after(next.inMs, () => {
      this.#isSiblingBusy = false;
      this.#siblingNext(sibling)?.act(this.#serverMs());
      this.#record('elsewhere', () => [...sibling.others.values()].map(({ state }) => state).join());
      this.#wantDecision();
      this.#letSiblingAct();
    });
  }

  #siblingNext(sibling: Sibling): ReturnType<Sibling['next']> {
    const { own: id } = sibling;
    const own = this.#state.rollouts.find((one) => one.id === id);
    return sibling.next(own, this.#ended.find((one) => one.id === id)?.state);
  }

  #commandWhen(one: Extract<Happening, { kind: 'command' }>, untilMs: number): void {
    const { when } = one;
    const rollout = this.#state.rollouts.find(({ state }) => when === undefined || state === when);
    if (rollout !== undefined) this.#command(rollout, one.command);
    else if (when !== undefined && this.#clock.nowMs() < untilMs)
      this.#clock.after(250, () => this.#commandWhen(one, untilMs));
  }

  #letLeave(host: HostId, forMs: number): void {
    const { state } = this.#hosts.get(host)!;
    if (state !== 'up' && state !== 'suspected') return;
    this.#setHost(host, 'leaving');
    this.#clock.after(forMs, () => this.#letStay(host));
  }

  #letStay(host: HostId): void {
    const { state } = this.#hosts.get(host)!;
    if (state === 'leaving') this.#setHost(host, 'up');
    // Silent at the moment: it would come back as one that leaves.
    else if (state === 'suspected') this.#clock.after(1000, () => this.#letStay(host));
  }

  #setHost(host: HostId, state: HostState): void {
    this.#hosts.get(host)!.state = state;
    this.#hostFacts = undefined;
    this.#watchHosts();
    this.#wantDecision();
  }

  #command(rollout: Rollout, command: JobCommand['command'], count = 4): void {
    this.#number += 1;
    this.#commands.push({
      id: `cmd_${this.#number}`,
      rollout: rollout.id,
      command,
      actor: { kind: 'person', name: command === 'confirm-override' ? 'grace' : 'ada' },
      reason: 'because',
      count: undefined,
      ...argumentsOf(rollout, command, count),
    });
    this.#wantDecision();
  }

  #maintain(one: Extract<Happening, { kind: 'maintenance' }>): void {
    const nowMs = this.#serverMs();
    const outage = outageOf(one, makeId('out', nowMs, this.#streams.of('ids')), nowMs);
    this.#state = { ...this.#state, outages: [...this.#state.outages, outage] };
    this.#clock.after(one.noticeMs + one.forMs, () => {
      this.#state = { ...this.#state, outages: this.#state.outages.filter(({ id }) => id !== outage.id) };
      // Tasks that were to wait for a host that is lost wait no longer.
      if (this.#lostSince.has(one.host)) this.#lostSince.set(one.host, this.#clock.nowMs());
      this.#wantDecision();
    });
  }

  /** A person announces work; the hosts go down, or out of reach, when it was to begin; and he ends it when it is done. */
  #work(one: Extract<Happening, { kind: 'rack-maintenance' }>): void {
    const nowMs = this.#serverMs();
    const id = makeId('mnt', nowMs, this.#streams.of('ids'));
    this.#works.open(workOf(one, id), this.#state, this.#inventory(), nowMs);
    this.#keepWorks();
    const happening = { hosts: this.#scenario.hosts.filter(({ labels }) => labels.rack === one.rack), ...one };
    this.#clock.after(one.leadMs, () => disturb(happening, this.#cluster, this.#clock, () => this.#watchHosts()));
    this.#clock.after(one.leadMs + one.tookMs, () => this.#endWork(id));
  }

  #endWork(id: MaintenanceId): void {
    for (const { id: host } of this.#scenario.hosts) {
      if (this.#works.isUnderWork(host)) this.#workedOn.set(host, this.#clock.nowMs());
    }
    this.#works.end(id, this.#state, this.#inventory(), this.#serverMs());
    this.#keepWorks();
  }

  #keepWorks(): void {
    const others = this.#state.outages.filter(({ id }) => !this.#works.isOfRack(id));
    this.#state = { ...this.#state, outages: [...others, ...this.#works.outages()] };
    this.#wantDecision();
  }

  // -------------------------------------------------------------- the end

  /** All faults are over: a person declares the hosts dead that are, everything else is whole again. */
  #calm(): void {
    this.#record('calm');
    this.#isCalm = true;
    this.#kills.clear();
    this.#checkFailover();
    for (const id of this.#works.ids()) this.#endWork(id);
    for (const { id } of this.#scenario.hosts) {
      if (this.#cluster.isDead(id)) {
        this.#hosts.get(id)!.state = 'fenced';
        this.#hostFacts = undefined;
      } else {
        this.#cluster.thaw(id);
        this.#cluster.join(id);
        this.#cluster.agents.get(id)!.slownessMs = 0;
        this.#cluster.agents.get(id)!.isStarved = false;
      }
    }
    this.#cluster.network = { ...this.#scenario.network, lossRatio: 0 };
    this.#watchHosts();
    this.#wantDecision();
  }

  /** What ran on a host that has been lost for long runs somewhere else by now, or is being started there. */
  #checkFailover(): void {
    if (this.#watch.massSilence) return;
    for (const { current, index, notBeforeMs } of this.#state.tasks.values()) {
      const version = this.#state.assignment.get(index)?.version;
      const lostSinceMs = current === undefined ? undefined : this.#lostSince.get(current.host);
      if (version === undefined || lostSinceMs === undefined || cannotServe(this.#scenario, version)) continue;
      // A try that has failed, because its host was lost as well, is repeated a little later.
      const isBeingTried = notBeforeMs + tryWithinMs > this.#serverMs();
      const sinceMs = Math.max(lostSinceMs, this.#workedOn.get(current!.host) ?? 0);
      const isWorkedOn = this.#works.isUnderWork(current!.host);
      const isLong = this.#clock.nowMs() - sinceMs > failoverWithinMs && !isBeingTried && !isWorkedOn;
      const isTried = this.#state.operations.some((one) => one.index === index && one.admittedAtMs !== undefined);
      if (isLong && !isTried && !this.#waitsForItsPhase(index) && index < this.#state.job.size) {
        throw new Violation('L1', 'a task of a lost host was not placed again', { index, host: current!.host });
      }
    }
  }

  /**
   * All of its phase have to stop before it starts, and a controller that is waited for is not told that a stop on a lost
   * host has ended; nor is there room for the last stop while an index that has left the job is still being worked on
   * there. A person declares the host dead, or goes on without the controller.
   */
  #waitsForItsPhase(index: number): boolean {
    const owner = this.#state.assignment.get(index)?.rollout;
    const rollout = this.#state.rollouts.find(({ id }) => id === owner);
    if (this.#scenario.recreates !== true || rollout === undefined) return false;
    return this.#service !== undefined || this.#isRoomTakenByLostHost();
  }

  #isRoomTakenByLostHost(): boolean {
    const { operations, job: facts } = this.#state;
    return operations.some(
      ({ index, host, state }) =>
        index >= facts.size && isUnderWay(state) && host !== undefined && this.#lostSince.has(host),
    );
  }

  /** Liveness L2: what waits for a person at the end has an exit that a person can take; it is taken. */
  #letPersonFinish(endMs: number): void {
    const turns = turnsFor(this.#state.rollouts);
    for (let turn = 0; turn <= turns; turn++) {
      // A quiet point: nothing moves before a person does something.
      this.#checkRollouts(this.#serverMs());
      const stuck = this.#state.rollouts.filter((one) => one.state !== 'waiting');
      if (stuck.length === 0) return;
      for (const rollout of stuck) this.#rescue(rollout, turn);
      const untilMs = Math.max(this.#clock.nowMs(), endMs) + restWithinMs;
      const sinceMs = this.#clock.nowMs();
      const isObeyed = (): boolean => this.#commands.length === 0 && !this.#isDeciding;
      this.#goUntil(() => isObeyed() && (this.#isAtRest() || this.#needsPerson(sinceMs)), untilMs);
    }
    throw new Violation('L2', 'what a person can do does not end it', {
      states: this.#state.rollouts.map((one) => one.state),
    });
  }

  #rescue(rollout: Rollout, turn: number): void {
    const { operations, job: facts } = this.#state;
    const ways = waysOut(rollout, { operations, size: facts.size }, (exits) =>
      turn === 0 ? pickOne(this.#streams.of('person'), exits) : 'abort',
    );
    for (const command of ways) this.#command(rollout, command, facts.size);
  }

  /** Nothing moves any more: rollouts have ended or are held, and reality is as assigned. */
  #isAtRest(): boolean {
    if (this.#isDeciding || this.#commands.length > 0 || !areStill(this.#state.rollouts)) return false;
    if (isBusy(this.#scenario, this.#state.operations)) return false;
    return this.#differences().length === 0;
  }

  #needsPerson(sinceMs: number): boolean {
    const isOver = (this.#clock.nextMs() ?? Number.POSITIVE_INFINITY) > sinceMs + needsPersonAfterMs;
    if (!isOver || this.#isDeciding || this.#state.rollouts.length === 0) return false;
    const { rollouts, operations, assignment } = this.#state;
    const stuck = isStuck(this.#scenario, assignment);
    return isForPersons({
      rollouts,
      operations,
      size: this.#state.job.size,
      isStuck: stuck,
      others: this.#sibling?.others,
    });
  }

  #differences(): readonly unknown[] {
    const { size } = this.#state.job;
    const placesOf = (index: TaskIndex): readonly string[] => this.#truth.placesOf(index);
    return differencesOf(this.#scenario, { ...this.#state, size, placesOf });
  }

  #checkRest(): void {
    this.#checkRollouts(this.#serverMs());
    if (this.#open > 0) throw new Violation('L1', 'the run ended before everything happened', { open: this.#open });
  }

  /** L2: whoever waits can say why, and what ends it exists. */
  #checkExplained(nowMs: number): void {
    for (const { index, state, blockedBy } of this.#state.operations) {
      if (state === 'blocked' && !blockedBy) throw new Violation('L2', 'an operation waits for nothing', { index });
    }
    if (this.#decisions % 8 !== 0) return;
    this.#checkRollouts(nowMs);
  }

  #checkRollouts(nowMs: number): void {
    for (const rollout of this.#state.rollouts) {
      const { sentence, unblocker } = explainRollout(this.#state, rollout, nowMs);
      const isEmpty = sentence.length === 0 || (unblocker.kind === 'person' && unblocker.commands.length === 0);
      if (isEmpty) throw new Violation('L2', 'a wait has no reason or no exit', { rollout: rollout.state, sentence });
    }
  }

  // -------------------------------------------------------------- small things

  /** Words are only made when somebody reads them. */
  #record(what: string, say?: () => string): void {
    if (this.#options.trace === undefined && this.#options.record === undefined) return;
    const line = say === undefined ? what : `${what} ${say()}`;
    if (this.#options.trace !== undefined) {
      this.#options.trace(`${((this.#clock.nowMs() - startMs) / 1000).toFixed(3).padStart(9)} ${line}`);
    }
    this.#options.record?.(`${this.#clock.nowMs()} ${line}`);
  }

  #firstState(): JobState {
    const { scenario } = { scenario: this.#scenario };
    const tasks = new Map<number, TaskFacts>();
    const assignment = new Map<number, AssignmentRow>();
    const placements: Placement[] = [];
    const versions = new Map<VersionId, Version>();
    for (const id of Object.keys(scenario.versions) as VersionId[]) versions.set(id, versionOf(id));
    for (let index = 0; index < scenario.size && scenario.running !== undefined; index++) {
      const version = scenario.running;
      const host = scenario.hosts[index % scenario.hosts.length]!.id;
      const report = this.#cluster.agents.get(host)!.plant(job, index, versions.get(version)!);
      const known = standardRules.foldReport(newTask(index), report);
      tasks.set(index, known);
      assignment.set(index, { job, index, version, rollout: undefined, lastGood: version });
      placements.push({ job, index, incarnation: 1, host, cpuMillis: 100, memoryMb: 64 });
    }
    return {
      job: {
        id: job,
        service: 'guestbook',
        environment: 'production',
        wantedSize: scenario.size,
        budget: scenario.budget,
        env: {},
        hostLabels: {},
        limits: scenario.limits,
        onMaintenance: scenario.onMaintenance,
        driver: 'simulated',
        taskControl: this.#service === undefined ? undefined : simulatedControl,
        size: scenario.size,
        resizingFrom: undefined,
        goodVersions: scenario.running === undefined ? [] : [scenario.running],
        createdAtMs: startMs,
      },
      revision: 0,
      assignment,
      rollouts: [],
      operations: [],
      outages: [],
      tasks,
      inventory: { hosts: [], placements, massSilence: false },
      versions,
      carriers: this.#carriers,
      evidence: this.#evidence,
      buckets: bucketsOf('guestbook', scenario.limits, scenario.shared, scenario.hosts).map((bucket) => ({
        ...bucket,
        revision: 0,
        takenAtMs: [],
      })),
      reports: [],
      answers: [],
      commands: [],
    };
  }
}

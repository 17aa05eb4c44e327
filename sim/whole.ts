import type { Reports } from '../src/api/index.ts';
import { insertCommits, liveMarksOf } from '../src/blame/rows.ts';
import { blameWork } from '../src/blame/work.ts';
import { type CallResult, type ControlCall, type LedgerOperation, newTask } from '../src/disruption/index.ts';
import * as ledger from '../src/disruption/rows.ts';
import { controlEffects } from '../src/disruption/work.ts';
import type { ClusterDriver } from '../src/drivers/index.ts';
import { healthy, SimulatedCluster } from '../src/drivers/simulated/index.ts';
import { Abandon, createEngine, type Engine, type Hooks, type WorkKind } from '../src/engine/index.ts';
import * as fleet from '../src/fleet/rows.ts';
import {
  declareDead,
  end as endMaintenance,
  fleetWatch,
  fleetWatchWork,
  letLeave,
  letStay,
  listeningWrites,
  openMaintenance,
  planIntake,
} from '../src/fleet/work.ts';
import { insertVerdict } from '../src/judge/rows.ts';
import { makeId, seededChance } from '../src/kit/index.ts';
import {
  type Actor,
  type AssignmentRow,
  assert,
  type HostId,
  type MaintenanceId,
  type Outage,
  ProblemError,
  problem,
  type Rollout,
  type RolloutCommand,
  type RolloutId,
  type TaskControlRequest,
  type TaskIndex,
  type TaskReport,
  type VersionId,
} from '../src/model/index.ts';
import { insertVersion } from '../src/pipeline/rows.ts';
import { decideJob, type JobState, newRollout, type Rules, standardRules } from '../src/rollout/index.ts';
import * as rows from '../src/rollout/rows.ts';
import { loadState } from '../src/rollout/work/load.ts';
import { rolloutWork } from '../src/rollout/work.ts';
import { openStore, type Store, type Tx } from '../src/store/index.ts';
import { type Beginning, clearStore, readBeginning } from './clear-store.ts';
import { VirtualClock } from './clock.ts';
import { coverDecision } from './coverage.ts';
import { applyFault, calmAfterMs } from './faults.ts';
import { isServingExtra, KnownInvariants, TrueInvariants, Violation } from './invariants.ts';
import { Kills } from './kills.ts';
import { outageOf } from './maintenance.ts';
import { argumentsOf, isForPersons, needsPersonAfterMs, type Standstill, turnsFor, waysOut } from './persons.ts';
import { disturb, workOf } from './rack-works.ts';
import { areStill, differencesOf, isStuck, restWithinMs } from './rest.ts';
import { type Happening, isLateBad, type Scenario, v1, watchedMs, withStrategy } from './scenario.ts';
import { type SimulatedService, serviceOf } from './services.ts';
import { Streams } from './streams.ts';
import { commitOf, jobId as job, repository, startMs, versionOf } from './versions.ts';
import { placeboRoundOf, type RunOptions, type RunResult, roundOf, simulatedControl } from './world.ts';

const ada: Actor & { kind: 'person' } = { kind: 'person', name: 'ada' };
const grace: typeof ada = { kind: 'person', name: 'grace' };

/** What is to be done to the server by others than agents, in order. */
type Act =
  | Happening
  | { readonly kind: 'listen' | 'fence' }
  | { readonly kind: 'let-stay'; readonly host: HostId }
  | { readonly kind: 'end-maintenance'; readonly outage: Outage }
  | { readonly kind: 'end-work'; readonly id: MaintenanceId };

export interface WholeOptions {
  readonly rules?: Rules;
  readonly hooks?: Hooks;
  readonly trace?: (line: string) => void;
  readonly record?: (line: string) => void;
  readonly cover?: (edge: string) => void;
  readonly controller?: RunOptions['controller'];
  /** What each decision is made from, and the same read from the store at that moment. */
  readonly compareLoads?: (state: JobState, stored: JobState) => void;
}

export interface WholeResult extends RunResult {
  /** Index → version assigned at the end, marks, and what was begun how often. */
  readonly assignment: readonly (VersionId | undefined)[];
  readonly marks: readonly string[];
  readonly transactions: number;
  readonly chainOk: boolean;
  readonly parked: number;
  /** Effects that have not ended, and work rows that somebody holds. */
  readonly unfinished: number;
}

let shared: Promise<{ readonly store: Store; readonly beginning: Beginning }> | undefined;

async function openShared(): Promise<{ readonly store: Store; readonly beginning: Beginning }> {
  const store = await openStore({ kind: 'sqlite', path: ':memory:' });
  return { store, beginning: await readBeginning(store) };
}

/** One run at the depth of the whole: real engine, real work of rollout, fleet and blame, SQLite in memory. */
export async function runWhole(scenario: Scenario, options: WholeOptions = {}): Promise<WholeResult> {
  shared ??= openShared();
  const { store, beginning } = await shared;
  await clearStore(store, beginning);
  return runWholeOn(store, scenario, options);
}

/** The same on a store of one's own, which is empty. */
export async function runWholeOn(store: Store, scenario: Scenario, options: WholeOptions = {}): Promise<WholeResult> {
  const world = new WholeWorld(scenario, options, store);
  await world.open();
  return world.run();
}

export async function closeWhole(): Promise<void> {
  const open = await shared;
  shared = undefined;
  await open?.store.close();
}

class WholeWorld {
  readonly #scenario: Scenario;
  readonly #options: WholeOptions;
  readonly #store: Store;
  readonly #clock = new VirtualClock(startMs);
  readonly #streams: Streams;
  readonly #cluster: SimulatedCluster;
  readonly #known = new KnownInvariants();
  readonly #truth = new TrueInvariants();
  readonly #begun = new Map<string, number>();
  #engine: Engine;
  #inbox: TaskReport[] = [];
  readonly #batches = new Map<HostId, number>();
  #acts: Act[] = [];
  #isServerUp = true;
  #isWatching = false;
  #isUnsettled = true;
  #stalledUntilMs = 0;
  #offsetMs = 0;
  readonly #where = new Map<number, HostId>();
  readonly #kills = new Kills();
  readonly #service: SimulatedService | undefined;
  /** What the store holds right before a turn of the job. */
  #stored: JobState | undefined;
  #decisions = 0;
  #transactions = 0;
  #events = 0;
  #engines = 0;
  readonly #works = new Set<MaintenanceId>();

  constructor(scenario: Scenario, options: WholeOptions, store: Store) {
    this.#scenario = scenario;
    this.#options = options;
    this.#store = store;
    this.#streams = new Streams(scenario.seed);
    this.#cluster = new SimulatedCluster(
      scenario.hosts.map((host) => host.id),
      this.#clock,
      this.#streams.of('network'),
      (version) => scenario.versions[version] ?? healthy,
      {
        serves: (...facts) => this.#truth.serves(...facts),
        tookOut: (request, host) => this.#truth.tookOut(request, host),
        begun: (request, host) => {
          this.#begun.set(request.id, (this.#begun.get(request.id) ?? 0) + 1);
          if (request.nextIncarnation !== request.incarnation) {
            const made = `incarnation ${request.nextIncarnation} of task ${request.index}`;
            this.#begun.set(made, (this.#begun.get(made) ?? 0) + 1);
          }
          this.#record('begun', () => `${request.kind} ${request.index} on ${host}`);
        },
      },
    );
    this.#cluster.network = scenario.network;
    this.#cluster.receive = (report) => {
      if (!this.#isServerUp) return false;
      this.#inbox.push(report);
      return true;
    };
    const { voice, seed } = scenario;
    this.#service = options.controller ?? (voice && serviceOf(voice, seed, startMs + calmAfterMs(scenario)));
    this.#engine = this.#startEngine();
  }

  // -------------------------------------------------------------- the beginning

  async open(): Promise<void> {
    const { scenario } = { scenario: this.#scenario };
    const ids = Object.keys(scenario.versions).sort() as VersionId[];
    const nowMs = this.#serverMs();
    await this.#store.transaction(async (tx) => {
      for (const host of scenario.hosts) {
        await fleet.insertHost(tx, host.id, host.id, '0.1.0', nowMs);
        const capacity = { cpuMillis: 100_000, memoryMb: 100_000, maxTasks: 64 };
        const facts = { address: host.id, labels: host.labels, capacity, abilities: [], agentVersion: '0.1.0' };
        await fleet.updateHostFacts(tx, host.id, facts, nowMs);
      }
      await insertCommits(
        tx,
        repository,
        ids.map((id, at) => commitFacts(id, at, ids[at - 1])),
      );
      for (const id of ids) await insertVersion(tx, versionOf(id));
      await rows.ensureJob(
        tx,
        {
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
        },
        nowMs,
      );
      if (scenario.running === undefined) return;
      const good = { id: job, size: scenario.size, resizingFrom: undefined, goodVersions: [scenario.running] };
      await rows.updateJobInForce(tx, good);
      for (let index = 0; index < scenario.size; index++) {
        const host = scenario.hosts[index % scenario.hosts.length]!.id;
        const report = this.#cluster.agents.get(host)!.plant(job, index, versionOf(scenario.running));
        await ledger.saveTask(tx, job, standardRules.foldReport(newTask(index), report));
        this.#where.set(index, host);
        this.#inbox.push(report);
        const row: AssignmentRow = {
          job,
          index,
          version: scenario.running,
          rollout: undefined,
          lastGood: scenario.running,
        };
        await rows.saveAssignment(tx, row);
        await fleet.insertPlacement(tx, { job, index, incarnation: 1, host, cpuMillis: 100, memoryMb: 64 });
      }
    });
    for (const happening of scenario.happenings)
      this.#clock.at(startMs + happening.atMs, () => this.#happen(happening));
    this.#watchHosts();
  }

  #startEngine(): Engine {
    this.#engines += 1;
    const { hooks } = this.#options;
    const engine = createEngine({
      store: this.#store,
      clock: { nowMs: () => this.#serverMs(), sleepUntil: () => Promise.reject(new Error('nobody sleeps here')) },
      chance: this.#streams.of('server'),
      processId: `server-${this.#engines}`,
      settings: { isSoleProcess: true },
      hooks: {
        beforeCommit: (moment) => {
          hooks?.beforeCommit?.(moment);
          this.#dieAt('beforeCommit');
        },
        afterCommit: (moment) => {
          this.#transactions += 1;
          hooks?.afterCommit?.(moment);
          this.#dieAt('afterCommit');
        },
        afterEffect: (moment) => {
          hooks?.afterEffect?.(moment);
          this.#dieAt('afterEffect');
        },
      },
      onTrouble: ({ what, error }) => {
        if (error instanceof Violation) throw error;
        this.#record(`trouble ${what}`);
        if (!(error instanceof ProblemError)) throw error;
      },
    });
    const rules = this.#options.rules ?? standardRules;
    const { work, effects } = rolloutWork({
      driverOf: () => this.#driver(),
      clock: { nowMs: () => this.#serverMs() },
      limits: this.#scenario.shared,
      // Small as they are: what is remembered of a job is tried in every run.
      remember: { leastIndices: 0, mostIndices: 10_000 },
      decide: (state, nowMs, id) => {
        if (this.#stored !== undefined) this.#options.compareLoads?.(state, this.#stored);
        this.#stored = undefined;
        const decision = decideJob(state, nowMs, id, rules);
        // Void: it is made again with the room of all hosts.
        if (decision.wantsRoom) return decision;
        this.#decisions += 1;
        this.#known.check(state, decision, nowMs);
        if (this.#options.cover !== undefined) coverDecision(state, decision, this.#options.cover);
        for (const dispatch of decision.dispatches) {
          if (dispatch.kind !== 'execute') continue;
          const { operation } = dispatch;
          const raised =
            decision.after.rollouts.find((one) => one.id === operation.rollout)?.budgetOverride?.count ?? 0;
          const surge = [...decision.after.tasks.values()].filter(isServingExtra).length;
          const budget = Math.max(standardRules.budgetInForce({ ...decision.after.job, surge }), raised);
          this.#truth.budgets.set(operation.id, operation.exemption === 'forced' ? undefined : budget);
        }
        this.#truth.decided(decision.after);
        for (const index of decision.changed.retired) this.#truth.retire(index);
        for (const one of decision.changed.operations.values()) {
          if (one.kind === 'resize-down' && one.state === 'done') this.#truth.retire(one.index);
        }
        for (const event of decision.events) this.#record(event.type, () => JSON.stringify(event.data));
        return decision;
      },
    });
    for (const kind of [
      ...work.map((kind) => this.#compared(kind)),
      ...blameWork({ graphs: new Map() }),
      watchOnDemand(),
      this.#judge(),
      this.#watch(),
      elsewhere,
    ]) {
      engine.registerWork(kind);
    }
    const call = async ({ request }: ControlCall) => this.#askService(request);
    const asking = controlEffects({ call, clock: { nowMs: () => this.#serverMs() } });
    for (const kind of [...effects, ...asking]) engine.registerEffect(kind);
    return engine;
  }

  #compared(kind: WorkKind): WorkKind {
    if (kind.kind !== 'job/decide' || this.#options.compareLoads === undefined) return kind;
    return {
      ...kind,
      run: async (turn) => {
        const view = (tx: Tx) => ({ tx, guard: async () => 0 });
        this.#stored = await this.#store.read((tx) => loadState(view(tx), job, this.#scenario.shared));
        await kind.run(turn);
      },
    };
  }

  #dieAt(point: Parameters<Kills['isDueAt']>[0]): void {
    if (this.#kills.isDueAt(point)) throw new Abandon();
  }

  /** Calls, and their answers, may be lost on the way. */
  #askService(request: TaskControlRequest): CallResult {
    const isLost = this.#cluster.isLost();
    const reply = isLost ? undefined : this.#service?.(request, this.#clock.nowMs());
    if (reply === undefined || this.#cluster.isLost()) return { ok: false, failure: 'it did not answer in time' };
    return { ok: true, reply };
  }

  /** Orders reach an agent at once or not at all; what takes time is what it says in return. */
  #driver(): ClusterDriver {
    const cluster = this.#cluster;
    const reach = (host: HostId): void => {
      if (!cluster.canReach(host) || cluster.isLost()) throw unreachable(host);
    };
    const answered = <T>(host: HostId, answer: T): T => {
      if (cluster.isLost()) throw unreachable(host);
      return answer;
    };
    return {
      name: 'simulated',
      capabilities: { inPlace: true, surge: false, hotswap: false, move: true, places: false },
      observe: async () => {},
      prefetch: async () => {},
      execute: async (request) => {
        reach(request.host!);
        cluster.execute(request);
        answered(request.host!, undefined);
      },
      cancel: async (id, at) => {
        reach(at.host!);
        return answered(at.host!, cluster.cancel(at.host!, id, at.job, at.index));
      },
    };
  }

  /** After the last phase some versions show that they are bad. */
  #watch(): WorkKind {
    return {
      kind: 'judge/watch',
      run: async (turn) => {
        await turn.commit(async ({ tx }) => {
          const watched = await rows.listWatchedRollouts(tx, job);
          const rollout = watched.find(({ watch }) => watch?.state === 'watching');
          if (rollout === undefined) return undefined;
          const chance = this.#streams.of('watch');
          const isSeen = this.#scenario.judge === 'decides' && chance.next() < 0.4;
          const isBad = isSeen && isLateBad(this.#scenario.seed, rollout.to);
          const verdict = {
            verdict: isBad ? 'fail' : 'undecided',
            lookId: `${rollout.id}/watch/${turn.nowMs}`,
            atMs: turn.nowMs,
            perCheck: [],
            sentence: isBad ? 'it is worse' : 'not enough was seen',
          } as const;
          const holds = chance.next() < 0.1 ? ['a check that may only hold'] : [];
          const base = { missing: [], lostData: false, powerReached: false, measured: true };
          const row = { ...base, rollout: rollout.id, phase: rollout.phases.length, verdict, holds };
          return {
            write: (writer) => insertVerdict(writer, row),
            work: [
              { kind: 'judge/watch', key: job, dueAtMs: turn.nowMs + 3000 },
              { kind: 'job/decide', key: job },
            ],
            result: undefined,
          };
        });
      },
    };
  }

  /** The judge by what was planted: a fact of the world, written where the real one writes. */
  #judge(): WorkKind {
    return {
      kind: 'judge/look',
      run: async (turn) => {
        await turn.commit(async ({ tx }) => {
          const rollout = await rows.findRollout(tx, turn.key as RolloutId);
          const phase = rollout?.phases[rollout.currentPhase];
          if (rollout?.state !== 'running' || phase === undefined) return undefined;
          const { judge: mode, versions } = this.#scenario;
          const isBad = (versions[rollout.to]?.errorRatio ?? 0) > 0;
          const isSeen = mode === 'decides' && this.#streams.of('judge').next() < 0.5;
          const bakedMs = phase.updatedAtMs === undefined ? 0 : turn.nowMs - phase.updatedAtMs;
          const isMeasured = mode === 'loses-data' ? rollout.currentPhase === 0 : mode !== 'unmeasured';
          const word = isSeen && isBad ? 'fail' : isSeen && !isBad && bakedMs > 1000 ? 'pass' : 'undecided';
          const verdict = {
            verdict: word,
            lookId: `${rollout.id}/${turn.nowMs}`,
            atMs: turn.nowMs,
            perCheck: [],
            sentence: word === 'fail' ? 'its requests fail' : word === 'pass' ? 'no worse' : 'not enough was seen',
          } as const;
          const row = {
            rollout: rollout.id,
            phase: rollout.currentPhase,
            verdict,
            measured: isMeasured,
            missing: [],
            lostData: mode === 'loses-data' && !isMeasured,
            powerReached: this.#streams.of('judge').next() < 0.5,
          };
          return {
            write: (writer) => insertVerdict(writer, row),
            work: [
              { kind: 'judge/look', key: rollout.id, dueAtMs: turn.nowMs + 2000 },
              { kind: 'job/decide', key: job },
            ],
            result: undefined,
          };
        });
      },
    };
  }

  // -------------------------------------------------------------- time

  async run(): Promise<WholeResult> {
    const endMs = startMs + calmAfterMs(this.#scenario);
    this.#clock.at(endMs, () => this.#calm());
    let violation: Violation | undefined;
    try {
      await this.#goUntil(() => this.#clock.nowMs() >= endMs, endMs, endMs + restWithinMs);
      await this.#letPersonFinish();
    } catch (error) {
      if (!(error instanceof Violation)) throw error;
      violation = error;
      this.#options.trace?.(`VIOLATION ${error.message}`);
    }
    const chain = await this.#engine.verifyChain('all');
    const parked = await this.#engine.listParked();
    return {
      ...(await this.#ending()),
      seed: this.#scenario.seed,
      violation: violation ?? this.#leftOver(chain.ok, parked.work.length + parked.effects.length),
      decisions: this.#decisions,
      events: this.#events,
      virtualMs: this.#clock.nowMs() - startMs,
      transactions: this.#transactions,
      chainOk: chain.ok,
      parked: parked.work.length + parked.effects.length,
    };
  }

  #leftOver(isChainOk: boolean, parked: number): Violation | undefined {
    if (!isChainOk) return new Violation('events', 'the chain of events is broken', {});
    if (parked > 0) return new Violation('work', 'work was left aside', { parked });
    for (const [id, count] of this.#begun) {
      if (count > 1) return new Violation('once', 'an operation, or an incarnation, was begun twice', { id, count });
    }
    return undefined;
  }

  async #ending(): Promise<Pick<WholeResult, 'assignment' | 'marks' | 'outcomes' | 'forced' | 'unfinished'>> {
    return this.#store.read(async (tx) => {
      const assignment = await rows.listAssignment(tx, job);
      const rollouts = await rows.listRollouts(tx, job, 50);
      const found = await tx.selectFrom('carrier').select('version').distinct().orderBy('version').execute();
      const open = await tx.selectFrom('effect').select('id').where('ended_at', 'is', null).execute();
      const held = await tx.selectFrom('work').select('key').where('owner', 'is not', null).execute();
      const forced = await tx.selectFrom('event').select('id').where('type', '=', 'operation.forced').execute();
      return {
        forced: forced.length,
        unfinished: open.length + held.length,
        assignment: assignment.map((row) => row.version),
        marks: found.map((row) => row.version),
        outcomes: rollouts.reverse().map((rollout) => rollout.state),
      };
    });
  }

  async #goUntil(mayEnd: () => boolean, sinceMs: number, untilMs: number): Promise<void> {
    let engineMs: number | undefined = Number.NEGATIVE_INFINITY;
    for (;;) {
      // The engine is only asked when something came in or is due: asking costs as much as working.
      if (this.#mustServe(engineMs)) {
        engineMs = await this.#serve();
        if (mayEnd() && (await this.#isAtRest())) return;
      } else if (mayEnd() && (await this.#isAtRest())) return;
      const clockMs = this.#clock.nextMs() ?? Number.POSITIVE_INFINITY;
      const nextMs = Math.min(this.#dueMs(engineMs), clockMs);
      const isOver = nextMs > sinceMs + needsPersonAfterMs;
      if (mayEnd() && isOver && (await this.#needsPerson())) return;
      if (nextMs > untilMs) throw new Violation('L1', 'reality has not converged', await this.#facts());
      if (clockMs === nextMs) this.#clock.step();
      else this.#clock.goTo(nextMs);
      this.#events += 1;
      if (this.#events > 100_000) throw new Violation('L1', 'the run does not come to an end', await this.#facts());
    }
  }

  #mustServe(engineMs: number | undefined): boolean {
    if (!this.#isServerUp || this.#clock.nowMs() < this.#stalledUntilMs) return false;
    return this.#inbox.length + this.#acts.length > 0 || this.#dueMs(engineMs) <= this.#clock.nowMs();
  }

  /** When the engine has something to do, in the time of the world. */
  #dueMs(engineMs: number | undefined): number {
    if (engineMs === undefined || !this.#isServerUp) return Number.POSITIVE_INFINITY;
    return Math.max(engineMs - this.#offsetMs, this.#stalledUntilMs, this.#clock.nowMs());
  }

  #serverMs(): number {
    return this.#clock.nowMs() + this.#offsetMs;
  }

  /** Everything that is due now: what arrived is written down, then the engine works until nothing is left to do; when it has something to do again is returned. */
  async #serve(): Promise<number | undefined> {
    for (let turns = 0; ; turns++) {
      assert(turns < 2000, 'the engine does not come to rest');
      try {
        await this.#takeIn();
        const { count, nextDueAtMs } = await this.#engine.runDue();
        if (count > 0) this.#isUnsettled = true;
        if (this.#inbox.length + this.#acts.length === 0) return nextDueAtMs;
      } catch (error) {
        if (!(error instanceof Abandon)) throw error;
        // The process died right there; another one starts on the same database.
        this.#record('abandoned');
        this.#engine = this.#startEngine();
      }
    }
  }

  async #takeIn(): Promise<void> {
    while (this.#inbox.length > 0) {
      const { host } = this.#inbox[0]!;
      const tasks = this.#inbox.filter((report) => report.host === host);
      const batch = (this.#batches.get(host) ?? 0) + 1;
      const nowMs = this.#serverMs();
      const facts = { host, batch, snapshot: false, atMs: nowMs, freeDiskRatio: 1, tasks, actions: [], begun: [] };
      const plan = await this.#store.read((tx) => planIntake(tx, facts as unknown as Reports, nowMs));
      assert(plan.ok, 'an agent of this world reports for itself');
      await this.#engine.append(plan.value);
      this.#batches.set(host, batch);
      for (const { index } of tasks) this.#where.set(index, host);
      this.#inbox = this.#inbox.filter((report) => report.host !== host);
    }
    while (this.#acts.length > 0) {
      await this.#act(this.#acts[0]!);
      this.#acts.shift();
    }
  }

  // -------------------------------------------------------------- what happens

  #happen(one: Happening): void {
    this.#record('happens', () => JSON.stringify(one));
    const isDone = applyFault(one, {
      job,
      cluster: this.#cluster,
      clock: this.#clock,
      scenario: this.#scenario,
      hostOf: (index) => this.#where.get(index),
      onHosts: () => this.#watchHosts(),
    });
    if (!isDone) this.#hitServer(one);
    this.#watchHosts();
  }

  #hitServer(one: Happening): void {
    if (one.kind === 'server-crash') {
      this.#isServerUp = false;
      this.#clock.after(one.forMs, () => {
        this.#isServerUp = true;
        this.#engine = this.#startEngine();
        this.#watchHosts();
      });
    } else if (one.kind === 'store-stall') {
      this.#stalledUntilMs = this.#clock.nowMs() + one.forMs;
      this.#clock.after(one.forMs, () => {});
    } else if (one.kind === 'clock-jump') this.#offsetMs += one.byMs;
    else if (one.kind === 'server-kill') this.#kills.add(one);
    else this.#acts.push(one);
  }

  /** Servers say each second that they listen and whom they heard; here only while somebody is silent. */
  #watchHosts(): void {
    if (this.#isWatching) return;
    this.#isWatching = true;
    this.#clock.after(1000, () => {
      this.#isWatching = false;
      this.#acts.push({ kind: 'listen' });
    });
  }

  async #listen(): Promise<void> {
    const nowMs = this.#serverMs();
    const heard = this.#scenario.hosts.map((host) => host.id).filter((host) => this.#cluster.isHeard(host));
    await this.#engine.append({ write: listeningWrites('server', heard, [], nowMs), work: [fleetWatchWork] });
    await this.#engine.step();
    const { hosts, memory } = await this.#store.read(async (tx) => ({
      hosts: await fleet.listHosts(tx),
      memory: await fleet.loadWatchMemory(tx),
    }));
    const isSettled = hosts.every(({ id, state }) =>
      this.#cluster.isHeard(id)
        ? (state === 'up' || state === 'leaving' || state === 'fenced') && memory.silentMs[id] === undefined
        : state === 'lost' || state === 'fenced',
    );
    if (!isSettled || memory.massSilence) this.#watchHosts();
  }

  async #act(one: Act): Promise<void> {
    const nowMs = this.#serverMs();
    const work = [{ kind: 'job/decide', key: job }];
    const engine = this.#engine;
    switch (one.kind) {
      case 'listen':
        return this.#listen();
      case 'deploy': {
        const rollout = this.#newRollout(one, nowMs);
        // A person who was not answered asks again, for the same thing.
        if ((await this.#store.read((tx) => rows.findRollout(tx, rollout.id))) !== undefined) return;
        const next = makeId('ro', one.atMs + 1, seededChance(this.#scenario.seed, `placebo ${one.atMs}`));
        const write = async (tx: Tx) => {
          await rows.insertRollout(tx, rollout);
          for (const placebo of placeboRoundOf(this.#scenario, next, rollout, nowMs))
            await rows.insertRollout(tx, placebo);
        };
        await engine.append({ write, work });
        return;
      }
      case 'round': {
        const id = makeId('ro', one.atMs, seededChance(this.#scenario.seed, `${one.kind} ${one.atMs}`));
        const isThere = (await this.#store.read((tx) => rows.listAssignment(tx, job))).length > 0;
        const isKnown = (await this.#store.read((tx) => rows.findRollout(tx, id))) !== undefined;
        if (isThere && !isKnown)
          await engine.append({ write: (tx) => rows.insertRollout(tx, roundOf(id, one, nowMs)), work });
        return;
      }
      case 'command':
        return this.#commandWhen(one);
      case 'host-leave':
        return this.#letLeave(one.host, one.forMs);
      case 'let-stay':
        return this.#letStay(one.host);
      case 'declare-dead':
        if (this.#cluster.isDead(one.host)) await engine.commitAs(ada, declareDead(one.host, ada, 'because', nowMs));
        return;
      case 'clear-mark': {
        for (const mark of await this.#store.read((tx) => liveMarksOf(tx, one.version))) {
          await this.#submit('blame/mark', repository, 'clear', { mark });
        }
        return;
      }
      case 'resize': {
        const facts = await this.#store.read((tx) => rows.loadJob(tx, job));
        await engine.append({ write: (tx) => rows.ensureJob(tx, { ...facts, wantedSize: one.size }, nowMs), work });
        return;
      }
      case 'maintenance': {
        const id = makeId('out', one.atMs, seededChance(this.#scenario.seed, `${one.kind} ${one.atMs}`));
        const outage = outageOf(one, id, nowMs);
        await engine.append({ write: (tx) => ledger.saveOutage(tx, outage), work });
        this.#clock.after(one.noticeMs + one.forMs, () => this.#acts.push({ kind: 'end-maintenance', outage }));
        return;
      }
      case 'rack-maintenance':
        return this.#work(one, nowMs);
      case 'mark': {
        const given = { commits: [commitOf(one.version)], targets: ['guestbook'] };
        await this.#submit('blame/mark', repository, 'mark', given);
        return;
      }
      case 'end-maintenance': {
        const ended = { ...one.outage, endedAtMs: nowMs };
        await engine.append({ write: (tx) => ledger.saveOutage(tx, ended), work });
        return;
      }
      case 'end-work':
        await engine.commitAs(ada, endMaintenance(one.id, 'ended', ada, 'because', nowMs));
        return;
      case 'fence':
        return this.#fence();
      default:
        throw new Error(`${one.kind} is not an act`);
    }
  }

  async #work(one: Extract<Happening, { kind: 'rack-maintenance' }>, nowMs: number): Promise<void> {
    const id = makeId('mnt', one.atMs, seededChance(this.#scenario.seed, `${one.kind} ${one.atMs}`));
    await this.#engine.commitAs(ada, openMaintenance(workOf(one, id), nowMs));
    this.#works.add(id);
    const hosts = this.#scenario.hosts.filter(({ labels }) => labels.rack === one.rack);
    this.#clock.after(one.leadMs, () =>
      disturb({ ...one, hosts }, this.#cluster, this.#clock, () => this.#watchHosts()),
    );
    this.#clock.after(one.leadMs + one.tookMs, () => this.#acts.push({ kind: 'end-work', id }));
  }

  #newRollout(one: Extract<Happening, { kind: 'deploy' }>, nowMs: number): Rollout {
    const request = {
      id: makeId('ro', one.atMs, seededChance(this.#scenario.seed, `${one.kind} ${one.atMs}`)),
      job,
      release: undefined,
      to: one.to,
      kind: one.rolloutKind,
      plan: withStrategy(one.plan, this.#scenario),
      judged: this.#scenario.judge !== 'none',
      holdAfter: one.holdAfter,
      forwardOnly: this.#scenario.forwardOnly && one.to === v1 ? 'it drops a column' : undefined,
      createdBy: ada,
      reason: undefined,
    };
    return newRollout(request, nowMs);
  }

  async #commandWhen(one: Extract<Act, { kind: 'command' }>): Promise<void> {
    const live = await this.#store.read((tx) => rows.listLiveRollouts(tx, job));
    const rollout = live.find(({ state }) => one.when === undefined || state === one.when);
    if (rollout !== undefined) await this.#command(rollout, one.command, 4);
    else if (one.when !== undefined && this.#clock.nowMs() < startMs + one.atMs + watchedMs) {
      this.#clock.after(1000, () => this.#acts.push(one));
    }
  }

  async #letLeave(host: HostId, forMs: number): Promise<void> {
    const done = await this.#engine.commitAs(ada, letLeave(host, ada, 'because', this.#serverMs()));
    if (done?.ok) this.#clock.after(forMs, () => this.#acts.push({ kind: 'let-stay', host }));
  }

  async #letStay(host: HostId): Promise<void> {
    await this.#engine.commitAs(ada, letStay(host, ada, 'because', this.#serverMs()));
    const state = (await this.#store.read((tx) => fleet.findHost(tx, host)))?.state;
    // Silent at the moment: it would come back as one that leaves.
    if (state === 'suspected') this.#clock.after(1000, () => this.#acts.push({ kind: 'let-stay', host }));
  }

  async #command(rollout: Rollout, name: RolloutCommand, count: number): Promise<void> {
    const given = { rollout: rollout.id, ...argumentsOf(rollout, name, count) };
    await this.#submit('job/decide', job, name, given, name === 'confirm-override' ? grace : ada);
  }

  async #submit(kind: string, key: string, name: string, given: Record<string, unknown>, actor = ada): Promise<void> {
    const atMs = this.#serverMs();
    const id = makeId('cmd', atMs, seededChance(this.#clock.nowMs() % 0x7fffffff, `${name} ${JSON.stringify(given)}`));
    if ((await this.#engine.findCommand(id)) !== undefined) return;
    await this.#engine.submitCommand({ id, kind, key, name, arguments: given, actor, reason: 'because', atMs });
  }

  // -------------------------------------------------------------- the end

  /** All faults are over: a person declares the hosts dead that are, everything else is whole again. */
  #calm(): void {
    this.#record('calm');
    this.#kills.clear();
    for (const { id } of this.#scenario.hosts) {
      if (this.#cluster.isDead(id)) continue;
      this.#cluster.thaw(id);
      this.#cluster.join(id);
    }
    this.#cluster.network = { ...this.#scenario.network, lossRatio: 0 };
    // Whoever still waits for a turn, or was opened late.
    for (const id of this.#works) this.#acts.push({ kind: 'end-work', id });
    this.#acts.push({ kind: 'fence' });
    this.#watchHosts();
  }

  async #fence(): Promise<void> {
    const nowMs = this.#serverMs();
    for (const { id } of this.#scenario.hosts) {
      if (!this.#cluster.isDead(id)) continue;
      await this.#engine.append({
        write: (tx) => fleet.updateHostState(tx, id, 'fenced', nowMs),
        work: [{ kind: 'job/decide', key: job }],
      });
    }
  }

  async #letPersonFinish(): Promise<void> {
    let turns = turnsFor((await this.#standstill()).rollouts);
    for (; turns >= 0; turns--) {
      const standstill = await this.#standstill();
      const stuck = standstill.rollouts.filter((one) => one.state !== 'waiting');
      if (stuck.length === 0) return;
      for (const rollout of stuck) {
        for (const command of waysOut(rollout, standstill, () => 'abort')) {
          await this.#command(rollout, command, this.#scenario.size + 10);
        }
      }
      this.#isUnsettled = true;
      const sinceMs = this.#clock.nowMs();
      await this.#goUntil(() => true, sinceMs, sinceMs + restWithinMs);
    }
    throw new Violation('L2', 'what a person can do does not end it', await this.#facts());
  }

  async #operations(): Promise<LedgerOperation[]> {
    return this.#store.read((tx) => ledger.loadOperations(tx, job));
  }

  async #assignment(): Promise<ReadonlyMap<TaskIndex, AssignmentRow>> {
    const rowsOfJob = await this.#store.read((tx) => rows.listAssignment(tx, job));
    return new Map(rowsOfJob.map((row) => [row.index, row]));
  }

  async #standstill(): Promise<Omit<Standstill, 'isStuck'>> {
    const rollouts = await this.#store.read((tx) => rows.listLiveRollouts(tx, job));
    return { rollouts, operations: await this.#operations(), size: this.#scenario.size };
  }

  async #isAtRest(): Promise<boolean> {
    if (!this.#isUnsettled) return false;
    this.#isUnsettled = false;
    const { rollouts, operations } = await this.#standstill();
    if (!areStill(rollouts) || operations.some((one) => one.admittedAtMs !== undefined)) return false;
    return (await this.#differences()).length === 0;
  }

  async #needsPerson(): Promise<boolean> {
    const standstill = await this.#standstill();
    const stuck = isStuck(this.#scenario, await this.#assignment());
    return standstill.rollouts.length > 0 && isForPersons({ ...standstill, isStuck: stuck });
  }

  async #differences(): Promise<readonly unknown[]> {
    const assignment = await this.#assignment();
    const { rollouts, operations } = await this.#standstill();
    const { facts, tasks } = await this.#store.read(async (tx) => ({
      facts: await rows.loadJob(tx, job),
      tasks: new Map((await ledger.listTasks(tx, job)).map((task) => [task.index, task])),
    }));
    const placesOf = (index: TaskIndex): readonly string[] => this.#truth.placesOf(index);
    return differencesOf(this.#scenario, { size: facts.size, assignment, tasks, operations, rollouts, placesOf });
  }

  async #facts(): Promise<unknown> {
    const live = await this.#store.read((tx) => rows.listLiveRollouts(tx, job));
    return {
      open: await this.#differences(),
      rollouts: live.map((one) => [one.id, one.state, one.hold?.reason]),
      operations: (await this.#operations()).map((one) => [one.kind, one.index, one.state, one.blockedBy]),
      parked: await this.#engine.listParked(),
    };
  }

  /** Words are only made when somebody reads them. */
  #record(what: string, say?: () => string): void {
    if (this.#options.trace === undefined && this.#options.record === undefined) return;
    const line = say === undefined ? what : `${what} ${say()}`;
    if (this.#options.trace !== undefined) {
      this.#options.trace(`${((this.#clock.nowMs() - startMs) / 1000).toFixed(3).padStart(9)} ${line}`);
    }
    this.#options.record?.(`${this.#clock.nowMs()} ${line}`);
  }
}

/** The real watch; when it looks next is the world's business, which knows when nothing can have changed. */
function watchOnDemand(): WorkKind {
  const real = fleetWatch();
  return {
    ...real,
    run: (turn) =>
      real.run({
        ...turn,
        commit: (attempt) =>
          turn.commit(async (view) => {
            const proposal = await attempt(view);
            return (
              proposal && { ...proposal, work: proposal.work?.filter((one) => one.kind !== fleetWatchWork.kind) ?? [] }
            );
          }),
      }),
  };
}

function commitFacts(id: VersionId, seq: number, parent: VersionId | undefined) {
  return {
    seq,
    parentSeqs: parent === undefined ? [] : [seq - 1],
    id: commitOf(id),
    parents: parent === undefined ? [] : [commitOf(parent)],
    author: 'ada',
    subject: id,
    committedAtMs: startMs,
    trailers: { reverts: [], fixes: [] },
  };
}

/** Releases are nobody's business here. */
const elsewhere: WorkKind = { kind: 'pipeline/decide', run: async () => {} };

function unreachable(host: HostId): ProblemError {
  return new ProblemError(problem('agent/unreachable', `The agent of ${host} is not connected.`, { host }));
}

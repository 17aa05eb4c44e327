import type { Reports } from '../src/api/index.ts';
import type { ExecuteRequest } from '../src/drivers/index.ts';
import { healthy, SimulatedCluster } from '../src/drivers/simulated/index.ts';
import { Abandon } from '../src/engine/index.ts';
import { planIntake } from '../src/fleet/work.ts';
import { assert, type HostId, type TaskReport } from '../src/model/index.ts';
import { openStore, type Store } from '../src/store/index.ts';
import { type Beginning, clearStore, readBeginning } from './clear-store.ts';
import { applyFault, calmAfterMs } from './faults.ts';
import { Ground } from './ground.ts';
import { TrueInvariants, Violation } from './invariants.ts';
import { needsPersonAfterMs, turnsFor, waysOut } from './persons.ts';
import { restWithinMs } from './rest.ts';
import type { Happening, Scenario } from './scenario.ts';
import { serviceOf } from './services.ts';
import { jobId as job, startMs } from './versions.ts';
import { Acts } from './whole/acts.ts';
import { writeBeginning } from './whole/beginning.ts';
import { Ending, leftOver } from './whole/ending.ts';
import type { WholeOptions, WholeResult } from './whole/options.ts';
import { Server } from './whole/server.ts';

export type { WholeOptions, WholeResult } from './whole/options.ts';

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

/** Time, what arrives at the server, and what happens: everything else is done by the parts in `whole/`. */
class WholeWorld {
  readonly #options: WholeOptions;
  readonly #store: Store;
  readonly #ground: Ground;
  readonly #cluster: SimulatedCluster;
  readonly #truth = new TrueInvariants();
  readonly #server: Server;
  readonly #acts: Acts;
  readonly #ending: Ending;
  readonly #hasService: boolean;
  readonly #begun = new Map<string, number>();
  #inbox: TaskReport[] = [];
  readonly #batches = new Map<HostId, number>();
  readonly #where = new Map<number, HostId>();
  #isUnsettled = true;
  #events = 0;

  constructor(scenario: Scenario, options: WholeOptions, store: Store) {
    this.#options = options;
    this.#store = store;
    this.#ground = new Ground(scenario, options);
    const ground = this.#ground;
    this.#cluster = new SimulatedCluster(
      scenario.hosts.map((host) => host.id),
      ground.clock,
      ground.streams.of('network'),
      (version) => scenario.versions[version] ?? healthy,
      {
        serves: (...facts) => this.#truth.serves(...facts),
        tookOut: (request, host) => this.#truth.tookOut(request, host),
        begun: (request, host) => this.#noteBegun(request, host),
      },
    );
    this.#cluster.network = scenario.network;
    this.#cluster.receive = (report) => {
      if (!ground.isServerUp) return false;
      this.#inbox.push(report);
      return true;
    };
    const { voice, seed } = scenario;
    const service = options.controller ?? (voice && serviceOf(voice, seed, startMs + calmAfterMs(scenario)));
    this.#hasService = service !== undefined;
    this.#server = new Server(store, ground, { cluster: this.#cluster, truth: this.#truth, service, options });
    this.#acts = new Acts(store, ground, this.#cluster, this.#server);
    this.#ending = new Ending(store, scenario, this.#truth);
  }

  #noteBegun({ id, kind, index, incarnation, nextIncarnation }: ExecuteRequest, host: HostId): void {
    const made = nextIncarnation === incarnation ? [] : [`incarnation ${nextIncarnation} of task ${index}`];
    for (const one of [id, ...made]) this.#begun.set(one, (this.#begun.get(one) ?? 0) + 1);
    this.#ground.record('begun', () => `${kind} ${index} on ${host}`);
  }

  async open(): Promise<void> {
    const { scenario, clock } = this.#ground;
    const facts = { nowMs: this.#ground.serverMs(), hasService: this.#hasService };
    const reports = await this.#store.transaction((tx) => writeBeginning(tx, scenario, this.#cluster, facts));
    for (const report of reports) {
      this.#where.set(report.index, report.host);
      this.#inbox.push(report);
    }
    for (const happening of scenario.happenings) clock.at(startMs + happening.atMs, () => this.#happen(happening));
    this.#acts.watchHosts();
  }

  // -------------------------------------------------------------- time

  async run(): Promise<WholeResult> {
    const { scenario, clock } = this.#ground;
    const endMs = startMs + calmAfterMs(scenario);
    clock.at(endMs, () => this.#calm());
    let violation: Violation | undefined;
    try {
      await this.#goUntil(() => clock.nowMs() >= endMs, endMs, endMs + restWithinMs);
      await this.#letPersonFinish();
    } catch (error) {
      if (!(error instanceof Violation)) throw error;
      violation = error;
      this.#options.trace?.(`VIOLATION ${error.message}`);
    }
    const chain = await this.#server.engine.verifyChain('all');
    const { work, effects } = await this.#server.engine.listParked();
    const parked = work.length + effects.length;
    return {
      ...(await this.#ending.rowsAtTheEnd()),
      seed: scenario.seed,
      violation: violation ?? leftOver(chain.ok, parked, this.#begun),
      decisions: this.#server.decisions,
      events: this.#events,
      virtualMs: clock.nowMs() - startMs,
      transactions: this.#server.transactions,
      chainOk: chain.ok,
      parked,
    };
  }

  async #goUntil(mayEnd: () => boolean, sinceMs: number, untilMs: number): Promise<void> {
    const { clock } = this.#ground;
    let engineMs: number | undefined = Number.NEGATIVE_INFINITY;
    for (;;) {
      // The engine is only asked when something came in or is due: asking costs as much as working.
      if (this.#mustServe(engineMs)) engineMs = await this.#serve();
      if (mayEnd() && (await this.#isAtRest())) return;
      const clockMs = clock.nextMs() ?? Number.POSITIVE_INFINITY;
      const nextMs = Math.min(this.#dueMs(engineMs), clockMs);
      const isOver = nextMs > sinceMs + needsPersonAfterMs;
      if (mayEnd() && isOver && (await this.#ending.needsPerson())) return;
      if (nextMs > untilMs) throw new Violation('L1', 'reality has not converged', await this.#facts());
      if (clockMs === nextMs) clock.step();
      else clock.goTo(nextMs);
      this.#events += 1;
      if (this.#events > 100_000) throw new Violation('L1', 'the run does not come to an end', await this.#facts());
    }
  }

  #mustServe(engineMs: number | undefined): boolean {
    const { isServerUp, stalledUntilMs, clock } = this.#ground;
    if (!isServerUp || clock.nowMs() < stalledUntilMs) return false;
    return this.#inbox.length + this.#acts.waiting.length > 0 || this.#dueMs(engineMs) <= clock.nowMs();
  }

  /** When the engine has something to do, in the time of the world. */
  #dueMs(engineMs: number | undefined): number {
    const { isServerUp, stalledUntilMs, offsetMs, clock } = this.#ground;
    if (engineMs === undefined || !isServerUp) return Number.POSITIVE_INFINITY;
    return Math.max(engineMs - offsetMs, stalledUntilMs, clock.nowMs());
  }

  /** Everything that is due now: what arrived is written down, then the engine works until nothing is left to do; when it has something to do again is returned. */
  async #serve(): Promise<number | undefined> {
    for (let turns = 0; ; turns++) {
      assert(turns < 2000, 'the engine does not come to rest');
      try {
        await this.#takeIn();
        await this.#acts.doAll();
        const { count, nextDueAtMs } = await this.#server.engine.runDue();
        if (count > 0) this.#isUnsettled = true;
        if (this.#inbox.length + this.#acts.waiting.length === 0) return nextDueAtMs;
      } catch (error) {
        if (!(error instanceof Abandon)) throw error;
        // The process died right there; another one starts on the same database.
        this.#ground.record('abandoned');
        this.#server.restart();
      }
    }
  }

  async #takeIn(): Promise<void> {
    while (this.#inbox.length > 0) {
      const { host } = this.#inbox[0]!;
      const tasks = this.#inbox.filter((report) => report.host === host);
      const batch = (this.#batches.get(host) ?? 0) + 1;
      const nowMs = this.#ground.serverMs();
      const facts = { host, batch, snapshot: false, atMs: nowMs, freeDiskRatio: 1, tasks, actions: [], begun: [] };
      const plan = await this.#store.read((tx) => planIntake(tx, facts as unknown as Reports, nowMs));
      assert(plan.ok, 'an agent of this world reports for itself');
      await this.#server.engine.append(plan.value);
      this.#batches.set(host, batch);
      for (const { index } of tasks) this.#where.set(index, host);
      this.#inbox = this.#inbox.filter((report) => report.host !== host);
    }
  }

  // -------------------------------------------------------------- what happens

  #happen(one: Happening): void {
    const { scenario, clock } = this.#ground;
    this.#ground.record('happens', () => JSON.stringify(one));
    const isDone = applyFault(one, {
      job,
      cluster: this.#cluster,
      clock,
      scenario,
      hostOf: (index) => this.#where.get(index),
      onHosts: () => this.#acts.watchHosts(),
    });
    if (!isDone) this.#hitServer(one);
    this.#acts.watchHosts();
  }

  #hitServer(one: Happening): void {
    const ground = this.#ground;
    switch (one.kind) {
      case 'server-crash':
        ground.isServerUp = false;
        ground.clock.after(one.forMs, () => {
          ground.isServerUp = true;
          this.#server.restart();
          this.#acts.watchHosts();
        });
        break;
      case 'store-stall':
        ground.stalledUntilMs = ground.clock.nowMs() + one.forMs;
        ground.clock.after(one.forMs, () => {});
        break;
      case 'clock-jump':
        ground.offsetMs += one.byMs;
        break;
      case 'server-kill':
        ground.kills.add(one);
        break;
      default:
        this.#acts.waiting.push(one);
    }
  }

  // -------------------------------------------------------------- the end

  /** All faults are over: a person declares the hosts dead that are, everything else is whole again. */
  #calm(): void {
    const { kills, scenario } = this.#ground;
    this.#ground.record('calm');
    kills.clear();
    for (const { id } of scenario.hosts) {
      if (this.#cluster.isDead(id)) continue;
      this.#cluster.thaw(id);
      this.#cluster.join(id);
    }
    this.#cluster.network = { ...scenario.network, lossRatio: 0 };
    this.#acts.calm();
  }

  /** Looks again only when the engine has done something since. */
  async #isAtRest(): Promise<boolean> {
    if (!this.#isUnsettled) return false;
    this.#isUnsettled = false;
    return this.#ending.isAtRest();
  }

  async #letPersonFinish(): Promise<void> {
    const { clock, scenario } = this.#ground;
    let turns = turnsFor((await this.#ending.standstill()).rollouts);
    for (; turns >= 0; turns--) {
      const standstill = await this.#ending.standstill();
      const stuck = standstill.rollouts.filter((one) => one.state !== 'waiting');
      if (stuck.length === 0) return;
      for (const rollout of stuck) {
        for (const command of waysOut(rollout, standstill, () => 'abort')) {
          await this.#acts.command(rollout, command, scenario.size + 10);
        }
      }
      this.#isUnsettled = true;
      const sinceMs = clock.nowMs();
      await this.#goUntil(() => true, sinceMs, sinceMs + restWithinMs);
    }
    throw new Violation('L2', 'what a person can do does not end it', await this.#facts());
  }

  async #facts(): Promise<object> {
    return { ...(await this.#ending.facts()), parked: await this.#server.engine.listParked() };
  }
}

import { blameWork } from '../../src/blame/work.ts';
import type { CallResult, ControlCall } from '../../src/disruption/index.ts';
import { controlEffects } from '../../src/disruption/work.ts';
import type { SimulatedCluster } from '../../src/drivers/simulated/index.ts';
import { Abandon, createEngine, type Engine, type WorkKind } from '../../src/engine/index.ts';
import { fleetWatch, fleetWatchWork } from '../../src/fleet/work.ts';
import { ProblemError, type TaskControlRequest } from '../../src/model/index.ts';
import { decideJob, type JobDecision, type JobState, standardRules } from '../../src/rollout/index.ts';
import { loadState } from '../../src/rollout/work/load.ts';
import { rolloutWork } from '../../src/rollout/work.ts';
import type { Store, Tx } from '../../src/store/index.ts';
import { coverDecision } from '../coverage.ts';
import type { Ground } from '../ground.ts';
import { isServingExtra, KnownInvariants, type TrueInvariants, Violation } from '../invariants.ts';
import type { Kills } from '../kills.ts';
import type { SimulatedService } from '../services.ts';
import { jobId as job } from '../versions.ts';
import { driverOver } from './driver.ts';
import { plantedJudge, plantedWatch } from './judge.ts';
import type { WholeOptions } from './options.ts';

/** The server: one process after another on the same database, each of which may be killed at any point. */
export class Server {
  readonly #store: Store;
  readonly #ground: Ground;
  readonly #cluster: SimulatedCluster;
  readonly #truth: TrueInvariants;
  readonly #service: SimulatedService | undefined;
  readonly #options: WholeOptions;
  readonly #known = new KnownInvariants();
  /** What the store holds right before a turn of the job. */
  #stored: JobState | undefined;
  #processes = 0;
  engine: Engine;
  decisions = 0;
  transactions = 0;

  constructor(
    store: Store,
    ground: Ground,
    around: {
      readonly cluster: SimulatedCluster;
      readonly truth: TrueInvariants;
      readonly service: SimulatedService | undefined;
      readonly options: WholeOptions;
    },
  ) {
    this.#store = store;
    this.#ground = ground;
    this.#cluster = around.cluster;
    this.#truth = around.truth;
    this.#service = around.service;
    this.#options = around.options;
    this.engine = this.#startProcess();
  }

  /** Another process goes on. */
  restart(): void {
    this.engine = this.#startProcess();
  }

  #startProcess(): Engine {
    this.#processes += 1;
    const { hooks } = this.#options;
    const clock = { nowMs: () => this.#ground.serverMs() };
    const engine = createEngine({
      store: this.#store,
      clock: { ...clock, sleepUntil: () => Promise.reject(new Error('nobody sleeps here')) },
      chance: this.#ground.streams.of('server'),
      processId: `server-${this.#processes}`,
      settings: { isSoleProcess: true },
      hooks: {
        beforeCommit: (moment) => {
          hooks?.beforeCommit?.(moment);
          this.#dieAt('beforeCommit');
        },
        afterCommit: (moment) => {
          this.transactions += 1;
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
        this.#ground.record(`trouble ${what}`);
        if (!(error instanceof ProblemError)) throw error;
      },
    });
    const driver = driverOver(this.#cluster);
    const { work, effects } = rolloutWork({
      driverOf: () => driver,
      clock,
      limits: this.#ground.scenario.shared,
      // Small as they are: what is remembered of a job is tried in every run.
      remember: { leastIndices: 0, mostIndices: 10_000 },
      decide: (state, nowMs, id) => this.#decide(state, nowMs, id),
    });
    for (const kind of work) engine.registerWork(this.#compared(kind));
    for (const kind of blameWork({ graphs: new Map() })) engine.registerWork(kind);
    const planted = [plantedJudge(this.#ground), plantedWatch(this.#ground)];
    for (const kind of [watchOnDemand(), ...planted, elsewhere]) engine.registerWork(kind);
    const asking = controlEffects({ call: async ({ request }: ControlCall) => this.#askService(request), clock });
    for (const kind of [...effects, ...asking]) engine.registerEffect(kind);
    return engine;
  }

  #dieAt(point: Parameters<Kills['isDueAt']>[0]): void {
    if (this.#ground.kills.isDueAt(point)) throw new Abandon();
  }

  #decide(...[state, nowMs, id]: Parameters<typeof decideJob>): JobDecision {
    const { compareLoads, rules, cover } = this.#options;
    if (this.#stored !== undefined) compareLoads?.(state, this.#stored);
    this.#stored = undefined;
    const decision = decideJob(state, nowMs, id, rules ?? standardRules);
    // Void: it is made again with the room of all hosts.
    if (decision.wantsRoom) return decision;
    this.decisions += 1;
    this.#known.check(state, decision, nowMs);
    if (cover !== undefined) coverDecision(state, decision, cover);
    this.#tellTruth(decision);
    for (const event of decision.events) this.#ground.record(event.type, () => JSON.stringify(event.data));
    return decision;
  }

  #tellTruth({ dispatches, after, changed }: JobDecision): void {
    for (const dispatch of dispatches) {
      if (dispatch.kind !== 'execute') continue;
      const { operation } = dispatch;
      const raised = after.rollouts.find((one) => one.id === operation.rollout)?.budgetOverride?.count ?? 0;
      const surge = [...after.tasks.values()].filter(isServingExtra).length;
      const budget = Math.max(standardRules.budgetInForce({ ...after.job, surge }), raised);
      this.#truth.budgets.set(operation.id, operation.exemption === 'forced' ? undefined : budget);
    }
    this.#truth.decided(after);
    for (const index of changed.retired) this.#truth.retire(index);
    for (const one of changed.operations.values()) {
      if (one.kind === 'resize-down' && one.state === 'done') this.#truth.retire(one.index);
    }
  }

  #compared(kind: WorkKind): WorkKind {
    if (kind.kind !== 'job/decide' || this.#options.compareLoads === undefined) return kind;
    return {
      ...kind,
      run: async (turn) => {
        const view = (tx: Tx) => ({ tx, guard: async () => 0 });
        this.#stored = await this.#store.read((tx) => loadState(view(tx), job, this.#ground.scenario.shared));
        await kind.run(turn);
      },
    };
  }

  /** Calls, and their answers, may be lost on the way. */
  #askService(request: TaskControlRequest): CallResult {
    const isLost = this.#cluster.isLost();
    const reply = isLost ? undefined : this.#service?.(request, this.#ground.clock.nowMs());
    if (reply === undefined || this.#cluster.isLost()) return { ok: false, failure: 'it did not answer in time' };
    return { ok: true, reply };
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

/** Releases are nobody's business here. */
const elsewhere: WorkKind = { kind: 'pipeline/decide', run: async () => {} };

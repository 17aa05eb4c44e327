import type { ControlAnswer, OperationAnswer } from '../../src/disruption/index.ts';
import type { SimulatedCluster } from '../../src/drivers/simulated/index.ts';
import { makeId, pickBelow } from '../../src/kit/index.ts';
import type { JobId, Rollout, RolloutCommand, TaskReport } from '../../src/model/index.ts';
import { decideJob, type JobCommand, type JobDecision, type JobState, standardRules } from '../../src/rollout/index.ts';
import { coverDecision } from '../coverage.ts';
import type { Ground } from '../ground.ts';
import { KnownInvariants, type TrueInvariants } from '../invariants.ts';
import { argumentsOf } from '../persons.ts';
import type { RunOptions } from '../run-options.ts';
import type { SimulatedService } from '../services.ts';
import { jobId } from '../versions.ts';
import { firstState } from './beginning.ts';
import { ControllerCalls } from './controller-calls.ts';
import type { Hosts } from './hosts.ts';
import { Looks } from './looks.ts';
import type { Marks } from './marks.ts';
import { Orders } from './orders.ts';

/** What a job stands in, beside the ground. */
export interface Surroundings {
  readonly ground: Ground;
  readonly cluster: SimulatedCluster;
  readonly hosts: Hosts;
  readonly marks: Marks;
  /** What really happens to its tasks. */
  readonly truth: TrueInvariants;
  readonly service: SimulatedService | undefined;
  readonly options: RunOptions;
  /** Looks at what was committed. */
  readonly committed: (nowMs: number) => void;
}

/** One job: its rows, its inbox, and the server's turns about it, each of which is committed at once, or lost. */
export class SimulatedJob {
  readonly id: JobId = jobId;
  readonly prefix = '';
  readonly known = new KnownInvariants();
  readonly truth: TrueInvariants;
  readonly ended: Rollout[] = [];
  readonly #around: Surroundings;
  readonly #ground: Ground;
  readonly #orders: Orders;
  readonly #looks: Looks;
  readonly #controller: ControllerCalls | undefined;
  state: JobState;
  /** Rollouts of another job that one of its own goes together with. */
  others: JobState['others'];
  #reports: TaskReport[] = [];
  #answers: OperationAnswer[] = [];
  #controlAnswers: ControlAnswer[] = [];
  #commands: JobCommand[] = [];
  #isDeciding = false;
  #wakeMs: number | undefined;
  #cancelWake: () => void = () => {};
  #number = 0;
  /** The server dies before it commits the next decision. */
  losesNext = false;
  decisions = 0;
  forced = 0;

  constructor(around: Surroundings) {
    this.#around = around;
    this.#ground = around.ground;
    this.truth = around.truth;
    const { ground, cluster, service } = around;
    this.#orders = new Orders(this, ground, cluster);
    this.#looks = new Looks(this, ground);
    const answered = (answer: ControlAnswer): void => {
      this.#controlAnswers.push(answer);
      this.wantDecision();
    };
    const chance = ground.streams.of(`${this.prefix}controller`);
    this.#controller = service && new ControllerCalls(ground, cluster, { service, chance, answered });
    this.state = firstState(ground.scenario, cluster, service !== undefined);
  }

  get hasService(): boolean {
    return this.#controller !== undefined;
  }

  // -------------------------------------------------------------- its inbox

  reported(report: TaskReport): void {
    this.#reports.push(report);
    this.wantDecision();
  }

  answered(answer: OperationAnswer): void {
    this.#answers.push(answer);
    this.wantDecision();
  }

  command(rollout: Rollout, command: RolloutCommand, count = 4): void {
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
    this.wantDecision();
  }

  /** A decision is due, or a person has not been obeyed yet. */
  isBusy(): boolean {
    return this.#isDeciding || this.#commands.length > 0;
  }

  isDeciding(): boolean {
    return this.#isDeciding;
  }

  // -------------------------------------------------------------- the server's turn

  wantDecision(): void {
    const { clock, streams, isServerUp, stalledUntilMs } = this.#ground;
    if (this.#isDeciding || !isServerUp) return;
    this.#isDeciding = true;
    const atMs = Math.max(clock.nowMs() + 1 + pickBelow(streams.of(`${this.prefix}server`), 5), stalledUntilMs);
    clock.at(atMs, () => {
      this.#isDeciding = false;
      if (this.#ground.isServerUp) this.decide();
    });
  }

  decide(): void {
    const { hosts, marks, options } = this.#around;
    const before: JobState = {
      ...this.state,
      reports: this.#reports,
      answers: this.#answers,
      controlAnswers: this.#controlAnswers,
      commands: this.#commands,
      inventory: { ...hosts.facts(), placements: this.state.inventory.placements },
      carriers: marks.carriers,
      evidence: this.#looks.evidence,
      others: this.others,
    };
    const nowMs = this.#ground.serverMs();
    const ids = this.#ground.streams.of(`${this.prefix}ids`);
    const rules = options.rules ?? standardRules;
    const decision = decideJob(before, nowMs, (prefix) => makeId(prefix, nowMs, ids), rules);
    this.decisions += 1;
    const isKilled = this.#ground.kills.isDueAt('beforeCommit');
    if (this.losesNext || isKilled) {
      // The server dies before it commits: nothing of this happened. After a kill another one goes on at once.
      this.losesNext = false;
      if (isKilled) this.wantDecision();
      return;
    }
    this.known.check(before, decision, nowMs);
    this.#commit(before, decision, nowMs);
  }

  #commit(before: JobState, decision: JobDecision, nowMs: number): void {
    this.state = decision.after;
    this.truth.decided(decision.after);
    this.#reports = [];
    this.#answers = [];
    this.#controlAnswers = [];
    this.#commands = [];
    for (const event of decision.events) {
      this.#ground.record(event.type, () => JSON.stringify(event.data));
      if (event.type === 'operation.forced') this.forced += 1;
    }
    const { cover } = this.#around.options;
    if (cover !== undefined) coverDecision(before, decision, cover);
    for (const rollout of decision.changed.rollouts.values()) this.#keepEnded(rollout);
    for (const index of decision.changed.retired) this.truth.retire(index);
    for (const one of decision.changed.operations.values()) {
      if (one.kind === 'resize-down' && one.state === 'done') this.truth.retire(one.index);
    }
    this.#letOut(decision);
    this.#around.committed(nowMs);
    this.#wakeAt(decision.wakeAtMs);
  }

  /** One that a watch found bad has the job again. */
  #keepEnded(rollout: Rollout): void {
    const at = this.ended.findIndex((one) => one.id === rollout.id);
    if (at !== -1) this.ended.splice(at, 1);
    if (rollout.endedAtMs !== undefined) this.ended.push(rollout);
  }

  /** What follows from a decision once it is committed. */
  #letOut({ dispatches, controllerRequest, looks, watches, markWishes }: JobDecision): void {
    for (const dispatch of dispatches) {
      if (dispatch.kind === 'execute') this.#controller?.check(this.state, dispatch.operation);
      this.#orders.send(dispatch);
    }
    if (controllerRequest !== undefined) this.#controller?.call(controllerRequest);
    for (const rollout of looks) this.#looks.look(rollout);
    for (const rollout of watches) this.#looks.watch(rollout);
    for (const wish of markWishes) this.#around.marks.consider(wish);
  }

  #wakeAt(serverMs: number | undefined): void {
    const wakeAtMs = serverMs === undefined ? undefined : serverMs - this.#ground.offsetMs;
    if (wakeAtMs === undefined || wakeAtMs === this.#wakeMs) return;
    this.#cancelWake();
    this.#wakeMs = wakeAtMs;
    this.#cancelWake = this.#ground.clock.at(wakeAtMs, () => {
      this.#wakeMs = undefined;
      this.wantDecision();
    });
  }
}

import type { OperationAnswer } from '../../src/disruption/index.ts';
import type { ExecuteRequest } from '../../src/drivers/index.ts';
import type { SimulatedCluster } from '../../src/drivers/simulated/index.ts';
import type { HostId, JobId } from '../../src/model/index.ts';
import { type Dispatch, type JobState, standardRules } from '../../src/rollout/index.ts';
import type { Ground } from '../ground.ts';
import { isServingExtra, type TrueInvariants } from '../invariants.ts';

/** Whose orders they are, and who is told what became of them. */
export interface OrderedBy {
  readonly id: JobId;
  readonly state: JobState;
  readonly truth: TrueInvariants;
  answered(answer: OperationAnswer): void;
}

interface Pending {
  readonly request: ExecuteRequest;
  isWithdrawn: boolean;
}

/** The way of a job's orders to its agents, one after another for each task: late, lost and again, or taken back. */
export class Orders {
  readonly #job: OrderedBy;
  readonly #ground: Ground;
  readonly #cluster: SimulatedCluster;
  readonly #queues = new Map<string, Pending[]>();

  constructor(job: OrderedBy, ground: Ground, cluster: SimulatedCluster) {
    this.#job = job;
    this.#ground = ground;
    this.#cluster = cluster;
  }

  send(dispatch: Dispatch): void {
    const { operation } = dispatch;
    const key = `${operation.host}/${operation.index}`;
    if (dispatch.kind === 'execute') {
      this.#noteBudget(dispatch.operation);
      const queue = this.#queues.get(key) ?? [];
      queue.push({ request: dispatch.request, isWithdrawn: false });
      this.#queues.set(key, queue);
      if (queue.length === 1) this.#deliverLater(key, this.#cluster.latencyMs());
    } else if (dispatch.kind === 'withdraw') {
      for (const one of this.#queues.get(key) ?? []) if (one.request.id === operation.id) one.isWithdrawn = true;
    } else this.#cancelLater(operation.id, operation.host!, operation.index, this.#cluster.latencyMs());
  }

  /** What the truth is held against: the budget as it is when an operation is admitted. */
  #noteBudget({ id, rollout, exemption }: Dispatch['operation']): void {
    const { state, truth } = this.#job;
    const raised = state.rollouts.find((one) => one.id === rollout)?.budgetOverride?.count ?? 0;
    const surge = [...state.tasks.values()].filter(isServingExtra).length;
    const budget = Math.max(standardRules.budgetInForce({ ...state.job, surge }), raised);
    truth.budgets.set(id, exemption === 'forced' ? undefined : budget);
  }

  #deliverLater(key: string, inMs: number): void {
    this.#ground.clock.after(inMs, () => {
      const queue = this.#queues.get(key)!;
      while (queue[0]?.isWithdrawn) queue.shift();
      const first = queue[0];
      if (first === undefined) return;
      if (!this.#reaches(first.request.host!)) {
        this.#deliverLater(key, 1000);
        return;
      }
      this.#cluster.execute(first.request);
      if (this.#isUnheard()) {
        this.#deliverLater(key, 1000);
        return;
      }
      queue.shift();
      this.#answerLater({ operation: first.request.id, answer: 'begun', atMs: this.#ground.clock.nowMs() });
      if (queue.length > 0) this.#deliverLater(key, this.#cluster.latencyMs());
    });
  }

  #cancelLater(id: OperationAnswer['operation'], host: HostId, index: number, inMs: number): void {
    this.#ground.clock.after(inMs, () => {
      if (!this.#job.state.operations.some((one) => one.id === id)) return;
      if (!this.#reaches(host)) {
        this.#cancelLater(id, host, index, 1000);
        return;
      }
      const answer = this.#cluster.cancel(host, id, this.#job.id, index);
      if (this.#isUnheard()) this.#cancelLater(id, host, index, 1000);
      else this.#answerLater({ operation: id, answer, atMs: this.#ground.clock.nowMs() });
    });
  }

  #reaches(host: HostId): boolean {
    return this.#ground.isServerUp && this.#cluster.canReach(host);
  }

  /** The answer may be lost, or with it who heard it: then it is asked again, and the agent knows it. */
  #isUnheard(): boolean {
    return this.#cluster.isLost() || this.#ground.kills.isDueAt('afterEffect');
  }

  #answerLater(answer: OperationAnswer): void {
    this.#ground.clock.after(this.#cluster.latencyMs(), () => this.#job.answered(answer));
  }
}

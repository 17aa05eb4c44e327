import type { ControlAnswer, LedgerOperation } from '../../src/disruption/index.ts';
import type { SimulatedCluster } from '../../src/drivers/simulated/index.ts';
import type { Chance } from '../../src/kit/index.ts';
import type { TaskControlRequest } from '../../src/model/index.ts';
import type { JobState } from '../../src/rollout/index.ts';
import type { Ground } from '../ground.ts';
import { LiveAcks } from '../live-acks.ts';
import type { SimulatedService } from '../services.ts';

/** Calls reach the service late, not at all, or twice; and so do its answers. */
export class ControllerCalls {
  readonly #ground: Ground;
  readonly #cluster: SimulatedCluster;
  readonly #service: SimulatedService;
  readonly #chance: Chance;
  readonly #acks = new LiveAcks();
  readonly #answered: (answer: ControlAnswer) => void;

  constructor(
    ground: Ground,
    cluster: SimulatedCluster,
    { service, chance, answered }: { service: SimulatedService; chance: Chance; answered: (a: ControlAnswer) => void },
  ) {
    this.#ground = ground;
    this.#cluster = cluster;
    this.#service = service;
    this.#chance = chance;
    this.#answered = answered;
  }

  /** What is admitted has been let go by the service, or needs nobody's word. */
  check(state: JobState, operation: LedgerOperation): void {
    this.#acks.check(state, operation);
  }

  call(request: TaskControlRequest): void {
    const { clock, kills } = this.#ground;
    this.#acks.called(request.sequenceNumber);
    const isTwice = (): boolean => this.#chance.next() < this.#cluster.network.repeatRatio;
    const times = this.#cluster.isLost() ? 0 : isTwice() ? 2 : 1;
    for (let n = 0; n < times; n++) {
      clock.after(this.#cluster.latencyMs(), () => {
        const reply = this.#service(request, clock.nowMs());
        if (this.#cluster.isLost() || kills.isDueAt('afterEffect')) return;
        clock.after(this.#cluster.latencyMs(), () => this.#arrive(request.sequenceNumber, reply));
      });
    }
  }

  #arrive(sequence: number, reply: ControlAnswer['reply']): void {
    if (!this.#ground.isServerUp) return;
    const failure = reply === undefined ? 'it did not answer in time' : undefined;
    this.#acks.arrived(sequence, reply);
    this.#answered({ sequence, atMs: this.#ground.serverMs(), reply, failure });
  }
}

import type { Rollout } from '../../src/model/index.ts';
import type { Ground } from '../ground.ts';
import { groupOf, Sibling } from '../sibling.ts';
import { jobId } from '../versions.ts';
import type { SimulatedJob } from './job.ts';

/** The other job that the first deployment goes together with, where the scenario has one. */
export class Together {
  readonly #ground: Ground;
  readonly #job: SimulatedJob;
  #sibling: Sibling | undefined;
  #isBusy = false;

  constructor(ground: Ground, job: SimulatedJob) {
    this.#ground = ground;
    this.#job = job;
  }

  /** The first one goes together with another job's. */
  tie(rollout: Rollout): Rollout {
    const script = this.#ground.scenario.sibling;
    if (script === undefined || this.#sibling !== undefined || rollout.kind !== 'deploy') return rollout;
    const own = { ...rollout, group: groupOf(script, rollout.id, jobId) };
    this.#sibling = new Sibling(script, own);
    this.#job.others = this.#sibling.others;
    return own;
  }

  /** Does what it may do next a while after it may; what it waits for of ours comes by a decision. */
  letAct(): void {
    const sibling = this.#sibling;
    const next = sibling === undefined || this.#isBusy ? undefined : this.#next(sibling);
    if (sibling === undefined || next === undefined) return;
    this.#isBusy = true;
    this.#ground.clock.after(next.inMs, () => {
      this.#isBusy = false;
      this.#next(sibling)?.act(this.#ground.serverMs());
      this.#job.others = sibling.others;
      this.#ground.record('elsewhere', () => [...sibling.others.values()].map(({ state }) => state).join());
      this.#job.wantDecision();
      this.letAct();
    });
  }

  #next(sibling: Sibling): ReturnType<Sibling['next']> {
    const { own: id } = sibling;
    const own = this.#job.state.rollouts.find((one) => one.id === id);
    return sibling.next(own, this.#job.ended.find((one) => one.id === id)?.state);
  }
}

import { pickOne } from '../../src/kit/index.ts';
import type { Rollout, TaskIndex } from '../../src/model/index.ts';
import { explainRollout } from '../../src/rollout/index.ts';
import type { Ground } from '../ground.ts';
import { Violation } from '../invariants.ts';
import { isForPersons, needsPersonAfterMs, turnsFor, waysOut } from '../persons.ts';
import { areStill, differencesOf, isBusy, isStuck, restWithinMs } from '../rest.ts';
import type { SimulatedJob } from './job.ts';

/** The end of a run: when all is at rest, what is left to persons, and that they can end it. */
export class Ending {
  readonly #ground: Ground;
  readonly #job: SimulatedJob;

  constructor(ground: Ground, job: SimulatedJob) {
    this.#ground = ground;
    this.#job = job;
  }

  /** Nothing moves any more: rollouts have ended or are held, and reality is as assigned. */
  isAtRest(): boolean {
    const { state } = this.#job;
    if (this.#job.isBusy() || !areStill(state.rollouts)) return false;
    if (isBusy(this.#ground.scenario, state.operations)) return false;
    return this.#differences().length === 0;
  }

  needsPerson(sinceMs: number): boolean {
    const isOver = (this.#ground.clock.nextMs() ?? Number.POSITIVE_INFINITY) > sinceMs + needsPersonAfterMs;
    const { rollouts, operations, assignment, job } = this.#job.state;
    if (!isOver || this.#job.isDeciding() || rollouts.length === 0) return false;
    const stuck = isStuck(this.#ground.scenario, assignment);
    return isForPersons({ rollouts, operations, size: job.size, isStuck: stuck, others: this.#job.others });
  }

  #differences(): readonly unknown[] {
    const { state, truth } = this.#job;
    const placesOf = (index: TaskIndex): readonly string[] => truth.placesOf(index);
    return differencesOf(this.#ground.scenario, { ...state, size: state.job.size, placesOf });
  }

  /** Liveness L2: what waits for a person at the end has an exit that a person can take; it is taken. */
  letPersonFinish(endMs: number, goUntil: (isDone: () => boolean, untilMs: number) => void): void {
    const { clock } = this.#ground;
    const turns = turnsFor(this.#job.state.rollouts);
    for (let turn = 0; turn <= turns; turn++) {
      // A quiet point: nothing moves before a person does something.
      this.checkRollouts();
      const stuck = this.#job.state.rollouts.filter((one) => one.state !== 'waiting');
      if (stuck.length === 0) return;
      for (const rollout of stuck) this.#rescue(rollout, turn);
      const untilMs = Math.max(clock.nowMs(), endMs) + restWithinMs;
      const sinceMs = clock.nowMs();
      goUntil(() => !this.#job.isBusy() && (this.isAtRest() || this.needsPerson(sinceMs)), untilMs);
    }
    throw new Violation('L2', 'what a person can do does not end it', {
      states: this.#job.state.rollouts.map((one) => one.state),
    });
  }

  #rescue(rollout: Rollout, turn: number): void {
    const { operations, job: facts } = this.#job.state;
    const ways = waysOut(rollout, { operations, size: facts.size }, (exits) =>
      turn === 0 ? pickOne(this.#ground.streams.of('person'), exits) : 'abort',
    );
    for (const command of ways) this.#job.command(rollout, command, facts.size);
  }

  fail(why: string): never {
    const rollouts = this.#job.state.rollouts.map((one) => [
      one.id,
      one.state,
      one.hold?.reason,
      explainRollout(this.#job.state, one, this.#ground.serverMs()).sentence,
    ]);
    throw new Violation('L1', `reality has not converged: ${why}`, { open: this.#differences(), rollouts });
  }

  /** L2: whoever waits can say why, and what ends it exists. */
  checkExplained(): void {
    for (const { index, state, blockedBy } of this.#job.state.operations) {
      if (state === 'blocked' && !blockedBy) throw new Violation('L2', 'an operation waits for nothing', { index });
    }
    if (this.#job.decisions % 8 === 0) this.checkRollouts();
  }

  checkRollouts(): void {
    for (const rollout of this.#job.state.rollouts) {
      const { sentence, unblocker } = explainRollout(this.#job.state, rollout, this.#ground.serverMs());
      const isEmpty = sentence.length === 0 || (unblocker.kind === 'person' && unblocker.commands.length === 0);
      if (isEmpty) throw new Violation('L2', 'a wait has no reason or no exit', { rollout: rollout.state, sentence });
    }
  }
}

import type { LedgerOperation } from '../../src/disruption/index.ts';
import * as ledger from '../../src/disruption/rows.ts';
import type { AssignmentRow, TaskIndex } from '../../src/model/index.ts';
import * as rows from '../../src/rollout/rows.ts';
import type { Store } from '../../src/store/index.ts';
import { type TrueInvariants, Violation } from '../invariants.ts';
import { isForPersons, type Standstill } from '../persons.ts';
import { areStill, differencesOf, isStuck } from '../rest.ts';
import type { Scenario } from '../scenario.ts';
import { jobId as job } from '../versions.ts';
import type { WholeResult } from './options.ts';

/** The end of a run, as the rows have it: when all is at rest, and what is left. */
export class Ending {
  readonly #store: Store;
  readonly #scenario: Scenario;
  readonly #truth: TrueInvariants;

  constructor(store: Store, scenario: Scenario, truth: TrueInvariants) {
    this.#store = store;
    this.#scenario = scenario;
    this.#truth = truth;
  }

  async isAtRest(): Promise<boolean> {
    const { rollouts, operations } = await this.standstill();
    if (!areStill(rollouts) || operations.some((one) => one.admittedAtMs !== undefined)) return false;
    return (await this.#differences()).length === 0;
  }

  async needsPerson(): Promise<boolean> {
    const standstill = await this.standstill();
    const stuck = isStuck(this.#scenario, await this.#assignment());
    return standstill.rollouts.length > 0 && isForPersons({ ...standstill, isStuck: stuck });
  }

  async standstill(): Promise<Omit<Standstill, 'isStuck'>> {
    const rollouts = await this.#store.read((tx) => rows.listLiveRollouts(tx, job));
    return { rollouts, operations: await this.#operations(), size: this.#scenario.size };
  }

  async #operations(): Promise<LedgerOperation[]> {
    return this.#store.read((tx) => ledger.loadOperations(tx, job));
  }

  async #assignment(): Promise<ReadonlyMap<TaskIndex, AssignmentRow>> {
    const rowsOfJob = await this.#store.read((tx) => rows.listAssignment(tx, job));
    return new Map(rowsOfJob.map((row) => [row.index, row]));
  }

  async #differences(): Promise<readonly unknown[]> {
    const assignment = await this.#assignment();
    const { rollouts, operations } = await this.standstill();
    const { facts, tasks } = await this.#store.read(async (tx) => ({
      facts: await rows.loadJob(tx, job),
      tasks: new Map((await ledger.listTasks(tx, job)).map((task) => [task.index, task])),
    }));
    const placesOf = (index: TaskIndex): readonly string[] => this.#truth.placesOf(index);
    return differencesOf(this.#scenario, { size: facts.size, assignment, tasks, operations, rollouts, placesOf });
  }

  /** What is said where it does not come to rest. */
  async facts(): Promise<object> {
    const live = await this.#store.read((tx) => rows.listLiveRollouts(tx, job));
    return {
      open: await this.#differences(),
      rollouts: live.map((one) => [one.id, one.state, one.hold?.reason]),
      operations: (await this.#operations()).map((one) => [one.kind, one.index, one.state, one.blockedBy]),
    };
  }

  async rowsAtTheEnd(): Promise<Pick<WholeResult, 'assignment' | 'marks' | 'outcomes' | 'forced' | 'unfinished'>> {
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
}

/** What must not be left when a run is over; undefined: nothing is. */
export function leftOver(
  isChainOk: boolean,
  parked: number,
  begun: ReadonlyMap<string, number>,
): Violation | undefined {
  if (!isChainOk) return new Violation('events', 'the chain of events is broken', {});
  if (parked > 0) return new Violation('work', 'work was left aside', { parked });
  for (const [id, count] of begun) {
    if (count > 1) return new Violation('once', 'an operation, or an incarnation, was begun twice', { id, count });
  }
  return undefined;
}

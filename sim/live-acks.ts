import type { LedgerOperation } from '../src/disruption/index.ts';
import type { TaskControlResponse } from '../src/model/index.ts';
import type { JobState } from '../src/rollout/index.ts';
import { Violation } from './invariants.ts';

/**
 * Which operations the service has let go, known apart from the decisions: an ack counts when its answer arrives while
 * its call is the newest and still open.
 */
export class LiveAcks {
  readonly #acked = new Set<string>();
  #open: number | undefined;

  called(sequence: number): void {
    this.#open = sequence;
  }

  /** An answer, as it is put into the inbox. */
  arrived(sequence: number, reply: TaskControlResponse | undefined): void {
    if (sequence !== this.#open) return;
    this.#open = undefined;
    for (const opId of reply?.ack ?? []) this.#acked.add(opId);
  }

  /** What takes out a task that may be serving has been acked, or two persons went on without the service. */
  check({ rollouts }: JobState, operation: LedgerOperation): void {
    if (operation.exemption !== undefined || this.#acked.has(operation.id)) return;
    const rollout = rollouts.find(({ id }) => id === operation.rollout);
    if (rollout?.controllerOverride?.confirmedBy !== undefined) return;
    const { id, kind, index } = operation;
    throw new Violation('R13', 'an operation was admitted that the service has not acked', { id, kind, index });
  }
}

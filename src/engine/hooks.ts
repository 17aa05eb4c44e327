/** What was about to be committed, or was. */
export interface Moment {
  readonly what: 'claim' | 'turn' | 'finish' | 'effect' | 'append' | 'seal';
  /** Kind and key of the work row, or kind and id of the effect. */
  readonly kind: string;
  readonly key: string;
}

/**
 * Called at every point where a process may die and leave a different world behind. A crash test throws `Abandon` in
 * one of them: the engine then does nothing more, ever, and leaves the database as a killed process would.
 */
export interface Hooks {
  /** All statements ran; the transaction is not committed yet. */
  readonly beforeCommit?: (moment: Moment) => void;
  /** The transaction is durable; nobody was told yet. */
  readonly afterCommit?: (moment: Moment) => void;
  /** The effect's receiver answered; nothing is recorded yet. */
  readonly afterEffect?: (moment: Moment) => void;
}

/** Thrown by a hook: leave everything as it is at this very point. */
export class Abandon extends Error {
  constructor(message = 'abandoned') {
    super(message);
    this.name = 'Abandon';
  }
}

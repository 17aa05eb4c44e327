import {
  err,
  ok,
  type Problem,
  problem,
  type Result,
  type Rollout,
  type RolloutCommand,
  type RolloutState,
  rolloutCommands,
} from '../model/index.ts';
import { isRound } from './rounds.ts';

/**
 * state × command → state. What is not here is illegal and answered with a problem; the diagram of the docs, the
 * buttons of the screens and the test of illegal transitions come from this table. `resumed` stands for what the
 * hold resumes to.
 */
export const transitions: Readonly<Record<RolloutState, Partial<Record<RolloutCommand, RolloutState | 'resumed'>>>> = {
  waiting: {
    pause: 'held',
    abort: 'aborted',
    'raise-budget': 'waiting',
    'hold-after': 'waiting',
    'pass-barrier': 'waiting',
    'override-controller': 'waiting',
    'confirm-override': 'waiting',
  },
  running: {
    pause: 'held',
    abort: 'aborted',
    revert: 'reverting',
    promote: 'running',
    'skip-bake': 'running',
    'raise-budget': 'running',
    'hold-after': 'running',
    'pass-barrier': 'running',
    'override-controller': 'running',
    'confirm-override': 'running',
  },
  held: {
    pause: 'held',
    resume: 'resumed',
    abort: 'aborted',
    revert: 'reverting',
    promote: 'running',
    'raise-budget': 'held',
    'hold-after': 'held',
    'pass-barrier': 'held',
    'override-controller': 'held',
    'confirm-override': 'held',
  },
  reverting: {
    pause: 'held',
    abort: 'aborted',
    revert: 'reverting',
    'raise-budget': 'reverting',
    'override-controller': 'reverting',
    'confirm-override': 'reverting',
  },
  succeeded: {},
  reverted: {},
  aborted: {},
  superseded: {},
};

/** What follows on its own, without a command: the rest of the state machine's edges. */
export const ownTransitions: Readonly<Record<RolloutState, readonly RolloutState[]>> = {
  waiting: ['running', 'superseded', 'aborted'],
  running: ['held', 'reverting', 'succeeded', 'superseded'],
  held: ['running', 'reverting', 'superseded'],
  reverting: ['reverted', 'held', 'superseded'],
  // The watch after the last phase found it bad: it has the job again.
  succeeded: ['reverting', 'held'],
  reverted: [],
  aborted: [],
  superseded: [],
};

const needsReason: readonly RolloutCommand[] = [
  'promote',
  'skip-bake',
  'raise-budget',
  'pass-barrier',
  'override-controller',
];

/** Commands a person may give now and that change something, just as they are: the buttons. */
export function legalCommands(rollout: Rollout): RolloutCommand[] {
  return rolloutCommands.filter(
    (command) =>
      // It names a phase.
      command !== 'hold-after' && !isUnderWayAlready(rollout, command) && mayCommand(rollout, command, 'x').ok,
  );
}

/** To say again what it is doing is no mistake, and does nothing. */
function isUnderWayAlready(rollout: Rollout, command: RolloutCommand): boolean {
  return command === 'revert' && rollout.state === 'reverting';
}

/** Whether this rollout takes this command, or why not. */
export function mayCommand(
  rollout: Rollout,
  command: RolloutCommand,
  reason: string | undefined,
): Result<RolloutState, Problem> {
  const to = transitions[rollout.state][command];
  if (to === undefined || !fits(rollout, command)) {
    const detail = `${rollout.id} is ${rollout.state}: it cannot be told to ${command}.`;
    return err(problem('rollout/illegal-transition', detail, { rollout: rollout.id, state: rollout.state, command }));
  }
  const isUndoing = command === 'revert' && rollout.forwardOnly !== undefined;
  if ((needsReason.includes(command) || isUndoing) && !reason) {
    return err(problem('rollout/needs-reason', `${command} needs a reason.`, { rollout: rollout.id, command }));
  }
  return ok(to === 'resumed' ? (rollout.hold?.resumesTo ?? 'running') : to);
}

/** What the table cannot say: a hold remembers whether it stopped a wait, an update or a revert. */
function fits(rollout: Rollout, command: RolloutCommand): boolean {
  const phase = rollout.phases[rollout.currentPhase];
  if (command === 'skip-bake') return phase?.state === 'judging' || phase?.state === 'updating';
  const { controller, controllerOverride } = rollout;
  if (command === 'override-controller')
    return controller !== undefined && controllerOverride?.confirmedBy === undefined;
  if (command === 'confirm-override') {
    return controllerOverride !== undefined && controllerOverride.confirmedBy === undefined;
  }
  const resumesTo = rollout.hold?.resumesTo;
  if (command === 'pass-barrier') {
    return rollout.group !== undefined && rollout.unbarred === undefined && resumesTo !== 'reverting';
  }
  if (command === 'promote') return resumesTo === undefined || resumesTo === 'running';
  // A round changes no version: there is nothing to take back.
  const hasWayBack = !rollout.firstDeployment && !isRound(rollout);
  if (command === 'revert') return hasWayBack && resumesTo !== 'waiting';
  return true;
}

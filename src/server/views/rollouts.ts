import type {
  BudgetLine,
  LegalCommand,
  PhaseView,
  RolloutDetail,
  RolloutSummary,
  VersionRef,
} from '../../api/index.ts';
import { budgetInForce } from '../../disruption/index.ts';
import type { VerdictRow } from '../../judge/read.ts';
import { formatDuration } from '../../kit/index.ts';
import { actorName, type Phase, partsOfJob, type Rollout, type RolloutCommand } from '../../model/index.ts';
import { explainBarrier, legalCommands, mayCommand, nameStrategy } from '../../rollout/index.ts';
import type { JobScreen, RolloutScreen } from '../../rollout/read.ts';
import { actorView } from './events.ts';

/** Versions by id, as people recognise them. */
export type VersionsById = ReadonlyMap<string, VersionRef>;

export function rolloutSummary(
  rollout: Rollout,
  screen: JobScreen | undefined,
  versions: VersionsById,
  /** Of its job now: for what ended before it had reached everybody. */
  jobSize?: number,
): RolloutSummary {
  const { service, environment } = partsOfJob(rollout.job);
  return {
    id: rollout.id,
    job: rollout.job,
    service,
    environment,
    group: rollout.group?.id ?? null,
    kind: rollout.kind,
    state: rollout.state,
    release: rollout.release ?? null,
    to: versions.get(rollout.to) ?? null,
    currentPhase: rollout.currentPhase,
    phaseCount: rollout.phases.length,
    updated: updatedOf(rollout, screen),
    size: screen?.job.size ?? sizeReached(rollout) ?? jobSize ?? 0,
    failure: rollout.failure?.sentence ?? null,
    createdBy: actorView(rollout.createdBy),
    createdAtMs: rollout.createdAtMs,
    startedAtMs: rollout.startedAtMs ?? null,
    endedAtMs: rollout.endedAtMs ?? null,
  };
}

/** The members of the last phase are everybody, once it has begun. */
function sizeReached(rollout: Rollout): number | undefined {
  const last = rollout.phases.at(-1);
  return last?.startedAtMs === undefined ? undefined : last.members.length;
}

/** Of one that has ended, what it reached: the job may have moved on since. */
function updatedOf(rollout: Rollout, screen: JobScreen | undefined): number {
  if (rollout.state === 'succeeded') return rollout.phases.at(-1)?.members.length ?? 0;
  if (rollout.state === 'reverted') return 0;
  return screen?.dots.filter((dot) => dot.look === 'new').length ?? 0;
}

export function phaseViews(rollout: Rollout, screen: JobScreen, verdicts: readonly VerdictRow[]): PhaseView[] {
  const promised = new Map(verdicts.map((row) => [row.phase, row.promised]));
  const updated = new Set(screen.dots.filter((dot) => dot.look === 'new').map((dot) => dot.index));
  return rollout.phases.map((phase, at) => {
    const before = new Set(rollout.phases[at - 1]?.members ?? []);
    return {
      name: phase.name,
      state: phase.state,
      members: [...phase.members],
      adds: phase.members.filter((index) => !before.has(index)).length,
      updated: phase.members.filter((index) => updated.has(index)).length,
      allowance: phase.allowance,
      concurrency: phase.concurrency,
      minBakeMs: phase.minBakeMs,
      maxBakeMs: phase.maxBakeMs,
      onFail: phase.onFail,
      onUndecided: phase.onUndecided ?? null,
      startedAtMs: phase.startedAtMs ?? null,
      updatedAtMs: phase.updatedAtMs ?? null,
      endedAtMs: phase.endedAtMs ?? null,
      promised: promised.get(at) ?? null,
      passedBy: phase.passedBy ?? null,
    };
  });
}

/** The watch after the last phase, and how it stands. */
export function watchView({ watch, phases }: Rollout, verdicts: readonly VerdictRow[]): RolloutDetail['watch'] {
  if (watch === undefined) return null;
  const { state, fromMs, untilMs, note } = watch;
  const last = verdicts.findLast((row) => row.phase === phases.length)?.verdict;
  const waits = state === 'failing' ? ' Its tasks go back when nobody else has the job.' : '';
  const sentence = `${note ?? last?.sentence ?? 'Nothing was looked at yet.'}${waits}`;
  return {
    state,
    fromMs,
    untilMs,
    sentence,
    earlier: watch.earlier.map((one) => one.rollout),
    named: [...watch.named],
  };
}

/** Changes whenever a command might mean something else than when it was read. */
export function rolloutEtag(rollout: Rollout): string {
  const phase = rollout.phases[rollout.currentPhase];
  const asked = rollout.controllerOverride === undefined ? [] : [rollout.controllerOverride.askedAtMs];
  return [rollout.state, rollout.currentPhase, phase?.state ?? 'none', rollout.hold?.sinceMs ?? 0, ...asked].join('.');
}

const doneWords = {
  deploy: 'on the new version',
  rollback: 'on the earlier version',
  restart: 'restarted',
  move: 'moved',
} as const;

/** `phase 2 of 4 · 12 of 48 tasks · budget 3 of 5 out · next: judge, about 40 s`. */
export function headline(rollout: Rollout, summary: RolloutSummary, budget: BudgetLine, nowMs: number): string {
  if (rollout.endedAtMs !== undefined) {
    const took = formatDuration(rollout.endedAtMs - (rollout.startedAtMs ?? rollout.createdAtMs));
    const { watch } = rollout;
    const left = watch?.state === 'watching' ? Math.max(0, watch.untilMs - nowMs) : 0;
    const watched = left > 0 ? ` · watched for another ${formatDuration(left)}` : '';
    return `${rollout.state} after ${took} · ${summary.updated} of ${summary.size} tasks ${doneWords[rollout.kind]}${watched}`;
  }
  const at =
    rollout.phases.length === 0 ? 'not started' : `phase ${rollout.currentPhase + 1} of ${rollout.phases.length}`;
  const next = nextStep(rollout, nowMs);
  const by = nameStrategy(rollout.plan.strategy).name;
  const how = by === 'in-place' ? [] : [by];
  const parts = [at, ...how, `${summary.updated} of ${summary.size} tasks`, `budget ${budget.sentence}`];
  return [...parts, ...(next === undefined ? [] : [`next: ${next}`])].join(' · ');
}

/** `phase 2 of 3, percent-25: judging`; before and after its phases only the state. */
export function whereItIs({ state, phases, currentPhase }: Rollout): string {
  const phase = phases[currentPhase];
  if (phase === undefined || state === 'succeeded' || state === 'reverted') return state;
  const at = `phase ${currentPhase + 1} of ${phases.length}, ${phase.name}: ${phase.state}`;
  return state === 'running' ? at : `${state}, ${at}`;
}

function nextStep(rollout: Rollout, nowMs: number): string | undefined {
  if (rollout.state === 'held') {
    const ends = rollout.hold?.then;
    return ends
      ? `${ends.do} in ${formatDuration(Math.max(0, ends.atMs - nowMs))}`
      : 'a person resumes, reverts or aborts';
  }
  if (rollout.state === 'reverting') return 'the touched tasks go back';
  if (rollout.state === 'waiting') return 'it starts when the job is free';
  const phase = rollout.phases[rollout.currentPhase];
  if (phase?.state === 'updating')
    return phase.maxBakeMs > 0 ? `judge, for up to ${formatDuration(phase.maxBakeMs)}` : 'the next phase';
  if (phase?.state === 'judging') return `judge, ${judgeTime(phase, nowMs)}`;
  return undefined;
}

function judgeTime(phase: Phase, nowMs: number): string {
  const sinceMs = phase.updatedAtMs ?? nowMs;
  const leastMs = sinceMs + phase.minBakeMs - nowMs;
  const mostMs = sinceMs + phase.maxBakeMs - nowMs;
  if (leastMs > 0) return `not before ${formatDuration(leastMs)}, at most ${formatDuration(Math.max(0, mostMs))}`;
  return `at most ${formatDuration(Math.max(0, mostMs))} more`;
}

/** What it waits for, with what ends it; null when it just goes on. */
export function whyWaiting(
  rollout: Rollout,
  screen: JobScreen,
  budget: BudgetLine,
  others: ReadonlyMap<Rollout['id'], Rollout> = new Map(),
): string | null {
  if (rollout.endedAtMs !== undefined) return null;
  const barred = explainBarrier(rollout, others);
  if (barred !== undefined) return `${barred.sentence} Next: ${barred.next}.`;
  if (rollout.state === 'waiting') {
    return 'It starts when no other rollout has the job; of those that wait, the newest wins.';
  }
  if (rollout.hold) {
    const { reason, then } = rollout.hold;
    const ways = legalCommands(rollout).filter((command) => command !== 'pause');
    const ends = then ? `It will ${then.do} by itself.` : `A person ends it: ${ways.join(', ')}.`;
    return `Held: ${reason.replace(/[.]$/, '')}. ${ends}`;
  }
  const blocked = screen.operations.find((one) => one.rollout === rollout.id && one.state === 'blocked');
  if (blocked?.blockedBy !== undefined) return `Task ${blocked.index}: ${blocked.blockedBy}`;
  if (budget.out >= budget.budget && screen.operations.some((one) => one.state === 'requested')) {
    return `The budget is used up (${budget.sentence}); it goes on when a task serves again.`;
  }
  return null;
}

/** The buttons, each with what it would do. */
export function legalCommandViews(rollout: Rollout, summary: RolloutSummary, screen: RolloutScreen): LegalCommand[] {
  const touched = `${summary.updated} of ${summary.size} tasks`;
  const effects: Record<RolloutCommand, string> = {
    pause: 'Nothing further begins until somebody resumes it.',
    resume: rollout.hold?.resumesTo === 'reverting' ? 'The revert goes on.' : 'It goes on where it stopped.',
    abort: `Ends it here: ${touched} stay on the new version.`,
    revert: revertEffect(rollout, screen),
    promote: 'Lets it through: no further gate but basic checks is waited for.',
    'skip-bake': 'Ends the wait of this phase as soon as its tasks are updated.',
    'raise-budget': 'More tasks may be out at once for this rollout.',
    'hold-after': 'It holds when that phase has passed.',
    'pass-barrier': 'It goes on without waiting for the other jobs; its own gates stay.',
    'override-controller': 'Asks for leave to go on without the service’s controller; another person has to confirm.',
    'confirm-override': confirmEffect(rollout),
  };
  const waitsForController = screen.operations.some((one) => one.isAsked === true && one.ackedAtMs === undefined);
  const offered = legalCommands(rollout).filter((command) => {
    // Pausing what is held already would change nothing.
    if (command === 'pause') return rollout.state !== 'held';
    return command !== 'override-controller' || (waitsForController && rollout.controllerOverride === undefined);
  });
  return offered.map((command) => ({
    command,
    needsReason: !mayCommand(rollout, command, undefined).ok,
    effect: effects[command],
  }));
}

/** Whoever confirms reads what he confirms. */
function confirmEffect({ controllerOverride: asked }: Rollout): string {
  const wish =
    asked === undefined ? '' : `${actorName(asked.askedBy)} asks for it: ${asked.reason.replace(/[.]$/, '')}. `;
  return `${wish}This rollout goes on without the service’s controller; the budget stays in force.`;
}

/** How many tasks go back, and how long that takes at the pace of the updates so far. */
function revertEffect(rollout: Rollout, screen: RolloutScreen): string {
  const n = screen.dots.filter((dot) => dot.version === rollout.to || dot.assigned === rollout.to).length;
  if (n === 0) return 'No task runs the new version: it ends here.';
  const took = screen.history
    .flatMap(({ state, admittedAtMs, endedAtMs }) =>
      state === 'done' && admittedAtMs !== undefined && endedAtMs !== undefined ? [endedAtMs - admittedAtMs] : [],
    )
    .sort((a, b) => a - b);
  const each = took[Math.floor(took.length / 2)];
  const rounds = Math.ceil(n / Math.max(1, budgetInForce(screen.job)));
  const time = each === undefined ? '' : `, about ${formatDuration(Math.max(1000, each * rounds))}`;
  return `Takes ${n} ${n === 1 ? 'task' : 'tasks'} back to the version they ran before, within the budget${time}.`;
}

export function timeSplit(rollout: Rollout, nowMs: number): RolloutDetail['timeSplit'] {
  const spent = { ...rollout.time.spentMs };
  if (rollout.endedAtMs === undefined) {
    const { activity, accountedToMs } = rollout.time;
    spent[activity] = (spent[activity] ?? 0) + Math.max(0, nowMs - accountedToMs);
  }
  return {
    waitingMs: spent.waiting ?? 0,
    updatingMs: spent.updating ?? 0,
    blockedMs: spent.blocked ?? 0,
    judgingMs: spent.judging ?? 0,
    watchingMs: spent.watching ?? 0,
    heldMs: spent.held ?? 0,
    revertingMs: spent.reverting ?? 0,
  };
}

import type { RolloutId } from '../model/index.ts';
import { admitOperations } from './admit-operations.ts';
import { advance } from './advance.ts';
import { assignNewcomers, keepBegun } from './assign.ts';
import { yieldsToNext } from './barrier.ts';
import { keepOutages, keepPlacements } from './bookkeeping.ts';
import { obeyCommands } from './commands.ts';
import { askController, foldControl } from './control.ts';
import { type Draft, type MakeId, openDraft, setRollout, wakeAt } from './draft.ts';
import { foldInbox } from './fold-inbox.ts';
import { endedHold, expired } from './holds.ts';
import { keepMarkWishes } from './mark-wish.ts';
import { activeRollout, takeTurns } from './overlap.ts';
import { endResize, resize } from './resize.ts';
import { advanceRevert, beginRevert } from './revert.ts';
import { type Rules, standardRules } from './rules.ts';
import { keepSecondSet } from './second-set.ts';
import type { JobDecision, JobState } from './state.ts';
import { askStrategy } from './strategy-turn.ts';
import { keepExtras } from './surge.ts';
import { keepTime } from './time-split.ts';
import { followWhileHeld } from './together.ts';
import { wantedOperations } from './wanted-operations.ts';
import { keepWatches } from './watch.ts';

/**
 * Everything about one job, decided at once: fold what was reported, obey commands, resize, take turns, advance or
 * revert, then derive operations from assignment − reality and admit what fits. Pure; both depths of the simulator
 * and `work.ts` run this.
 */
export function decideJob(state: JobState, nowMs: number, id: MakeId, rules: Rules = standardRules): JobDecision {
  const draft = openDraft(state, nowMs, rules, id);
  foldInbox(draft);
  foldControl(draft);
  obeyCommands(draft);
  // A second set is made for one size: a resize waits until it is gone.
  if (draft.job.traffic === undefined) resize(draft, activeRollout(draft));
  keepWatches(draft);
  takeTurns(draft);
  moveOn(draft);
  // Whoever had the job may just have ended.
  keepWatches(draft);
  const active = activeRollout(draft);
  if (active?.hold?.then !== undefined) wakeAt(draft, active.hold.then.atMs);
  assignNewcomers(draft, active);
  keepSecondSet(draft);
  keepExtras(draft, active);
  draft.turn = askStrategy(draft, activeRollout(draft));
  const candidates = wantedOperations(draft);
  admitOperations(draft, candidates);
  askController(draft, candidates);
  endResize(draft);
  keepMarkWishes(draft);
  keepTime(draft);
  keepOutages(draft);
  keepPlacements(draft);
  return decisionOf(draft);
}

/** The active rollout goes as far as it can; when it ends, the next one begins in the same turn. */
function moveOn(draft: Draft): void {
  for (let turn = 0; turn < 3; turn++) {
    const active = activeRollout(draft);
    if (active === undefined) return;
    const next = endedHold(draft, active);
    if (next === 'revert') beginRevert(draft, expired(draft, active));
    if (next === 'resume') setRollout(draft, active.id, { state: active.hold!.resumesTo, hold: undefined });
    if (next === undefined) followWhileHeld(draft, active);
    const current = draft.rollouts.get(active.id)!;
    if (current.state === 'running') advance(draft, current);
    const after = draft.rollouts.get(active.id);
    if (after?.state === 'reverting') advanceRevert(draft, after);
    if (after?.state === 'held' && after.hold?.resumesTo === 'running') keepBegun(draft, after);
    const last = draft.rollouts.get(active.id);
    const isDone = last === undefined || yieldsToNext(last);
    if (!isDone) return;
    takeTurns(draft);
    if (activeRollout(draft)?.id === active.id) return;
  }
}

function inventoryAfter({ inventory, unplaced, job }: Draft): JobState['inventory'] {
  if (unplaced.length === 0) return inventory;
  const gone = new Set(unplaced.map((one) => `${one.index}/${one.incarnation}`));
  const placements = inventory.placements.filter(
    (one) => one.job !== job.id || !gone.has(`${one.index}/${one.incarnation}`),
  );
  return { ...inventory, placements };
}

function decisionOf(draft: Draft): JobDecision {
  const ended: RolloutId[] = [];
  for (const rollout of draft.changedRollouts.values()) if (rollout.endedAtMs !== undefined) ended.push(rollout.id);
  const looks: RolloutId[] = [];
  for (const rollout of draft.rollouts.values()) {
    const phase = rollout.phases[rollout.currentPhase];
    // One that has passed and is still the current one waits at a barrier.
    const isWatched = phase?.state === 'updating' || phase?.state === 'judging' || phase?.state === 'passed';
    if (rollout.state === 'running' && (rollout.judged || rollout.guarded) && isWatched) looks.push(rollout.id);
  }
  return {
    after: {
      ...draft.before,
      job: draft.job,
      revision: draft.before.revision + 1,
      assignment: draft.assignment,
      rollouts: [...draft.rollouts.values()],
      watched: [...draft.watched.values()],
      operations: [...draft.operations.values()],
      outages: [...draft.outages.values()],
      buckets: [...draft.buckets.values()],
      tasks: draft.tasks,
      control: draft.control,
      inventory: inventoryAfter(draft),
      reports: [],
      answers: [],
      controlAnswers: [],
      commands: [],
    },
    changed: {
      job: draft.isJobChanged,
      control: draft.control !== draft.before.control,
      tasks: draft.changedTasks,
      retired: draft.retired,
      assignment: draft.changedAssignment,
      rollouts: draft.changedRollouts,
      operations: draft.changedOperations,
      outages: draft.changedOutages,
      buckets: draft.changedBuckets,
      placed: draft.placed,
      unplaced: draft.unplaced,
    },
    dispatches: draft.dispatches,
    events: draft.events,
    outcomes: draft.outcomes,
    markWishes: draft.markWishes,
    looks,
    watches: [...draft.watched.values()].flatMap(({ id, watch }) => (watch?.state === 'watching' ? [id] : [])),
    ended,
    controllerRequest: draft.controllerRequest,
    wakeAtMs: draft.wakeAtMs,
    wantsRoom: draft.wantsRoom,
  };
}

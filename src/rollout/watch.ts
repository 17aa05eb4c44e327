import type { Rollout, VersionId, Watch, WatchedRelease } from '../model/index.ts';
import { type Draft, emitForRollout, setAssignment, setJob, setRollout, setWatched, wakeAt } from './draft.ts';
import { hold } from './holds.ts';
import { activeRollout } from './overlap.ts';
import { beginRevert } from './revert.ts';
import type { PhaseEvidence } from './state.ts';
import { bookTime } from './time-split.ts';

/** The judge's last look at a watch comes a step after its end. */
const lastLookShare = 0.15;
const lastLookLeastMs = 15_000;

/** What a rollout that has just succeeded begins: its watch, and the end of those before it. */
export function beginWatch(draft: Draft, rollout: Rollout): Watch | undefined {
  const earlier = endEarlier(draft, rollout);
  if (rollout.watch !== undefined) {
    // It was found bad before, and a person let it through.
    return { ...rollout.watch, state: 'ended', note: 'a person let it through' };
  }
  const { watchMs = 0 } = rollout.plan;
  const isMeasured = rollout.judged || rollout.guarded;
  if (watchMs === 0 || !isMeasured || rollout.firstDeployment || rollout.kind !== 'deploy') return undefined;
  const untilMs = draft.nowMs + watchMs;
  emitForRollout(draft, rollout.id, 'watch.started', { untilMs, earlier: earlier.map((one) => one.rollout) });
  wakeAt(draft, untilMs);
  return { state: 'watching', fromMs: draft.nowMs, untilMs, earlier, named: [], note: undefined };
}

/**
 * A newer version runs everywhere: what was watched is watched on with it, as one that may be to blame for what shows
 * later. After a rollback there is nothing left to watch.
 */
function endEarlier(draft: Draft, newer: Rollout): readonly WatchedRelease[] {
  const handed: WatchedRelease[] = [];
  for (const older of draft.watched.values()) {
    if (older.id === newer.id || older.watch?.state !== 'watching') continue;
    const isHanded = newer.kind === 'deploy' && (newer.plan.watchMs ?? 0) > 0 && (newer.judged || newer.guarded);
    const state = isHanded ? ('handed-over' as const) : ('ended' as const);
    const note = isHanded ? `${newer.id} is watched in its place` : `${newer.id} took its place`;
    if (isHanded) {
      const { watch, id, release, to, from } = older;
      const [startedAtMs, endedAtMs] = [older.startedAtMs ?? older.createdAtMs, watch.fromMs];
      const open = watch.earlier.filter((one) => one.untilMs > draft.nowMs);
      handed.push(...open, { rollout: id, release, version: to, from, startedAtMs, endedAtMs, untilMs: watch.untilMs });
    }
    emitForRollout(draft, older.id, 'watch.ended', { state, by: newer.id });
    setWatched(draft, older, { watch: { ...older.watch, state, note } });
  }
  return handed.slice(-mostEarlier);
}

/** Releases that one watch can tell apart. */
const mostEarlier = 5;

/**
 * Watches after the last phase. What the judge finds takes the version off the list of good ones and asks for a mark
 * at once; the tasks go back as soon as nobody else has the job.
 */
export function keepWatches(draft: Draft): void {
  for (const watched of [...draft.watched.values()]) {
    let rollout = watched;
    const found = findingOf(draft, rollout);
    if (rollout.watch?.state === 'watching' && found !== undefined) rollout = condemn(draft, rollout, found);
    if (rollout.watch?.state === 'failing' && activeRollout(draft) === undefined) reopen(draft, rollout);
    if (rollout.watch?.state === 'watching') endInTime(draft, rollout, rollout.watch);
  }
}

function findingOf(draft: Draft, rollout: Rollout): PhaseEvidence | undefined {
  const evidence = draft.before.evidence.get(rollout.id);
  if (evidence?.phase !== rollout.phases.length) return undefined;
  return evidence.verdict === 'fail' || (evidence.holds?.length ?? 0) > 0 ? evidence : undefined;
}

/** By trust: what may only hold makes an alarm and a hold; what may revert takes the version off the list as well. */
function condemn(draft: Draft, rollout: Rollout, evidence: PhaseEvidence): Rollout {
  const named = namedIn(rollout, evidence);
  const isSure = evidence.verdict === 'fail';
  const sentence = isSure ? evidence.sentence : (evidence.holds?.[0] ?? evidence.sentence);
  const watch = { ...rollout.watch!, state: 'failing' as const, named, note: sentence };
  const struck = isSure ? strike(draft, rollout, named) : [];
  emitForRollout(draft, rollout.id, 'watch.failed', { sentence, named, struck, trust: isSure ? 'revert' : 'hold' });
  const { drivers: indices } = evidence;
  const hosts = [...new Set(indices.flatMap((index) => draft.tasks.get(index)?.current?.host ?? []))];
  const failure = isSure
    ? { by: 'judge' as const, sentence, atMs: draft.nowMs, indices, hosts, markAskedAtMs: undefined }
    : undefined;
  return setWatched(draft, rollout, { watch, failure });
}

/** When it cannot be told which release it was, each of them: never a guess. */
function namedIn(rollout: Rollout, evidence: PhaseEvidence): Watch['named'] {
  const known = [...(rollout.watch?.earlier ?? []).map((one) => one.rollout), rollout.id];
  const named = known.filter((id) => evidence.named?.includes(id));
  return named.length > 0 ? named : known;
}

/** From the oldest that is named on: later versions stand on it. The last good one there is stays on the list. */
function strike(draft: Draft, rollout: Rollout, named: Watch['named']): readonly VersionId[] {
  const bad = new Set(suspectVersions(rollout, named));
  const left = draft.job.goodVersions.filter((version) => !bad.has(version));
  if (left.length === 0) return [];
  setJob(draft, { goodVersions: left });
  return [...bad];
}

function suspectVersions(rollout: Rollout, named: Watch['named']): readonly VersionId[] {
  const all = releasesIn(rollout);
  const first = all.findIndex((one) => one.rollout === named[0]);
  return all.slice(Math.max(0, first)).map((one) => one.version);
}

type Suspect = Pick<WatchedRelease, 'rollout' | 'release' | 'version' | 'from'>;

function releasesIn({ id, release, to, from, watch }: Rollout): readonly Suspect[] {
  return [...(watch?.earlier ?? []), { rollout: id, release, version: to, from }];
}

/**
 * The rollout as a mark is asked for: candidates are the commits that the newest named version has and what ran before
 * the oldest named one had not.
 */
export function blamed(rollout: Rollout): Rollout {
  const named = releasesIn(rollout).filter((one) => rollout.watch?.named.includes(one.rollout));
  const [oldest, newest] = [named[0], named.at(-1)];
  if (oldest === undefined || newest === undefined) return rollout;
  return { ...rollout, to: newest.version, release: newest.release, from: oldest.from };
}

/** The rollout has the job again, and goes by its own `onFail`; never in the way of the next release. */
function reopen(draft: Draft, ended: Rollout): void {
  const watch = { ...ended.watch!, state: 'failed' as const };
  const bad = new Set(suspectVersions(ended, watch.named));
  const rows = [...draft.assignment.values()].filter(({ version }) => version !== undefined && bad.has(version));
  if (rows.length === 0) {
    setWatched(draft, ended, { watch: { ...watch, note: `${watch.note ?? ''} Nothing runs it any more.`.trim() } });
    return;
  }
  const time = bookTime({ ...ended.time, activity: 'watching' }, 'held', draft.nowMs);
  draft.watched.delete(ended.id);
  draft.rollouts.set(ended.id, ended);
  const rollout = setRollout(draft, ended.id, { state: 'running', endedAtMs: undefined, watch, time });
  const { failure, forwardOnly } = rollout;
  const sentence = watch.note ?? 'The watch found it bad.';
  if (failure === undefined) {
    hold(draft, rollout, 'watch', `A check that may hold, but not revert, failed after the last phase. ${sentence}`);
    return;
  }
  emitForRollout(draft, rollout.id, 'rollout.failed', { ...failure, phase: 'watch' });
  if (forwardOnly !== undefined) {
    hold(draft, rollout, 'forward-only', `${sentence} It is not undone by itself: ${forwardOnly}.`);
    return;
  }
  for (const row of rows) if (row.rollout !== rollout.id) setAssignment(draft, { ...row, rollout: rollout.id });
  const onFail = rollout.phases.at(-1)?.onFail ?? 'revert';
  if (onFail === 'revert') beginRevert(draft, rollout);
  else if (onFail === 'hold') hold(draft, rollout, 'watch', sentence);
  else {
    const then = { atMs: draft.nowMs + onFail.holdThenRevertAfterMs, do: 'revert' as const };
    hold(draft, rollout, 'watch', sentence, then);
  }
}

function endInTime(draft: Draft, rollout: Rollout, watch: Watch): void {
  const evidence = draft.before.evidence.get(rollout.id);
  const last = evidence?.phase === rollout.phases.length ? evidence : undefined;
  const patienceMs = Math.max(lastLookLeastMs, lastLookShare * (watch.untilMs - watch.fromMs));
  const isLate = draft.nowMs >= watch.untilMs + patienceMs;
  if (draft.nowMs < watch.untilMs || ((last?.atMs ?? 0) < watch.untilMs && !isLate)) {
    wakeAt(draft, draft.nowMs < watch.untilMs ? watch.untilMs : watch.untilMs + patienceMs);
    return;
  }
  const note = last === undefined ? 'Nothing was measured after the last phase.' : last.sentence;
  emitForRollout(draft, rollout.id, 'watch.ended', { state: 'quiet', verdict: last?.verdict ?? 'undecided', note });
  setWatched(draft, rollout, { watch: { ...watch, state: 'quiet', note } });
}

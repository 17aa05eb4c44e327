import { formatDuration } from '../kit/index.ts';
import type { Phase, Rollout } from '../model/index.ts';
import type { BasicChecks } from './basic-checks.ts';
import type { PhaseEvidence } from './state.ts';
import { secondSetOf } from './strategies/blue-green.ts';

/** How long after the longest bake the judge's last look is waited for: bins close late. */
const lastLookMs = 30_000;

export type PhaseJudgement =
  | { readonly kind: 'pass'; readonly by: NonNullable<Phase['passedBy']>['by']; readonly note: string }
  | { readonly kind: 'fail'; readonly sentence: string }
  | { readonly kind: 'hold'; readonly reason: string }
  | { readonly kind: 'wait'; readonly untilMs: number; readonly reason: string };

/**
 * What becomes of a phase whose tasks are all updated. `undecided` never turns into a pass: after the longest bake
 * the phase's `onUndecided` rule, or its default, decides (design section 2, "When nothing can be measured").
 */
export function judgePhase(
  rollout: Rollout,
  phase: Phase,
  evidence: PhaseEvidence | undefined,
  basic: BasicChecks,
  nowMs: number,
): PhaseJudgement {
  const updatedAtMs = phase.updatedAtMs ?? nowMs;
  const asked = phase.passAsked ?? rollout.promoted;
  if (asked !== undefined) return { kind: 'pass', by: 'person', note: asked };
  const minMs = updatedAtMs + phase.minBakeMs;
  // Of a first deployment only checks with a limit of their own can say anything.
  // The same where the old ones take no traffic, until the new ones can be held against the past.
  const isAlone = rollout.firstDeployment || secondSetOf(rollout.plan) !== undefined;
  const isUnmeasured = (!rollout.judged || isAlone) && evidence?.measured !== true;
  if (evidence?.verdict === 'fail') return { kind: 'fail', sentence: evidence.sentence };
  const isFresh = evidence !== undefined && evidence.atMs >= updatedAtMs;
  const [found] = (isFresh && evidence.holds) || [];
  if (found !== undefined) return { kind: 'hold', reason: `A check that may hold, but not revert, failed. ${found}` };
  if (isUnmeasured) {
    if (nowMs < minMs) return { kind: 'wait', untilMs: minMs, reason: 'It bakes; only basic checks can be made.' };
    return { kind: 'pass', by: 'basic-checks', note: `${basicNote(basic, nowMs - updatedAtMs)}${guardNote(evidence)}` };
  }
  if (isFresh && evidence.verdict === 'pass') {
    if (nowMs < minMs) return { kind: 'wait', untilMs: minMs, reason: 'The checks pass; the shortest bake runs.' };
    return { kind: 'pass', by: 'judge', note: evidence.sentence };
  }
  const maxMs = updatedAtMs + Math.max(phase.minBakeMs, phase.maxBakeMs);
  const hasLast = isFresh && evidence.atMs >= maxMs;
  if (nowMs < maxMs) return { kind: 'wait', untilMs: maxMs, reason: 'The judge is undecided; it looks on.' };
  if (!hasLast && nowMs < maxMs + lastLookMs) {
    return { kind: 'wait', untilMs: maxMs + lastLookMs, reason: 'The judge takes its last look.' };
  }
  return whenUndecided(phase, isFresh ? evidence : undefined, basic, nowMs - updatedAtMs);
}

function whenUndecided(
  phase: Phase,
  evidence: PhaseEvidence | undefined,
  basic: BasicChecks,
  bakedMs: number,
): PhaseJudgement {
  if (evidence === undefined) return { kind: 'hold', reason: 'The judge has not looked at this phase.' };
  if (evidence.lostData) return { kind: 'hold', reason: `Its metrics were there and are gone. ${evidence.sentence}` };
  if (phase.onUndecided === 'hold') return { kind: 'hold', reason: `Undecided. ${evidence.sentence}` };
  if (!evidence.measured)
    return { kind: 'pass', by: 'onUndecided', note: `${basicNote(basic, bakedMs)}${guardNote(evidence)}` };
  const proceeds = phase.onUndecided === 'proceed' || evidence.powerReached;
  const { cannotShow = [], failed = [], promised } = evidence;
  if (proceeds) {
    const why =
      cannotShow.length === 0 || failed.length > 0
        ? `. ${evidence.sentence}`
        : `: as planned, this traffic cannot show the margin of ${cannotShow.join(', ')}; ${basicNote(basic, bakedMs)}.`;
    return { kind: 'pass', by: 'onUndecided', note: `Undecided, and let through${why}` };
  }
  const wanted = promised === undefined ? '' : ` Promised was: ${promised}.`;
  return { kind: 'hold', reason: `Undecided, with less evidence than planned. ${evidence.sentence}${wanted}` };
}

/** `basic checks only: 3 tasks, 40 s, no restarts` */
export function basicNote({ serving, restarts }: BasicChecks, bakedMs: number): string {
  const tasks = `${serving} ${serving === 1 ? 'task' : 'tasks'}`;
  const again = restarts === 0 ? 'no restarts' : `${restarts} ${restarts === 1 ? 'restart' : 'restarts'}`;
  return `basic checks only: ${tasks}, ${formatDuration(bakedMs)}, ${again}`;
}

/** `; no harm seen in cpu, memory` */
function guardNote(evidence: PhaseEvidence | undefined): string {
  const seen = evidence?.guards ?? [];
  return seen.length === 0 ? '' : `; no harm seen in ${seen.join(', ')}`;
}

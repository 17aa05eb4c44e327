import { type Actor, type CommitId, type NewEvent, rollway } from '../../model/index.ts';
import type { MarkChange, RequestOutcome } from '../decide-marks.ts';
import type { MarkRequest } from '../facts.ts';

const short = (commit: CommitId) => commit.slice(0, 10);

function wordsOfCommits(commits: readonly CommitId[]): string {
  const named = commits.slice(-3).map(short).join(', ');
  return commits.length <= 3 ? named : `${named} and ${commits.length - 3} more`;
}

/** What became of a mark, as an event of its repository. */
export function eventOf(repository: string, change: MarkChange, carriers: number): NewEvent {
  const { mark } = change;
  const stream = `repository/${repository}`;
  const base = { mark: mark.id, targets: mark.targets };
  switch (change.kind) {
    case 'created': {
      const { rollout, release, evidence } = mark;
      const candidates = mark.candidates.slice(-100);
      const sentence = `Marked ${wordsOfCommits(mark.candidates)} as bad: ${evidence}`;
      const data = {
        ...base,
        candidates,
        candidateCount: mark.candidates.length,
        evidence,
        rollout,
        release,
        carriers,
      };
      return { stream, type: 'mark.created', actor: mark.createdBy, data: { ...data, fixes: mark.fixes, sentence } };
    }
    case 'cleared': {
      const sentence = `${mark.id} is cleared: ${change.reason}`;
      return { stream, type: 'mark.cleared', actor: change.by, data: { ...base, reason: change.reason, sentence } };
    }
    case 'fixed': {
      const sentence = `${short(change.commit)} fixes ${mark.id}: builds that contain it are free.`;
      const data = { ...base, commit: change.commit, carriers, sentence };
      return { stream, type: 'mark.fixed', actor: change.by, data };
    }
    case 'overridden': {
      const { version, by, reason } = change;
      const sentence = `${version} may be deployed in spite of ${mark.id}: ${reason}`;
      return { stream, type: 'mark.overridden', actor: by, data: { ...base, version, reason, sentence } };
    }
  }
}

/** What became of a failed rollout's wish. */
export function eventOfRequest(repository: string, request: MarkRequest, outcome: RequestOutcome): NewEvent[] {
  const actor: Actor = rollway('blame');
  const stream = `repository/${repository}`;
  const { rollout, version } = request;
  if (outcome.kind === 'marked' && !outcome.isNew) {
    const sentence = `${version} failed; ${outcome.mark.id} explains it already.`;
    return [{ stream, type: 'mark.confirmed', actor, data: { mark: outcome.mark.id, rollout, version, sentence } }];
  }
  if (outcome.kind === 'wait') {
    const sentence = `${version} failed; whether its commits are to blame is not known yet: ${outcome.reason}.`;
    return [{ stream, type: 'mark.waiting', actor, data: { rollout, version, reason: outcome.reason, sentence } }];
  }
  if (outcome.kind === 'marked') return [];
  const sentence = `${version} failed, and no commit is marked: ${outcome.reason}.`;
  const data = { rollout, version, reason: outcome.reason, needsPerson: outcome.needsPerson, sentence };
  return [{ stream, type: 'mark.refused', actor, data }];
}

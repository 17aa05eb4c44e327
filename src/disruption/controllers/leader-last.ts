import type { TaskControlRequest, TaskControlResponse, TaskIndex } from '../../model/index.ts';

/** What one task says: the index of the leader, or null while it knows none. */
export interface LeaderWord {
  readonly index: TaskIndex;
  readonly leader: TaskIndex | null;
}

/**
 * For services with an elected leader: followers first, the leader when nothing else of the request is left and
 * everybody else is well, so that it resigns once. Where a later phase can take it, it is left to that one. Without a
 * leader that most of those asked agree on: nothing.
 */
export function leaderLast(request: TaskControlRequest, words: readonly LeaderWord[]): TaskControlResponse {
  const leader = leaderOf(words);
  const asked = request.request;
  if (leader === undefined) {
    return none(request, `${words.length} tasks were heard, and most of them do not agree on a leader`);
  }
  const followers = asked.filter(({ index }) => index !== leader);
  const leaders = asked.filter(({ index }) => index === leader);
  const defer = leaders.filter(({ deferrable }) => deferrable === true).map(({ opId }) => opId);
  const others = [...request.allUnhealthyTasks, ...request.inFlight.map(({ index }) => index)];
  const away = others.find((index) => index !== leader);
  if (defer.length === 0 && followers.length === 0 && away === undefined) {
    return { ack: asked.map(({ opId }) => opId) };
  }
  const later = followers.length > 0 ? 'it leads: the followers come first' : `it leads, and task ${away} is away`;
  const why = defer.length > 0 ? 'it leads: it goes in the last phase' : later;
  return {
    ack: followers.map(({ opId }) => opId),
    ...(defer.length > 0 ? { defer } : {}),
    reasons: Object.fromEntries(leaders.map((one) => [one.opId, why])),
  };
}

/** Whom more than half of those heard name. */
export function leaderOf(words: readonly LeaderWord[]): TaskIndex | undefined {
  const votes = new Map<TaskIndex, number>();
  for (const { leader } of words) if (leader !== null) votes.set(leader, (votes.get(leader) ?? 0) + 1);
  return [...votes].find(([, count]) => count * 2 > words.length)?.[0];
}

function none({ request }: TaskControlRequest, why: string): TaskControlResponse {
  return { ack: [], reasons: Object.fromEntries(request.map(({ opId }) => [opId, why])) };
}

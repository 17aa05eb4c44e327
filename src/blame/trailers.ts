import type { CommitTrailers } from './facts.ts';

const revertSentence = /This reverts commit ([0-9a-f]{40,64})(?:,\s+reversing\s+changes made to ([0-9a-f]{40,64}))?/g;
const pickSentence = /\(cherry picked from commit ([0-9a-f]{40,64})\)/g;
const forwardOnlyLine = /^Rollway-Forward-Only:[ \t]*(\S.*)$/im;
const fixesLine = /^Rollway-Fixes:[ \t]*(\S.*)$/gim;

/**
 * What a commit's message says about other commits: Git's own sentence for a revert ("This reverts commit …", for a
 * merge with the parent whose state it goes back to), its note of a cherry-pick, and lines `Rollway-Fixes: <mark or commit>[, …]`;
 * and of itself, that it cannot be undone: `Rollway-Forward-Only: <why>`.
 */
export function readTrailers(message: string): CommitTrailers {
  const reverts = [...message.matchAll(revertSentence)].map(([, commit, backTo]) => ({ commit: commit!, backTo }));
  const fixes = [...message.matchAll(fixesLine)].flatMap(([, value]) => value!.split(/[\s,]+/).filter(Boolean));
  const picks = [...message.matchAll(pickSentence)].map(([, commit]) => commit!);
  const forwardOnly = forwardOnlyLine.exec(message)?.[1]?.trim().slice(0, 200);
  return { reverts, fixes, ...(picks.length > 0 ? { picks } : {}), ...(forwardOnly ? { forwardOnly } : {}) };
}

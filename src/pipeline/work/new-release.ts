import { type CommitGraph, positionOn, seqOf } from '../../blame/index.ts';
import type { Turn } from '../../engine/index.ts';
import type { Actor, CommitId, NewEvent } from '../../model/index.ts';
import type { ReleaseFacts, ServiceFacts } from '../facts.ts';

/** A release as it is first stored: its configuration is still to be read, its words are filled in by the caller. */
export function releaseAt(
  turn: Pick<Turn, 'id' | 'nowMs'>,
  graph: CommitGraph,
  service: ServiceFacts,
  head: CommitId,
  commit: CommitId,
  createdBy: Actor,
): ReleaseFacts {
  return {
    id: turn.id('rel'),
    service: service.name,
    pipelineRevision: service.revision ?? 0,
    repository: service.repository,
    commit,
    subject: '',
    author: '',
    position: positionOn(graph, seqOf(graph, head), seqOf(graph, commit)),
    createdAtMs: turn.nowMs,
    createdBy,
    state: 'running',
    version: undefined,
    isConfigured: false,
    isNamed: false,
    holdAfter: undefined,
    forwardOnly: undefined,
    onlyTo: undefined,
    source: { kind: 'wanted' },
    reason: undefined,
    endedAtMs: undefined,
  };
}

export function createdEvent(release: ReleaseFacts): NewEvent {
  const { commit, subject, author, position, createdBy } = release;
  const sentence = `${release.service}: ${commit.slice(0, 10)} "${subject}" by ${author}`;
  const data = { service: release.service, commit, subject, author, position, isNamed: release.isNamed, sentence };
  return { stream: `release/${release.id}`, type: 'release.created', actor: createdBy, data };
}

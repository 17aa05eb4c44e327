import type { BudgetLine, DotState, OperationView, TaskDot } from '../../api/index.ts';
import { budgetInForce, isExtra, type LedgerOperation, outOf, servingExtras } from '../../disruption/index.ts';
import type { HostRecord } from '../../fleet/read.ts';
import { type FailureCard, isUnderWay, type Rollout } from '../../model/index.ts';
import type { TaskDot as Dot, JobScreen } from '../../rollout/read.ts';

/** Hosts by id: a dot shows where it is, and whether its host is heard. */
export type HostsById = ReadonlyMap<string, HostRecord>;

export function taskDots(screen: JobScreen, hosts: HostsById): TaskDot[] {
  const operations = new Map(screen.operations.map((operation) => [operation.index, operation]));
  return screen.dots.map((dot) => taskDot(dot, operations.get(dot.index), hosts));
}

function taskDot(dot: Dot, operation: LedgerOperation | undefined, hosts: HostsById): TaskDot {
  const { facts } = dot;
  const host = dot.host === undefined ? undefined : hosts.get(dot.host);
  return {
    index: dot.index,
    dot: dotState(dot, operation, host),
    state: facts?.state ?? null,
    host: dot.host ?? null,
    rack: host?.labels.rack ?? null,
    region: host?.labels.region ?? null,
    version: dot.version ?? null,
    assigned: dot.assigned ?? null,
    incarnation: dot.incarnation,
    life: facts?.life ?? 0,
    sinceMs: facts?.servingSinceMs ?? dot.outSinceMs ?? facts?.reportedAtMs ?? null,
    phase: dot.phase ?? null,
    address: facts?.address ?? null,
    ports: { ...facts?.ports },
    failure: facts?.failure && facts.state !== 'serving' ? failureView(facts.failure) : null,
  };
}

/** Which mark it is drawn with; what a person must see first wins. */
function dotState(dot: Dot, operation: LedgerOperation | undefined, host: HostRecord | undefined): DotState {
  if (operation !== undefined && isUnderWay(operation.state)) return 'updating';
  if (host !== undefined && host.state !== 'up' && host.state !== 'leaving' && dot.facts) return 'suspected';
  if (dot.look === 'failed') return 'failed';
  if (operation?.state === 'blocked') return 'held';
  if (dot.look === 'out') return dot.facts?.state === 'stopped' ? 'absent' : 'updating';
  return dot.look;
}

function failureView(card: FailureCard): NonNullable<TaskDot['failure']> {
  return {
    reason: card.reason,
    summary: card.summary,
    exitCode: card.exitCode ?? null,
    signal: card.signal ?? null,
    lastLogLines: [...card.lastLogLines],
    probe: card.probe ?? null,
  };
}

export function operationView(operation: LedgerOperation): OperationView {
  return {
    id: operation.id,
    kind: operation.kind,
    state: operation.state,
    index: operation.index,
    host: operation.host ?? null,
    from: operation.from ?? null,
    to: operation.to ?? null,
    reason: operation.reason,
    blockedBy: operation.blockedBy ?? null,
    proposedAtMs: operation.proposedAtMs,
    admittedAtMs: operation.admittedAtMs ?? null,
    endedAtMs: operation.endedAtMs ?? null,
  };
}

/** The ledger in one line: `3 of 5 out`. */
export function budgetLine(screen: JobScreen, hosts: HostsById, rollout?: Rollout): BudgetLine {
  const own = screen.tasks.filter(({ index }) => index < screen.job.size);
  const hostStates = (host: string) => hosts.get(host)?.state ?? 'lost';
  const operations = screen.operations.filter(({ index }) => !isExtra(index));
  const { traffic } = screen.job;
  const out = outOf(own, operations, hostStates, traffic);
  const surge = servingExtras(screen.tasks, screen.operations, hostStates, traffic).size;
  const budget = Math.max(budgetInForce({ ...screen.job, surge }), rollout?.budgetOverride?.count ?? 0);
  const indices = [...out].sort((a, b) => a - b);
  return { out: out.size, budget, indices, sentence: `${out.size} of ${budget} out` };
}

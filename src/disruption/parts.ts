import { type Amount, budgetOf, type GroupBudget, type HostId, type TaskIndex } from '../model/index.ts';
import type { TaskFacts } from './facts.ts';

/** A part of a job that has a budget of its own, under that of the job: a rack, a group of replicas. */
export interface BudgetPart {
  /** As people read it: `rack a`, `group 0–2`. */
  readonly name: string;
  readonly members: ReadonlySet<TaskIndex>;
  /** How many of them may be out at once. */
  readonly max: number;
}

export interface PartFacts {
  readonly budgetPerDomain: Readonly<Record<string, Amount>>;
  readonly budgetPerGroup: GroupBudget | null;
  readonly size: number;
  readonly tasks: Iterable<TaskFacts>;
  /** Labels of a host, also of one that is silent; `{}` for one that is gone. */
  readonly labelsOf: (host: HostId) => Readonly<Record<string, string>>;
}

/**
 * The parts of a job that have budgets. A task belongs to the domain of the host that its newest incarnation is on,
 * whether that is heard or not; one that is nowhere belongs to none.
 */
export function budgetParts(facts: PartFacts): readonly BudgetPart[] {
  const parts = facts.budgetPerGroup === null ? [] : groupParts(facts.budgetPerGroup, facts.size);
  const labels = Object.keys(facts.budgetPerDomain).sort();
  if (labels.length === 0) return parts;
  const domains = new Map<string, Set<TaskIndex>>();
  for (const { index, current } of facts.tasks) {
    if (current === undefined || index >= facts.size) continue;
    const own = facts.labelsOf(current.host);
    for (const label of labels) {
      const value = own[label];
      if (value === undefined) continue;
      const name = `${label} ${value}`;
      const members = domains.get(name);
      if (members === undefined) domains.set(name, new Set([index]));
      else members.add(index);
    }
  }
  for (const [name, members] of domains) {
    const amount = facts.budgetPerDomain[name.slice(0, name.indexOf(' '))]!;
    parts.push({ name, members, max: budgetOf(amount, members.size) });
  }
  return parts;
}

function groupParts({ groups, max }: GroupBudget, size: number): BudgetPart[] {
  if (typeof groups !== 'number') {
    return groups.map((group) => ({ name: `group ${group.join(', ')}`, members: new Set(group), max }));
  }
  const parts: BudgetPart[] = [];
  for (let from = 0; from < size; from += groups) {
    const members = Array.from({ length: Math.min(groups, size - from) }, (_, at) => from + at);
    parts.push({ name: `group ${from}–${from + members.length - 1}`, members: new Set(members), max });
  }
  return parts;
}

/**
 * The first part whose budget is used up for this index: it is one of its members, and OUT with the index would have
 * more members than its budget, or than the number to which a person raised every budget.
 */
export function fullPart(
  parts: readonly BudgetPart[],
  index: TaskIndex,
  out: ReadonlySet<TaskIndex>,
  raisedTo: number,
): BudgetPart | undefined {
  return parts.find(({ members, max }) => {
    if (!members.has(index)) return false;
    let count = 1;
    for (const one of out) if (one !== index && members.has(one)) count += 1;
    return count > Math.max(max, raisedTo);
  });
}

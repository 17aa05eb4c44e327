import type { LedgerOperation, TaskFacts } from '../src/disruption/index.ts';
import type { ExecuteRequest } from '../src/drivers/index.ts';
import {
  budgetOf,
  isUnderWay,
  type JobId,
  type Outage,
  phaseCountOf,
  type Rollout,
  type TaskIndex,
  type VersionId,
} from '../src/model/index.ts';
import type { JobDecision, JobState } from '../src/rollout/index.ts';

import { asItWasSaid } from './maintenance.ts';

import { goTogether } from './sibling.ts';

/** Indices from here on are extra tasks. */
const firstExtra = 1_000_000;

export function isServingExtra({ index, current }: TaskFacts): boolean {
  return index >= firstExtra && current?.state === 'serving';
}

/** A broken promise; the run ends with it. */
export class Violation extends Error {
  readonly invariant: string;
  readonly facts: unknown;
  constructor(invariant: string, sentence: string, facts: unknown) {
    super(`${invariant}: ${sentence} ${JSON.stringify(facts)}`);
    this.name = 'Violation';
    this.invariant = invariant;
    this.facts = facts;
  }
}

/**
 * I1–I4 on what is known, after each decision. Written apart from the decisions it checks: it shares the words with
 * them and nothing else.
 */
export class KnownInvariants {
  /** The most indices that a version which is not good was ever allowed, while it is not good. */
  readonly #ceilings = new Map<VersionId, number>();
  readonly #takenAt: { readonly atMs: number; readonly labels: Readonly<Record<string, string>> }[] = [];
  #newestMs = 0;
  #couldGoBack: boolean | undefined;

  check(before: JobState, decision: JobDecision, nowMs: number): void {
    this.#capacity(before, decision, nowMs);
    oneOwner(decision);
    endedByWord(before, decision);
    this.#blastRadius(before, decision);
    noBadTwice(before, decision);
    plannedExposure(decision);
    switchesWhole(before, decision);
    undecidedIsNoPass(before, decision);
    goTogether(before, decision);
    asItWasSaid(before, decision, nowMs);
    allStopFirst(before, decision);
    maintenanceIsObeyed(before, decision, nowMs);
  }

  /** I1: each admission of this turn, in order, fitted into the budget or was exempt. */
  #capacity(before: JobState, decision: JobDecision, nowMs: number): void {
    const { after } = decision;
    const admitted = decision.dispatches.flatMap((one) => (one.kind === 'execute' ? [one.operation] : []));
    if (admitted.length === 0) return;
    const fresh = new Set(admitted.map((operation) => operation.id));
    const out = outSet(after, (operation) => !fresh.has(operation.id));
    const extras = extrasThatServe(before, after, fresh);
    for (const operation of admitted) {
      const budget = budgetFor(after, operation, extras.size);
      if (operation.index >= firstExtra) {
        const isServing = extras.delete(operation.index);
        if (isServing && operation.exemption === undefined && out.size > budgetFor(after, operation, extras.size)) {
          throw new Violation('I1', 'an extra task was stopped that others still need', { out: [...out], budget });
        }
        continue;
      }
      const would = new Set(out).add(operation.index);
      this.#parts(before, after, operation, out);
      this.#rates(before, after, operation, nowMs);
      const isFree = operation.exemption !== undefined && isExempt(before, after, operation, nowMs);
      if (would.size > budget && !isFree) {
        throw new Violation('I1', 'an operation was admitted beyond the budget', {
          operation: [operation.kind, operation.index, operation.exemption],
          out: [...out],
          budget,
        });
      }
      out.add(operation.index);
    }
  }

  /** The budgets of parts, counted once more: of those on hosts with the same label, and of groups. */
  #parts(before: JobState, after: JobState, operation: LedgerOperation, out: ReadonlySet<TaskIndex>): void {
    if (operation.exemption !== undefined) return;
    const { budgetPerDomain, budgetPerGroup } = after.job.limits;
    const raised = after.rollouts.find((one) => one.id === operation.rollout)?.budgetOverride?.count ?? 0;
    const check = (name: string, members: readonly TaskIndex[], max: number): void => {
      if (!members.includes(operation.index)) return;
      const would = members.filter((index) => index === operation.index || out.has(index));
      if (would.length > Math.max(max, raised)) {
        throw new Violation('I1', 'an operation was admitted beyond the budget of a part', { name, would, max });
      }
    };
    const labelOf = (index: TaskIndex, label: string): string | undefined => {
      const host = after.tasks.get(index)?.current?.host;
      return before.inventory.hosts.find((one) => one.id === host)?.labels[label];
    };
    const indices = [...Array(after.job.size).keys()];
    for (const [label, amount] of Object.entries(budgetPerDomain)) {
      const value = labelOf(operation.index, label);
      const members = value === undefined ? [] : indices.filter((index) => labelOf(index, label) === value);
      check(`${label} ${value}`, members, budgetOf(amount, members.length));
    }
    if (budgetPerGroup === null) return;
    const { groups, max } = budgetPerGroup;
    const own = (index: TaskIndex): boolean =>
      typeof groups === 'number' && Math.floor(index / groups) === Math.floor(operation.index / groups);
    for (const group of typeof groups === 'number' ? [indices.filter(own)] : groups) check('group', group, max);
  }

  /** D11: within any period no more was taken out than a rate says. Clocks that jump make periods of their own. */
  #rates(before: JobState, after: JobState, operation: LedgerOperation, nowMs: number): void {
    const current = after.tasks.get(operation.index)?.current;
    if (operation.exemption !== undefined || current?.incarnation !== operation.incarnation) return;
    if (nowMs < this.#newestMs) this.#takenAt.length = 0;
    this.#newestMs = nowMs;
    const labels = before.inventory.hosts.find((one) => one.id === current.host)?.labels ?? {};
    this.#takenAt.push({ atMs: nowMs, labels });
    const { rate, ratePerDomain } = after.job.limits;
    const shared = before.buckets.filter((one) => one.id.startsWith('all'));
    const limits = [
      ...(rate === null ? [] : [{ limit: rate, label: undefined as string | undefined }]),
      ...Object.entries(ratePerDomain).map(([label, limit]) => ({ limit, label: label as string | undefined })),
      ...shared.map(({ limit, domain }) => ({ limit, label: domain?.label })),
    ];
    for (const { limit, label } of limits) {
      const same = this.#takenAt.filter(
        (one) => one.atMs > nowMs - limit.perMs && (label === undefined || one.labels[label] === labels[label]),
      );
      if (same.length > limit.count && (label === undefined || labels[label] !== undefined)) {
        throw new Violation('D11', 'more tasks were taken out than a rate allows', {
          limit,
          label,
          taken: same.length,
        });
      }
    }
  }

  /** I3: indices of a version that is not good never outnumber what its phase allows; without a phase they only shrink. */
  #blastRadius(before: JobState, { after, changed }: JobDecision): void {
    const mayGoBack = canGoBack(after);
    const isSame =
      this.#couldGoBack === mayGoBack &&
      after.assignment === before.assignment &&
      after.job === before.job &&
      after.rollouts.length === before.rollouts.length &&
      after.rollouts.every((one, at) => one === before.rollouts[at]);
    // Nothing that this looks at has changed since it last looked.
    if (isSame) return;
    this.#couldGoBack = mayGoBack;
    const counts = new Map<VersionId, number>();
    for (const row of after.assignment.values()) {
      if (row.version !== undefined) counts.set(row.version, (counts.get(row.version) ?? 0) + 1);
    }
    for (const version of after.job.goodVersions) this.#ceilings.delete(version);
    for (const [version, count] of counts) {
      if (after.job.goodVersions.includes(version)) continue;
      // One that begins a phase, as a person said, and ends in the same turn has allowed it all the same.
      const owners = [...after.rollouts, ...changed.rollouts.values()];
      const rollout = owners.find((one) => one.to === version && mayAllow(one));
      const allowed = rollout === undefined ? undefined : allowanceNow(rollout);
      let had = 0;
      for (const row of before.assignment.values()) if (row.version === version) had += 1;
      const takenOver = begunAndEnded(version, before, changed);
      const ceiling = Math.max(allowed ?? 0, takenOver, Math.min(had, this.#ceilings.get(version) ?? had));
      // What cannot be undone is not given back when the job shrinks.
      const isBound = rollout?.state === 'running' && mayGoBack && rollout.forwardOnly === undefined;
      const limit = allowed !== undefined && isBound ? allowed : ceiling;
      if (count > limit) {
        throw new Violation('I3', 'more indices run an unproven version than its phase allows', {
          version,
          count,
          allowed,
          ceiling,
          rollout: rollout?.state,
        });
      }
      this.#ceilings.set(version, Math.max(count, allowed ?? 0));
    }
  }
}

/** Without a good version there is nothing to give a surplus back to. */
function canGoBack(state: JobState): boolean {
  return state.job.goodVersions.some((version) => !state.carriers.has(version));
}

/** It brings a version, and one of its phases has begun: before that, what is there may only shrink. */
function mayAllow({ kind, phases }: Rollout): boolean {
  return (kind === 'deploy' || kind === 'rollback') && phases.some(({ startedAtMs }) => startedAtMs !== undefined);
}

function allowanceNow(rollout: Rollout): number {
  const started = rollout.phases.filter((phase) => phase.startedAtMs !== undefined);
  return started.at(-1)?.allowance ?? 0;
}

/**
 * What a phase allowed that began in this very turn, as a person said, in a rollout that another one of the same version
 * has taken over since: what it took may only shrink.
 */
function begunAndEnded(version: VersionId, { rollouts }: JobState, changed: JobDecision['changed']): number {
  let most = 0;
  for (const rollout of changed.rollouts.values()) {
    if (rollout.to !== version || rollout.endedAtMs === undefined || !mayAllow(rollout)) continue;
    const was = rollouts.find(({ id }) => id === rollout.id);
    const hadBegun = was?.phases[rollout.currentPhase]?.startedAtMs !== undefined;
    if (!hadBegun) most = Math.max(most, allowanceNow(rollout));
  }
  return most;
}

/** Extra tasks that serve, nothing being done to them but what was ordered in this very turn. */
function extrasThatServe(before: JobState, after: JobState, fresh: ReadonlySet<string>): Set<TaskIndex> {
  const heard = new Set(
    before.inventory.hosts.filter(({ state }) => state === 'up' || state === 'leaving').map(({ id }) => id),
  );
  const found = new Set<TaskIndex>();
  for (const { index, current } of after.tasks.values()) {
    const isUp = current?.state === 'serving' && heard.has(current.host);
    if (index >= firstExtra && isUp && isTold(after, { current })) found.add(index);
  }
  for (const { id, index, state } of after.operations) if (isUnderWay(state) && !fresh.has(id)) found.delete(index);
  return found;
}

/** Clients are told of it: while two sets stand beside each other, of one of them. */
function isTold({ job: { traffic } }: JobState, { current }: Pick<TaskFacts, 'current'>): boolean {
  if (traffic === undefined || current === undefined) return true;
  const isOfSet = current.version === traffic.version;
  return traffic.side === 'only' ? isOfSet : !isOfSet;
}

/**
 * Blue/green: until it has passed its check nobody is told of a second set, and a switch leaves as many as the budget
 * asks for, or as there were.
 */
function switchesWhole({ job: was }: JobState, { after }: JobDecision): void {
  const { traffic, size, budget } = after.job;
  for (const rollout of after.rollouts) {
    const phase = rollout.phases[rollout.currentPhase];
    const isSet = phase?.name === 'second-set' && phase.state === 'updating' && rollout.state === 'running';
    if (!isSet || (traffic?.rollout === rollout.id && traffic.side === 'without')) continue;
    throw new Violation('traffic', 'clients may be told of a second set that is not checked yet', { traffic });
  }
  if (was.traffic === traffic || was.traffic === undefined || traffic === undefined) return;
  const heard = new Set(
    after.inventory.hosts.filter(({ state }) => state === 'up' || state === 'leaving').map(({ id }) => id),
  );
  const serving = [...after.tasks.values()].filter(
    ({ current }) => current?.state === 'serving' && heard.has(current.host),
  );
  const count = (state: JobState): number => serving.filter((task) => isTold(state, task)).length;
  const raised = Math.max(0, ...after.rollouts.map((one) => one.budgetOverride?.count ?? 0));
  const least = Math.min(
    count({ ...after, job: { ...after.job, traffic: was.traffic } }),
    size - Math.max(raised, budgetOf(budget, size)),
  );
  if (count(after) < least) {
    throw new Violation('traffic', 'a switch left fewer than the budget asks for', {
      told: count(after),
      least,
      traffic,
    });
  }
}

function outSet(state: JobState, isMeant: (operation: LedgerOperation) => boolean): Set<TaskIndex> {
  const heard = new Set(
    state.inventory.hosts.filter((host) => host.state === 'up' || host.state === 'leaving').map((host) => host.id),
  );
  const out = new Set<TaskIndex>();
  for (const task of state.tasks.values()) {
    if (task.index >= state.job.size || !task.servedOnce) continue;
    const serves = task.current?.state === 'serving' && heard.has(task.current.host) && isTold(state, task);
    if (!serves) out.add(task.index);
  }
  for (const operation of state.operations) {
    const isOwn = operation.index < firstExtra;
    if (isOwn && isUnderWay(operation.state) && isMeant(operation)) out.add(operation.index);
  }
  return out;
}

function budgetFor(state: JobState, operation: LedgerOperation, extras: number): number {
  const { budget, size, resizingFrom } = state.job;
  const inForce = Math.min(budgetOf(budget, size), budgetOf(budget, resizingFrom ?? size));
  const raised = state.rollouts.find((one) => one.id === operation.rollout)?.budgetOverride?.count ?? 0;
  return Math.max(inForce + extras, raised);
}

function isExempt(before: JobState, after: JobState, operation: LedgerOperation, nowMs: number): boolean {
  const task = after.tasks.get(operation.index);
  const current = task?.current;
  const host = current && before.inventory.hosts.find((one) => one.id === current.host);
  if (operation.exemption === 'no-living-incarnation') {
    if (operation.kind !== 'start') return false;
    const isAlive =
      current !== undefined && ['fetching', 'starting', 'serving', 'draining', 'crash-looping'].includes(current.state);
    return !isAlive || host === undefined || host.state === 'lost' || host.state === 'fenced';
  }
  if (operation.exemption === 'still-out') {
    if (current === undefined || operation.precondition?.stillOut !== current.incarnation) return false;
    if (operation.host !== current.host || current.state === 'serving') return false;
    const isDown = ['failed', 'stopped', 'crash-looping'].includes(current.state);
    const deadlineMs = before.versions.get(current.version)?.task.ready.deadlineMs ?? 0;
    return isDown || (task?.outSinceMs !== undefined && nowMs - task.outSinceMs > deadlineMs);
  }
  const isMaintained = before.outages.some(
    (outage) =>
      outage.cause === 'maintenance' &&
      'host' in outage.scope &&
      outage.scope.host === operation.host &&
      (outage.deadlineAtMs ?? Number.POSITIVE_INFINITY) <= nowMs,
  );
  return operation.exemption === 'forced' && operation.kind === 'stop' && isMaintained;
}

/** A phase by count or share allows what its plan says, and nobody beyond the phases before it. */
function plannedExposure(decision: JobDecision): void {
  for (const rollout of decision.changed.rollouts.values()) {
    let before = 0;
    for (const phase of rollout.phases) {
      if (phase.startedAtMs === undefined) continue;
      const select = rollout.plan.phases.find((spec) => spec.name === phase.name)?.select;
      if (select !== undefined && ('count' in select || 'percent' in select)) {
        const { size } = decision.after.job;
        // A second set that has passed runs the version too.
        const isBeside = rollout.phases[0]?.name === 'second-set';
        const planned = Math.max(before, phaseCountOf(select, size) + (isBeside ? size : 0));
        const isNew = phase.state === 'updating' && rollout.state === 'running';
        if (isNew && phase.allowance > planned) {
          throw new Violation('I3', 'a phase allows more than its plan says', {
            phase: phase.name,
            planned,
            allowed: phase.allowance,
          });
        }
      }
      before = phase.allowance;
    }
  }
}

/**
 * TWC-6 Nothing new goes to a host under maintenance; only tasks that are to be moved are moved away for it; who rides
 * out work that leaves hosts up is never forced.
 */
function maintenanceIsObeyed(before: JobState, { after, dispatches }: JobDecision, nowMs: number): void {
  const open = new Map<string, Outage[]>();
  for (const outage of before.outages) {
    const isOpen = outage.cause === 'maintenance' && 'host' in outage.scope && outage.startsAtMs <= nowMs;
    if (isOpen) open.set(outage.scope.host, [...(open.get(outage.scope.host) ?? []), outage]);
  }
  if (open.size === 0) return;
  for (const one of dispatches) {
    if (one.kind !== 'execute') continue;
    const { kind, index, host, rollout, exemption } = one.operation;
    const isNew = kind === 'start' || kind === 'move';
    if (isNew && host !== undefined && open.has(host)) {
      throw new Violation('TWC-6', 'a task was started on a host under maintenance', { index, host });
    }
    const from = after.tasks.get(index)?.current?.host;
    const works = from === undefined ? [] : (open.get(from) ?? []);
    const isLeaving = before.inventory.hosts.find(({ id }) => id === from)?.state === 'leaving';
    const answers = works.map(({ id }) => {
      const said = after.control?.stays?.[id];
      return said?.[index] ?? said?.all ?? before.job.onMaintenance ?? 'move';
    });
    const isToMove = answers.length === 0 || answers.includes('move') || isLeaving;
    if (kind === 'move' && rollout === undefined && !isToMove) {
      throw new Violation('TWC-6', 'a task was moved that was to stay', { index, from, answers });
    }
    const ridesItOut = answers.length > 0 && answers.every((answer) => answer === 'ignore');
    if (exemption === 'forced' && ridesItOut && works.every(({ work }) => work?.hostsStayUp === true)) {
      throw new Violation('TWC-6', 'a task was forced that rides it out', { index, from });
    }
  }
}

/** `undecided` never turns into a pass of the judge. */
function undecidedIsNoPass(before: JobState, decision: JobDecision): void {
  for (const rollout of decision.changed.rollouts.values()) {
    const was = [...before.rollouts, ...(before.watched ?? [])].find((one) => one.id === rollout.id);
    for (const [at, phase] of rollout.phases.entries()) {
      if (phase.passedBy?.by !== 'judge' || was?.phases[at]?.passedBy !== undefined) continue;
      const evidence = before.evidence.get(rollout.id);
      if (evidence?.verdict !== 'pass' || evidence.phase !== at) {
        throw new Violation('judge', 'a phase passed without a pass', { phase: phase.name, evidence });
      }
    }
  }
}

/** Under recreate nobody of a phase is started on a version while another one is known to run something else. */
function allStopFirst(before: JobState, { dispatches, after }: JobDecision): void {
  for (const dispatch of dispatches) {
    if (dispatch.kind !== 'execute' || dispatch.operation.to === undefined) continue;
    const { from, to, index, rollout: owner } = dispatch.operation;
    // Repaired, or moved, as it is.
    if (from === to) continue;
    const rollout = after.rollouts.find(({ id }) => id === owner);
    const isMoving = rollout?.state === 'running' || rollout?.state === 'reverting';
    if (rollout?.plan.strategy !== 'recreate' || !isMoving) continue;
    const phase = rollout.phases[rollout.currentPhase]?.members ?? [];
    const owned = [...after.assignment.values()].filter((row) => row.rollout === owner).map((row) => row.index);
    const batch = rollout.state === 'running' ? phase : owned;
    if (!batch.includes(index)) continue;
    for (const other of batch) {
      const wanted = after.assignment.get(other)?.version;
      const task = after.tasks.get(other);
      const lives = (task?.current === undefined ? [] : [task.current, ...task.others]).find(
        ({ state, host, version }) => {
          const of = before.inventory.hosts.find((one) => one.id === host)?.state;
          const isAlive = ['fetching', 'starting', 'serving', 'draining', 'crash-looping'].includes(state);
          return isAlive && version !== wanted && (of === 'up' || of === 'leaving' || of === 'suspected');
        },
      );
      if (lives !== undefined && other < after.job.size) {
        throw new Violation('recreate', 'a task was started beside one of another version', {
          index,
          to,
          other,
          lives,
        });
      }
    }
  }
}

/** A timeout ends nothing: what was under way ends by its agent's word, by a newer incarnation that serves, or a fence. */
function endedByWord(before: JobState, decision: JobDecision): void {
  for (const was of before.operations) {
    const ended = decision.changed.operations.get(was.id);
    if (!isUnderWay(was.state) || ended?.endedAtMs === undefined) continue;
    const host = before.inventory.hosts.find((one) => one.id === was.host);
    const current = decision.after.tasks.get(was.index)?.current;
    const isReplaced =
      current !== undefined && current.incarnation > was.nextIncarnation && current.state === 'serving';
    const isSaid =
      before.reports.some((report) => report.operation?.id === was.id) ||
      before.answers.some((answer) => answer.operation === was.id);
    if (isSaid || isReplaced || host === undefined || host.state === 'fenced') continue;
    throw new Violation('I1', 'an operation ended that nobody said had ended', { index: was.index, host: host.state });
  }
}

/** I2: what is ordered to run is what the assignment says in the same decision. */
function oneOwner(decision: JobDecision): void {
  for (const dispatch of decision.dispatches) {
    if (dispatch.kind !== 'execute' || dispatch.operation.to === undefined) continue;
    const { operation, request } = dispatch;
    const assigned = decision.after.assignment.get(operation.index)?.version;
    if (operation.to !== assigned || request.version?.id !== assigned) {
      throw new Violation('I2', 'an index is told to run what it is not assigned', {
        index: operation.index,
        told: request.version?.id,
        assigned,
      });
    }
  }
}

/** I4: no assignment changed to a carrier of a live mark. */
function noBadTwice(before: JobState, decision: JobDecision): void {
  for (const index of decision.changed.assignment) {
    const was = before.assignment.get(index)?.version;
    const is = decision.after.assignment.get(index)?.version;
    if (is !== undefined && is !== was && before.carriers.has(is)) {
      throw new Violation('I4', 'an index was assigned a carrier', { index, was, is });
    }
  }
}

/**
 * I1 on the truth: which indices Rollway's own unforced acts took out and that have not served since. It sees what
 * really happens on the hosts, not what is reported.
 */
export class TrueInvariants {
  readonly #serving = new Map<TaskIndex, Set<string>>();
  readonly #taken = new Map<TaskIndex, string>();
  /** The newest incarnation of each index that has served. */
  readonly #newest = new Map<TaskIndex, number>();
  /** Budget at the admission of each operation; undefined: forced. */
  readonly budgets = new Map<string, number | undefined>();
  /** The job by its newest decision. */
  #job: JobState | undefined;

  decided(after: JobState): void {
    this.#job = after;
  }

  serves(_job: JobId, index: TaskIndex, host: string, incarnation: number, isServing: boolean): void {
    if (isServing) this.#newest.set(index, Math.max(incarnation, this.#newest.get(index) ?? 0));
    let places = this.#serving.get(index);
    if (places === undefined) {
      places = new Set();
      this.#serving.set(index, places);
    }
    const place = `${host}/${incarnation}`;
    if (isServing) {
      places.add(place);
      this.#taken.delete(index);
    } else places.delete(place);
  }

  tookOut(request: ExecuteRequest, _host: string): void {
    if (request.index >= firstExtra) return;
    const places = this.#serving.get(request.index);
    if (places !== undefined && places.size > 1) return;
    // A superseded incarnation is no longer the task: if its replacement died meanwhile, that failure took it out.
    if (request.incarnation < (this.#newest.get(request.index) ?? 0)) return;
    const budget = this.budgets.get(request.id);
    if (budget === undefined) return;
    this.#taken.set(request.index, request.id);
    const taken = [...this.#taken].filter(([index]) => this.#counts(index));
    const limit = Math.max(0, ...taken.map(([, id]) => this.budgets.get(id) ?? 0));
    if (taken.length > limit) {
      throw new Violation('I1 (truth)', 'Rollway itself took out more than the budget', { taken, limit });
    }
  }

  /**
   * OUT is about indices of the job. One that a resize took away is none of them, unless something is still being done
   * to it: it will not serve again, and nobody waits for it. It counts again when the job grows back over it.
   */
  #counts(index: TaskIndex): boolean {
    if (this.#job === undefined || index < this.#job.job.size) return true;
    return this.#job.operations.some((one) => one.index === index && isUnderWay(one.state));
  }

  /** The index has left the job: what it was taken out for is done. */
  retire(index: TaskIndex): void {
    this.#taken.delete(index);
  }

  /** Indices that serve in truth, each with its places. */
  placesOf(index: TaskIndex): readonly string[] {
    return [...(this.#serving.get(index) ?? [])];
  }
}

import { describe, expect, it } from 'vitest';
import { budgetOnly, leaderLast, readAnswer } from '../disruption/index.ts';
import { pickBelow, seededChance } from '../kit/index.ts';
import { isUnderWay, type TaskController, type TaskControlRequest, type TaskIndex } from '../model/index.ts';
import { explainRollout } from './explain.ts';
import { type Rules, standardRules } from './rules.ts';
import { controlledJob, setsOf } from './testing/controlled-job.ts';
import { planOf, v0, v1 } from './testing/small-job.ts';

type Job = ReturnType<typeof controlledJob>;

/** Acks of the newest request for these tasks. */
function ack(job: Job, request: TaskControlRequest, indices: readonly TaskIndex[]): void {
  const acked = request.request.filter(({ index }) => indices.includes(index));
  job.reply(request.sequenceNumber, { ack: acked.map(({ opId }) => opId) });
}

const underWay = (job: Job): TaskIndex[] =>
  job.world.state.operations.filter((one) => isUnderWay(one.state)).map((one) => one.index);

function twoTasks(): Job {
  const job = controlledJob({ size: 2, budget: 2, hosts: 2 });
  job.deploy(v1, { plan: planOf([2]) });
  job.decide();
  return job;
}

describe('a job with a TaskController', () => {
  it('C3 C7 TWC-1 the published sequence of calls for an update of two tasks', () => {
    const job = twoTasks();
    const s1 = job.asked!;
    expect(setsOf(s1)).toEqual({ request: [0, 1], completed: [] });
    ack(job, s1, [1]);
    job.decide(10);
    expect(underWay(job)).toEqual([1]);
    expect(job.asked).toBeUndefined();
    job.obey();
    job.decide(10);
    const s2 = job.asked!;
    expect(setsOf(s2)).toEqual({ request: [0], completed: [1] });
    ack(job, s2, [0]);
    job.decide(10);
    expect(underWay(job)).toEqual([0]);
    job.obey();
    job.decide(10);
    const s3 = job.asked!;
    expect(setsOf(s3)).toEqual({ request: [], completed: [0] });
    ack(job, s3, []);
    job.decide(10);
    expect(job.world.state.control?.completed).toEqual([]);
    expect([s1, s2, s3].map((one) => one.sequenceNumber)).toEqual([0, 1, 2].map((n) => s1.sequenceNumber + n));
    job.world.settle(() => job.rollout().endedAtMs !== undefined);
    expect(job.rollout().state).toBe('succeeded');
  });

  it('R2 R15 R16 a request says of each operation what it is, for which rollout and phase, and asks for that phase only', () => {
    const job = controlledJob({ size: 4, budget: 4, hosts: 2 });
    job.deploy(v1, { plan: planOf([1, 4]) });
    job.decide();
    const first = job.asked!;
    const { id } = job.rollout();
    const due = { kind: 'update', from: v0, to: v1, rollout: id, phase: 0, deadline: null };
    expect(first.request).toHaveLength(1);
    expect(first.request[0]).toMatchObject({ ...due, reason: expect.any(String), incarnation: 1 });
    // It may allow or let wait, and nothing else: whatever more it says about an operation changes nothing of it.
    const [{ opId }] = first.request as [(typeof first.request)[0]];
    job.reply(first.sequenceNumber, { ack: [opId], [opId]: { to: 'v_9', index: 3 } } as never);
    job.decide(10);
    expect(underWay(job)).toEqual([first.request[0]!.index]);
    expect(job.world.state.operations.find((one) => one.id === opId)?.to).toBe(v1);
    job.obey();
    job.decide(10);
    job.world.settle(() => job.rollout().currentPhase === 1 && job.asked !== undefined);
    expect(new Set(job.asked!.request.map(({ phase }) => phase))).toEqual(new Set([1]));
  });

  it('R1 what is not acked stays pending and is asked for again, with the same opId', () => {
    const job = twoTasks();
    const first = job.asked!;
    ack(job, first, []);
    job.decide(10);
    expect(job.asked).toBeUndefined();
    expect(job.last.wakeAtMs).toBe(job.world.state.control!.calledAtMs + 2000);
    job.decide(2000);
    expect(job.asked?.request.map((one) => one.opId)).toEqual(first.request.map((one) => one.opId));
    expect(underWay(job)).toEqual([]);
  });

  it('R9 a late or repeated answer changes nothing; R10 nor does an ack for what was not asked', () => {
    const job = twoTasks();
    const first = job.asked!;
    job.fail(first.sequenceNumber);
    job.decide(10);
    job.decide(2000);
    const second = job.asked!;
    ack(job, first, [0, 1]);
    job.decide(10);
    expect(underWay(job)).toEqual([]);
    job.reply(second.sequenceNumber, { ack: ['op_nobody', second.request[1]!.opId, second.request[1]!.opId] });
    ack(job, second, [0]);
    job.decide(10);
    expect(underWay(job)).toEqual([1]);
    expect(job.world.state.control?.ignored).toBe(3);
  });

  it('R11 what ended is told until the controller has taken it in', () => {
    const job = twoTasks();
    ack(job, job.asked!, [1]);
    job.decide(10);
    job.obey();
    job.decide(10);
    const lost = job.asked!;
    job.fail(lost.sequenceNumber);
    job.decide(10);
    job.decide(2000);
    const again = job.asked!;
    expect(again.completed.map((one) => [one.index, one.outcome])).toEqual([[1, 'done']]);
    job.reply(again.sequenceNumber, { ack: [], acknowledgedSequence: lost.sequenceNumber - 1 });
    job.decide(10);
    job.decide(2000);
    expect(setsOf(job.asked)?.completed).toEqual([1]);
    job.reply(job.asked!.sequenceNumber, { ack: [] });
    job.decide(10);
    job.decide(2000);
    expect(setsOf(job.asked)).toEqual({ request: [0], completed: [] });
  });

  it('R12 an ack that cannot be used within a minute is void, and asked for anew', () => {
    const job = controlledJob({ size: 3, budget: 1 });
    job.deploy(v1, { plan: planOf([3]) });
    job.decide();
    const first = job.asked!;
    ack(job, first, [0, 1]);
    job.decide(10);
    expect(underWay(job)).toEqual([0]);
    job.decide(60_000);
    const [expired] = [...job.last.changed.operations.values()].filter((one) => one.state === 'expired');
    expect(expired?.index).toBe(1);
    const next = job.asked!;
    expect(setsOf(next)).toEqual({ request: [1, 2], completed: [1] });
    expect(next.request[0]?.opId).not.toBe(expired?.id);
    // Admitted: its ack does not expire, whatever the clock says.
    expect(underWay(job)).toEqual([0]);
    expect(next.inFlight.map((one) => one.index)).toEqual([0]);
  });

  it('C9 R14 TWC-4 a controller that does not answer blocks releases and raises one alarm; explain names it', () => {
    const job = twoTasks();
    const alarms: string[] = [];
    for (let turn = 0; turn < 40; turn++) {
      if (job.asked !== undefined) job.fail(job.asked.sequenceNumber);
      job.decide(2000);
      alarms.push(...job.last.events.map((one) => one.type).filter((type) => type.startsWith('controller.')));
    }
    expect(underWay(job)).toEqual([]);
    expect(alarms).toEqual(['controller.silent']);
    const { sentence, unblocker } = explainRollout(job.world.state, job.rollout(), job.world.nowMs);
    expect(sentence).toContain('The controller at http://127.0.0.1:9000/taskcontrol has not answered since 1970-');
    expect(sentence).toContain('the connection was refused');
    expect(unblocker).toEqual({ kind: 'controller' });
    ack(job, job.asked!, [0, 1]);
    job.decide(10);
    expect(job.last.events.map((one) => one.type)).toContain('controller.recovered');
    expect(underWay(job)).toEqual([0, 1]);
  });

  it('C4 R3 TWC-4 a controller that never acks: the release is stuck with an alarm, maintenance proceeds at its deadline', () => {
    const job = controlledJob({ size: 2, budget: 1, hosts: 3 });
    job.deploy(v1, { plan: planOf([2]) });
    const nowMs = job.world.nowMs;
    const outage = {
      id: 'out_1',
      cause: 'maintenance',
      scope: { host: 'host-1' },
      operation: undefined,
      startsAtMs: nowMs,
      deadlineAtMs: nowMs + 90_000,
      endedAtMs: undefined,
    } as const;
    job.world.change({ outages: [outage] });
    const seen: string[] = [];
    let first: TaskControlRequest | undefined;
    for (let turn = 0; turn < 44; turn++) {
      job.decide(2000);
      first ??= job.asked;
      if (job.asked !== undefined) {
        const reasons = Object.fromEntries(job.asked.request.map((one) => [one.opId, 'it is Friday']));
        job.reply(job.asked.sequenceNumber, { ack: [], reasons });
      }
      seen.push(...job.last.events.map((one) => one.type).filter((type) => type !== 'rollout.started'));
      expect(underWay(job)).toEqual([]);
    }
    expect(first?.advanceNotices).toEqual([
      { id: 'out_1', host: 'host-1', tasks: [1], start: nowMs, deadline: nowMs + 90_000, policy: 'move' },
    ]);
    expect(first?.request.find((one) => one.index === 1)).toMatchObject({ kind: 'move', deadline: nowMs + 90_000 });
    expect(first?.request.find((one) => one.index === 0)).toMatchObject({ kind: 'update', deadline: null });
    expect(seen).toContain('controller.withholding');
    expect(explainRollout(job.world.state, job.rollout(), job.world.nowMs).sentence).toContain('it is Friday');
    job.decide(3000);
    expect(job.last.events.map((one) => one.type)).toContain('operation.forced');
    expect(underWay(job)).toEqual([1]);
  });

  it('C1 R6 R13 TWC-7 a controller that acks everything at once: the budget still holds', () => {
    const job = controlledJob({ size: 12, budget: 2 });
    job.deploy(v1, { plan: planOf([12]) });
    let most = 0;
    for (let turn = 0; turn < 100 && job.rollout().endedAtMs === undefined; turn++) {
      job.decide(500);
      if (job.asked !== undefined) ack(job, job.asked, [...Array(12).keys()]);
      most = Math.max(most, underWay(job).length);
      if (turn % 2 === 0) job.obey();
    }
    expect(most).toBe(2);
    expect(job.rollout().state).toBe('succeeded');
  });

  it('TWC-8 a controller without memory is told what is in flight, also what is acked and could not begin yet', () => {
    const job = controlledJob({ size: 3, budget: 1 });
    job.deploy(v1, { plan: planOf([3]) });
    job.decide();
    ack(job, job.asked!, [0, 1]);
    job.decide(10);
    job.decide(2000);
    const next = job.asked!;
    expect(next.inFlight.map((one) => one.index).sort()).toEqual([0, 1]);
    expect(next.allUnhealthyTasks).toEqual([0]);
    expect(setsOf(next)).toEqual({ request: [2], completed: [] });
  });

  it('R5 what disturbs nothing alive is not asked for: a failed task is started again', () => {
    const job = controlledJob({ size: 2, budget: 1 });
    job.world.report(0, 'failed');
    job.decide(10);
    job.decide(1000);
    expect(job.asked).toBeUndefined();
    expect(underWay(job)).toEqual([0]);
  });

  it('extra tasks that are being started take nothing from anybody: the controller does not count them as out', () => {
    const job = controlledJob({ size: 4, budget: 0 });
    job.deploy(v1, { plan: planOf([4], {}, { strategy: { surge: { count: 2 } } }) });
    job.decide();
    expect(underWay(job).length).toBe(2);
    expect(job.asked).toMatchObject({ inFlight: [], allUnhealthyTasks: [] });
    ack(job, job.asked!, [0, 1, 2, 3]);
    job.decide(10);
    job.obey();
    job.decide(10);
    expect(underWay(job).filter((index) => index < 4).length).toBe(2);
  });

  it('R14 two persons let a release go on without it; one cannot do it alone', () => {
    const job = twoTasks();
    job.fail(job.asked!.sequenceNumber);
    job.command('override-controller');
    job.decide(10);
    expect(underWay(job)).toEqual([]);
    job.command('confirm-override');
    job.decide(10);
    expect(job.last.outcomes).toMatchObject([{ ok: false, detail: 'ada asked for it: somebody else has to confirm.' }]);
    const bob = { kind: 'person', name: 'bob' } as const;
    const base = { id: 'cmd_b', rollout: job.rollout().id, actor: bob, reason: undefined, count: undefined };
    job.world.change({ commands: [{ ...base, command: 'confirm-override' }] });
    job.decide(10);
    expect(job.last.outcomes).toMatchObject([{ ok: true }]);
    expect(job.last.events.find((one) => one.type === 'rollout.commanded')).toMatchObject({ actor: bob });
    expect(underWay(job)).toEqual([0, 1]);
  });

  it('an override that nobody confirmed within the hour has to be asked for again', () => {
    const job = twoTasks();
    job.command('override-controller');
    job.decide(10);
    const bob = { kind: 'person', name: 'bob' } as const;
    const base = { id: 'cmd_b', rollout: job.rollout().id, actor: bob, reason: undefined, count: undefined };
    job.world.change({ commands: [{ ...base, command: 'confirm-override' }] });
    job.decide(3_600_001);
    expect(job.last.outcomes).toMatchObject([{ ok: false }]);
    expect(underWay(job)).toEqual([]);
  });
});

describe('TWC-5 C8 calls that are lost, late, repeated and out of order', () => {
  /** A network and a controller that lets one task go at a time, by what each request says. */
  function run(seed: number, rules: Rules = standardRules): { readonly turns: number; readonly admitted: number } {
    const chance = seededChance(seed, 'calls');
    const job = controlledJob({ size: 6, budget: 4 });
    job.world.rules = rules;
    job.deploy(v1, { plan: planOf([6]) });
    const onTheWay: { atMs: number; answer: () => void }[] = [];
    /** What was acked by an answer that arrived while its call was the newest, and when: known without the code. */
    const alive = new Map<string, number>();
    let admitted = 0;
    const isCalmAt = 60 + pickBelow(chance, 60);
    const arrive = (request: TaskControlRequest, acked: readonly string[]) => () => {
      const control = job.world.state.control!;
      const isFirst = !job.world.state.controlAnswers?.some((one) => one.sequence === request.sequenceNumber);
      if (control.sequence === request.sequenceNumber && control.isAwaited && isFirst) {
        for (const opId of acked) alive.set(opId, job.world.nowMs);
      }
      job.reply(request.sequenceNumber, { ack: [...acked] });
    };
    const send = (request: TaskControlRequest, isCalm: boolean): void => {
      const out = new Set([...request.allUnhealthyTasks, ...request.inFlight.map(({ index }) => index)]);
      const acked = out.size === 0 ? request.request.slice(0, 1).map(({ opId }) => opId) : [];
      const delay = (): number => (isCalm ? 20 : pickBelow(chance, chance.next() < 0.3 ? 20_000 : 800));
      if (!isCalm && chance.next() < 0.25) return;
      onTheWay.push({ atMs: job.world.nowMs + delay(), answer: arrive(request, acked) });
      if (chance.next() < 0.3) onTheWay.push({ atMs: job.world.nowMs + delay(), answer: arrive(request, acked) });
    };
    for (let turn = 0; turn < 400; turn++) {
      const isCalm = turn > isCalmAt;
      job.decide(10 + pickBelow(chance, isCalm ? 500 : 3000));
      for (const { kind, operation } of job.last.dispatches) {
        if (kind !== 'execute') continue;
        admitted += 1;
        const ackedAtMs = alive.get(operation.id);
        expect(ackedAtMs, `seed ${seed}: ${operation.id} has a live ack`).toBeDefined();
        expect(job.world.nowMs - ackedAtMs!).toBeLessThan(60_000 + 3100);
      }
      expect(underWay(job).length).toBeLessThanOrEqual(1);
      if (job.asked !== undefined) send(job.asked, isCalm);
      if (chance.next() < 0.5) job.obey();
      const due = onTheWay.filter((one) => one.atMs <= job.world.nowMs);
      for (const one of due) onTheWay.splice(onTheWay.indexOf(one), 1);
      for (const one of due) one.answer();
      if (job.rollout().endedAtMs !== undefined) return { turns: turn, admitted };
    }
    throw new Error(`seed ${seed}: the rollout does not end: ${job.rollout().state}`);
  }

  it('1,000 schedules: nothing begins without a live ack, never two at once, and the rollout ends', {
    timeout: 60_000,
  }, () => {
    for (let seed = 1; seed <= 1000; seed++) expect(run(seed).admitted).toBeGreaterThanOrEqual(6);
  });

  it.each<[string, Partial<Rules>]>([
    [
      'takes a late answer',
      {
        readAnswer: (control, answer, operations) =>
          readAnswer({ ...control, sequence: answer.sequence, isAwaited: true }, answer, operations),
      },
    ],
    ['asks for nothing', { needsAck: () => false }],
  ])('sees a job that %s', (_, broken) => {
    const rules = { ...standardRules, ...broken };
    const seeds = Array.from({ length: 100 }, (_, at) => at + 1);
    expect(() => seeds.map((seed) => run(seed, rules))).toThrow();
  });
});

describe('C6 TWC-2 an ensemble with an elected leader', () => {
  /** Updates an ensemble of n, budget 2; gives the number of times that the leader was taken out. */
  function changesOfLeader(
    n: number,
    seed: number,
    controllerOf: (leader: TaskIndex) => TaskController,
    phases: readonly number[] = [n],
    kind: 'deploy' | 'restart' = 'deploy',
  ): number {
    const chance = seededChance(seed, 'ensemble');
    const job = controlledJob({ size: n, budget: 2, hosts: n });
    job.deploy(kind === 'deploy' ? v1 : v0, { plan: planOf(phases), kind });
    let leader = pickBelow(chance, n);
    let changes = 0;
    for (let turn = 0; turn < 500 && job.rollout().endedAtMs === undefined; turn++) {
      job.decide(500);
      const away = new Set(underWay(job));
      if (away.has(leader)) {
        const others = [...Array(n).keys()].filter((index) => !away.has(index));
        leader = others[pickBelow(chance, others.length)]!;
        changes += 1;
      }
      const request = job.asked;
      if (request !== undefined) job.reply(request.sequenceNumber, controllerOf(leader)(request));
      if (chance.next() < 0.6) job.obey();
    }
    expect(job.rollout().state).toBe('succeeded');
    expect(job.rollout().phases.map(({ members }) => members.length)).toEqual(phases);
    return changes;
  }
  const lastOf = (n: number) => (leader: TaskIndex) => (request: TaskControlRequest) => {
    return leaderLast(
      request,
      [...Array(n).keys()].map((index) => ({ index, leader })),
    );
  };

  it.each([3, 4, 5, 6, 7, 8, 9])('of %i in several phases: still exactly one change, in the last of them', (n) => {
    for (let seed = 1; seed <= 30; seed++) {
      for (const kind of ['deploy', 'restart'] as const) {
        expect(changesOfLeader(n, seed, lastOf(n), [1, n], kind), `seed ${seed}`).toBe(1);
        expect(changesOfLeader(n, seed, lastOf(n), [1, 2, n], kind), `seed ${seed}`).toBe(1);
      }
    }
  });

  it('D1 the task that leads is left to the last phase: another one takes its place, and an event says why', () => {
    const job = controlledJob({ size: 4, budget: 2, hosts: 4 });
    job.deploy(v1, { plan: planOf([1, 4]) });
    job.decide();
    expect(job.asked?.request.map(({ index, deferrable }) => [index, deferrable])).toEqual([[0, true]]);
    job.reply(job.asked!.sequenceNumber, lastOf(4)(0)(job.asked!));
    job.decide(10);
    const [phase] = job.rollout().phases;
    expect(phase?.members).toEqual([1]);
    expect(job.world.assigned()).toEqual([v0, v1, v0, v0]);
    expect(job.last.events.find(({ type }) => type === 'rollout.deviated')?.data).toEqual({
      cause: 'the controller says of task 0 that it leads: it goes in the last phase',
      taken: [1],
      left: [0],
    });
    expect(job.asked?.request.map(({ index }) => index)).toEqual([1]);
  });

  it('L1 a controller that defers whomever it is asked about comes to an end: nobody is left twice in a phase', () => {
    const job = controlledJob({ size: 4, budget: 2, hosts: 4 });
    job.deploy(v1, { plan: planOf([1, 4]) });
    job.decide();
    const asked: number[] = [];
    for (let round = 0; round < 6; round++) {
      const request = job.asked!.request;
      asked.push(...request.map(({ index }) => index));
      if (!request.some(({ deferrable }) => deferrable)) break;
      job.reply(job.asked!.sequenceNumber, { ack: [], defer: request.map(({ opId }) => opId) });
      job.decide(10);
    }
    expect(asked.toSorted()).toEqual([0, 1, 2, 3]);
    expect(job.rollout().phases[0]).toMatchObject({ members: asked.slice(-1), deferred: asked.slice(0, 3) });
  });

  it('I3 nobody is left to a later phase where the plan means just these tasks, and none in the last one', () => {
    const named = { ...planOf([1, 4]).phases[0]!, select: { tasks: [0] } };
    const plan = { ...planOf([1, 4]), phases: [named, planOf([1, 4]).phases[1]!] };
    const job = controlledJob({ size: 4, budget: 2, hosts: 4 });
    job.deploy(v1, { plan });
    job.decide();
    expect(job.asked?.request.map(({ index, deferrable }) => [index, deferrable])).toEqual([[0, undefined]]);
    // What was not offered changes nothing, whatever a controller says.
    job.reply(job.asked!.sequenceNumber, { ack: [], defer: job.asked!.request.map(({ opId }) => opId) });
    job.decide(10);
    expect(job.rollout().phases[0]?.members).toEqual([0]);
    const whole = controlledJob({ size: 2, budget: 2, hosts: 2 });
    whole.deploy(v1, { plan: planOf([2]) });
    whole.decide();
    expect(whole.asked?.request.map(({ deferrable }) => deferrable)).toEqual([undefined, undefined]);
  });

  it.each([3, 4, 5, 6, 7, 8, 9])('of %i: leader-last changes the leader exactly once in a release', (n) => {
    for (let seed = 1; seed <= 30; seed++) expect(changesOfLeader(n, seed, lastOf(n))).toBe(1);
  });

  it('in the order of their indices it would change more often', () => {
    const seeds = Array.from({ length: 30 }, (_, at) => at + 1);
    const changes = seeds.map((seed) => changesOfLeader(5, seed, () => budgetOnly));
    expect(Math.max(...changes)).toBeGreaterThan(1);
  });
});

import { describe, expect, it } from 'vitest';
import type { MaintenanceAnswer, Outage } from '../model/index.ts';
import { explainRollout } from './explain.ts';
import { maintainedSentence, underMaintenance } from './explain-maintenance.ts';
import { controlledJob } from './testing/controlled-job.ts';
import { planOf, smallJob, v1 } from './testing/small-job.ts';

const minute = 60_000;

/** `host-1` is worked on: tasks leave now, the work begins in 10 minutes and is said to take 20. */
function outageAt(nowMs: number, change: { host?: string; hostsStayUp?: boolean; forMs?: number } = {}): Outage {
  const { host = 'host-1', hostsStayUp = false, forMs = 20 * minute } = change;
  const deadlineAtMs = nowMs + 10 * minute;
  return {
    id: `out_${host}`,
    cause: 'maintenance',
    scope: { host },
    operation: undefined,
    startsAtMs: nowMs,
    deadlineAtMs,
    endedAtMs: undefined,
    work: { maintenance: 'mnt_1', scope: host, reason: 'new disks', untilMs: deadlineAtMs + forMs, hostsStayUp },
  };
}

type World = ReturnType<typeof smallJob>;

const orders = (world: Pick<World, 'last'>) =>
  world.last.dispatches.map(({ operation }) => [operation.kind, operation.index, operation.host, operation.exemption]);

/** Decides and obeys until nothing more follows at this time. */
function settleNow(world: World): unknown[] {
  const seen: unknown[] = [];
  for (let turn = 0; turn < 50; turn++) {
    world.decide(10);
    seen.push(...orders(world));
    world.obey();
    if (turn > 0 && world.state.reports.length === 0) return seen;
  }
  throw new Error('it does not settle');
}

function begin(answer: MaintenanceAnswer, change: Parameters<typeof outageAt>[1] = {}, size = 4): World {
  const world = smallJob({ size, budget: 1, hosts: 4 });
  const outage = outageAt(world.nowMs, change);
  world.change({ outages: [outage], job: { ...world.state.job, onMaintenance: answer } });
  return world;
}

const end = (world: World): void =>
  world.change({ outages: world.state.outages.filter((one) => 'index' in one.scope) });
const host1 = (world: World): number[] =>
  [...world.state.tasks.values()].filter(({ current }) => current?.host === 'host-1').map(({ index }) => index);

describe('R4 C5 TWC-6 what becomes of tasks on a host under maintenance', () => {
  it('move: they serve elsewhere before they stop there, within the budget, and the host gets nothing new', () => {
    const world = begin('move', {}, 8);
    expect(settleNow(world).every((one) => (one as string[])[0] !== 'start')).toBe(true);
    expect(host1(world)).toEqual([]);
    world.host('host-2', 'fenced');
    settleNow(world);
    expect(host1(world)).toEqual([]);
    end(world);
    world.host('host-3', 'fenced');
    settleNow(world);
    expect(host1(world).length).toBeGreaterThan(0);
  });

  describe.each([0.5, 1, 2])('the work takes %s times as long as it was said to', (times) => {
    const tookMs = times * 20 * minute;

    it('hold: stopped in order before the deadline, and back on the same host; work that takes too long is not waited for', () => {
      const world = begin('hold');
      expect(settleNow(world)).toEqual([]);
      world.decide(9 * minute);
      expect(orders(world)).toEqual([['stop', 1, 'host-1', undefined]]);
      world.obey();
      settleNow(world);
      world.decide(minute);
      expect(orders(world)).toEqual([]);
      if (times === 2) {
        world.decide(20 * minute);
        const [[kind, index, host]] = orders(world) as [[string, number, string]];
        expect([kind, index]).toEqual(['start', 1]);
        expect(host).not.toBe('host-1');
        return;
      }
      world.decide(Math.min(tookMs, 20 * minute - 1000));
      expect(orders(world)).toEqual([]);
      end(world);
      expect(settleNow(world)).toEqual([['restart', 1, 'host-1', 'still-out']]);
      expect(world.state.tasks.get(1)?.current).toMatchObject({ host: 'host-1', state: 'serving' });
    });

    it('ignore, and the host stays up: nothing is done to it, also at the deadline; its host may fall silent for as long as was said', () => {
      const world = begin('ignore', { hostsStayUp: true });
      settleNow(world);
      world.decide(10 * minute);
      expect(orders(world)).toEqual([]);
      world.host('host-1', 'lost');
      world.decide(Math.min(tookMs, 20 * minute - 1000));
      expect(orders(world)).toEqual([]);
      if (times === 2) {
        world.decide(minute);
        expect(orders(world)).toMatchObject([
          ['start', 1, expect.not.stringMatching('host-1'), 'no-living-incarnation'],
        ]);
        return;
      }
      world.host('host-1', 'up');
      end(world);
      expect(settleNow(world)).toEqual([]);
      expect(world.state.tasks.get(1)?.current).toMatchObject({ host: 'host-1', incarnation: 1 });
    });
  });

  it('R3 ignore, and the work stops the host: it is stopped at the deadline, forced, and comes back there', () => {
    const world = begin('ignore');
    settleNow(world);
    world.decide(10 * minute);
    expect(orders(world)).toEqual([['stop', 1, 'host-1', 'forced']]);
    expect(world.last.events.map(({ type }) => type)).toContain('operation.forced');
    world.obey();
    expect(settleNow(world)).toEqual([]);
    const open = world.state.outages.filter(({ scope }) => 'index' in scope);
    expect(open).toMatchObject([{ cause: 'maintenance', scope: { index: 1 } }]);
    end(world);
    expect(settleNow(world)).toEqual([['restart', 1, 'host-1', 'still-out']]);
  });

  it('its room is kept while it is held', () => {
    const world = begin('hold');
    const claim = { job: world.state.job.id, index: 1, incarnation: 1, host: 'host-1', cpuMillis: 100, memoryMb: 64 };
    world.change({ inventory: { ...world.state.inventory, placements: [claim] } });
    world.decide(9 * minute);
    world.obey();
    settleNow(world);
    expect(world.state.inventory.placements).toContainEqual(claim);
    end(world);
    settleNow(world);
    expect(world.state.inventory.placements).toMatchObject([{ host: 'host-1', incarnation: 2 }]);
  });

  it('TWM-6 two racks at once: holding the second waits for the budget, with why, until its deadline', () => {
    const world = begin('hold');
    world.change({ outages: [outageAt(world.nowMs), outageAt(world.nowMs, { host: 'host-2' })] });
    world.decide(9 * minute);
    expect(orders(world)).toEqual([['stop', 1, 'host-1', undefined]]);
    const second = underMaintenance(world.state, 2, world.nowMs)!;
    expect(maintainedSentence(world.state, second, world.nowMs)).toBe(
      'Its stop waits: The budget of 1 is used up. At the deadline, in 1 m, it is stopped all the same.',
    );
    world.obey();
    world.decide(minute);
    expect(orders(world)).toEqual([['stop', 2, 'host-2', 'forced']]);
  });

  it('C1 a release waits for what maintenance has taken of the budget, and says so', () => {
    const world = begin('hold');
    world.decide(9 * minute);
    world.obey();
    settleNow(world);
    world.deploy(v1, { plan: planOf([4]) });
    world.decide(10);
    expect(orders(world)).toEqual([]);
    expect(explainRollout(world.state, world.rollout(), world.nowMs).sentence).toMatch(/budget of 1 is used up/);
    end(world);
    settleNow(world);
    const versions = [...world.state.tasks.values()].map(({ current }) => current?.version);
    expect(versions).toEqual([v1, v1, v1, v1]);
  });
});

describe('C5 TWC-6 the answers of a TaskController', () => {
  it('SM-5 it answers per task; what it does not answer goes by the policy; the newest answer counts', () => {
    const job = controlledJob({ size: 8, budget: 2, hosts: 4 });
    job.world.change({
      outages: [outageAt(job.world.nowMs)],
      job: { ...job.world.state.job, onMaintenance: 'ignore' },
    });
    job.decide(10);
    expect(job.asked?.advanceNotices).toMatchObject([
      { id: 'out_host-1', tasks: [1, 5], policy: 'ignore', reason: 'new disks', until: expect.any(Number) },
    ]);
    job.reply(job.asked!.sequenceNumber, {
      ack: [],
      maintenance: [{ notice: 'out_host-1', answer: 'move', tasks: [5] }],
    });
    job.decide(10);
    expect(job.last.events).toMatchObject([
      { type: 'controller.on-maintenance', data: { notice: 'out_host-1', answers: { 5: 'move' } } },
    ]);
    expect(job.asked?.request).toMatchObject([{ kind: 'move', index: 5 }]);
    job.reply(job.asked!.sequenceNumber, { ack: [], maintenance: [{ notice: 'out_host-1', answer: 'hold' }] });
    job.decide(10);
    expect(job.world.state.operations).toEqual([]);
    expect(job.world.state.control?.stays).toEqual({ 'out_host-1': { all: 'hold' } });
  });

  it('answers to what was never announced, and to what is over, are forgotten', () => {
    const job = controlledJob({ size: 4, budget: 1, hosts: 4 });
    job.world.change({ outages: [outageAt(job.world.nowMs)] });
    job.decide(10);
    const maintenance = [
      { notice: 'out_other', answer: 'hold' as const },
      { notice: 'out_host-1', answer: 'hold' as const },
    ];
    job.reply(job.asked!.sequenceNumber, { ack: [], maintenance });
    job.decide(10);
    expect(Object.keys(job.world.state.control?.stays ?? {})).toEqual(['out_host-1']);
    job.world.change({ outages: [] });
    job.decide(10);
    expect(job.world.state.control?.stays).toEqual({});
  });

  it('R11 a notice that did not arrive is told again', () => {
    const job = controlledJob({ size: 4, budget: 1, hosts: 4 });
    job.world.change({
      outages: [outageAt(job.world.nowMs)],
      job: { ...job.world.state.job, onMaintenance: 'ignore' },
    });
    job.decide(10);
    job.fail(job.asked!.sequenceNumber);
    job.decide(10);
    expect(job.asked).toBeUndefined();
    job.decide(2000);
    expect(job.asked?.advanceNotices).toHaveLength(1);
  });
});

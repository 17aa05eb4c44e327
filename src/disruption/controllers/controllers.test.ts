import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { TaskControlRequest, TaskIndex } from '../../model/index.ts';
import { leaderLast, loadAware, mostAtOnce, shardAware } from '../index.ts';

function request(waiting: readonly TaskIndex[], away: readonly TaskIndex[] = [], flying: readonly TaskIndex[] = []) {
  const operation = (index: TaskIndex) => ({
    ...{ opId: `op_${index}`, kind: 'update', index, incarnation: 1, from: 'v_0', to: 'v_1' },
    ...{ rollout: 'ro_1', phase: 0, reason: 'it is assigned another version', deadline: null },
  });
  return {
    jobHandle: 'kv@production',
    request: waiting.map(operation),
    completed: [],
    inFlight: flying.map(operation),
    advanceNotices: [],
    allUnhealthyTasks: [...away],
    sequenceNumber: 1,
    acknowledgedSequence: 0,
  } as TaskControlRequest;
}
const acked = ({ ack }: { readonly ack: readonly string[] }): TaskIndex[] => ack.map((id) => Number(id.slice(3)));
const say = (leader: TaskIndex | null, indices: readonly TaskIndex[]) => indices.map((index) => ({ index, leader }));

describe('C6 R7 TWC-2 leader-last', () => {
  it.each([
    ['the followers come first', [0, 1, 2], [], say(1, [0, 1, 2]), [0, 2]],
    ['then the leader', [1], [], say(1, [0, 1, 2]), [1]],
    ['not while another task is away', [1], [2], say(1, [0, 1]), []],
    ['nor while nobody leads', [0, 1, 2], [], say(null, [0, 1, 2]), []],
    ['nor while they do not agree', [0, 1], [], [...say(0, [0]), ...say(1, [1])], []],
    ['most of those heard are enough', [0, 1, 2], [], [...say(2, [0, 1]), ...say(null, [2])], [0, 1]],
  ] as const)('%s', (_, waiting, away, words, expected) => {
    expect(acked(leaderLast(request(waiting, away), words))).toEqual(expected);
  });

  it('where a later phase can take the leader, it is left to that one, even when it alone is asked for', () => {
    const asked = request([1]);
    const offered = { ...asked, request: asked.request.map((one) => ({ ...one, deferrable: true })) };
    expect(leaderLast(offered, say(1, [0, 1, 2]))).toEqual({
      ack: [],
      defer: ['op_1'],
      reasons: { op_1: 'it leads: it goes in the last phase' },
    });
    expect(leaderLast(offered, say(0, [0, 1, 2]))).toEqual({ ack: ['op_1'], reasons: {} });
  });

  it('not while the update of a follower is under way', () => {
    expect(leaderLast(request([1], [], [0]), say(1, [0, 1, 2]))).toMatchObject({
      ack: [],
      reasons: { op_1: 'it leads, and task 0 is away' },
    });
  });
});

describe('C7 R7 R8 SM-3 shard-aware', () => {
  const shards = { a: [0, 1, 2], b: [2, 3, 4] };
  it.each([
    ['tasks that share no shard go together', [0, 3], [], null, [0, 3]],
    ['of those that share one, the first', [0, 1, 2], [], null, [0]],
    ['an unhealthy replica elsewhere keeps a shard', [1, 2, 3, 4], [0], null, [3]],
    ['a task that is down already costs nobody anything', [0], [0], null, [0]],
    ['one healthy replica is enough', [0, 1, 2], [], 1, [0, 1]],
    ['a task without shards is free', [9], [0, 1, 2], null, [9]],
  ] as const)('%s', (_, waiting, away, keep, expected) => {
    expect(acked(shardAware(request(waiting, away), shards, { keep }))).toEqual(expected);
  });

  it.each([
    ['short work, and replicas elsewhere: it is waited for', { until: 300 }, {}, 'hold'],
    ['and its host stays up: nothing is done', { until: 300, hostsStayUp: true }, {}, 'ignore'],
    ['long work: the task is moved', { until: 900 }, {}, 'move'],
    ['nobody says how long: likewise', { until: null }, {}, 'move'],
    ['another replica is away: likewise', { until: 300 }, { allUnhealthyTasks: [1] }, 'move'],
  ] as const)('R4 SM-5 TWC-6 %s', (_, notice, change, answer) => {
    const one = { id: 'out_1', host: 'host-1', tasks: [0], start: 0, deadline: 100, ...notice };
    const other = { ...one, id: 'out_2', host: 'host-2', tasks: [2] };
    const asked = { ...request([]), advanceNotices: [one, other], ...change } as TaskControlRequest;
    const { maintenance } = shardAware(asked, shards, { keep: null, rideOutMs: 200 });
    // A replica of the same shard on the second host: it cannot wait as well.
    expect(maintenance).toEqual([
      { notice: 'out_1', answer },
      { notice: 'out_2', answer: 'move' },
    ]);
  });

  it('says which shard would be short', () => {
    expect(shardAware(request([0, 1]), shards, { keep: null }).reasons).toEqual({
      op_1: 'shard a would keep 1 replicas of at least 2',
    });
  });

  it('property: its acks never leave a shard with fewer than it keeps, unless it had fewer already', () => {
    const index = fc.nat({ max: 11 });
    const some = fc.uniqueArray(index, { maxLength: 12 });
    const maps = fc.dictionary(
      fc.string({ minLength: 1, maxLength: 3 }),
      fc.uniqueArray(index, { minLength: 1, maxLength: 5 }),
    );
    fc.assert(
      fc.property(maps, some, some, some, fc.option(fc.nat({ max: 3 })), (map, waiting, away, flying, keep) => {
        const before = new Set([...away, ...flying]);
        const after = new Set([...before, ...acked(shardAware(request(waiting, away, flying), map, { keep }))]);
        for (const replicas of Object.values(map)) {
          const healthy = (down: ReadonlySet<number>): number => replicas.filter((one) => !down.has(one)).length;
          const least = keep ?? replicas.length - 1;
          if (healthy(after) < healthy(before)) expect(healthy(after)).toBeGreaterThanOrEqual(least);
        }
      }),
    );
  });
});

describe('D10 R7 TWD-10 load-aware', () => {
  const limits = { low: 0.6, high: 0.85, floor: 1 };
  it.each([
    ['off-peak: all', [0.2, 0.4], [], [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]],
    ['at the peak: the floor', [0.9, 0.95], [], [0]],
    ['at the peak, with one under way: none', [0.9], [20], []],
    ['half way: half', [0.725], [], [0, 1, 2, 3, 4]],
  ] as const)('%s', (_, loads, flying, expected) => {
    expect(acked(loadAware(request([0, 1, 2, 3, 4, 5, 6, 7, 8, 9], [], flying), loads, limits))).toEqual(expected);
  });

  it('property: more load never means more at once, and the release still goes on', () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 2, noNaN: true }), fc.double({ min: 0, max: 2, noNaN: true }), (a, b) => {
        const [less, more] = a < b ? [a, b] : [b, a];
        expect(mostAtOnce(more, limits, 20)).toBeLessThanOrEqual(mostAtOnce(less, limits, 20));
        expect(mostAtOnce(more, limits, 20)).toBeGreaterThanOrEqual(1);
      }),
    );
  });
});

describe('TWD-10 D10 the pace by load', () => {
  const limits = fc
    .tuple(
      fc.double({ min: 0, max: 2, noNaN: true }),
      fc.double({ min: 0.01, max: 2, noNaN: true }),
      fc.integer({ min: 1, max: 5 }),
    )
    .map(([low, more, floor]) => ({ low, high: low + more, floor }));
  const indices = fc.uniqueArray(fc.nat({ max: 30 }), { maxLength: 20 });
  const loads = fc.array(fc.double({ min: 0, max: 3, noNaN: true }), { maxLength: 10 });

  it('never lets more be in flight than the load permits; an unknown load permits what the peak does', () => {
    fc.assert(
      fc.property(indices, indices, loads, limits, (waiting, flying, measured, said) => {
        const asked = request(waiting, [], flying);
        const { ack } = loadAware(asked, measured, said);
        const mean = measured.reduce((sum, one) => sum + one, 0) / measured.length;
        const share =
          measured.length === 0 || mean >= said.high ? 0 : Math.min(1, (said.high - mean) / (said.high - said.low));
        const permitted = Math.max(said.floor, Math.floor(share * (waiting.length + flying.length) + 1e-9));
        expect(ack.length === 0 || ack.length + flying.length <= permitted).toBe(true);
      }),
    );
  });

  it('the busier, the slower', () => {
    fc.assert(
      fc.property(
        indices,
        loads,
        limits,
        fc.double({ min: 0, max: 1, noNaN: true }),
        (waiting, measured, said, more) => {
          const busier = measured.map((load) => load + more);
          const acks = (levels: readonly number[]) => loadAware(request(waiting), levels, said).ack.length;
          expect(acks(busier)).toBeLessThanOrEqual(acks(measured));
        },
      ),
    );
  });

  it('says the load, or that it is not known', () => {
    const said = { low: 0.6, high: 0.85, floor: 1 };
    expect(loadAware(request([0, 1]), [0.9], said).reasons).toEqual({
      op_1: 'the load is 0.90: 1 at once, and 0 are in flight',
    });
    expect(loadAware(request([0, 1]), [], said).reasons).toEqual({
      op_1: 'the load is not known: 1 at once, and 0 are in flight',
    });
  });
});

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type HostState, hostStates, type JobId } from '../model/index.ts';
import { roomFor } from './capacity.ts';
import { type Inventory, type InventoryHost, type Placement, usageByHost, withPlacement } from './inventory.ts';
import { type PlaceRequest, place } from './place.ts';

const job: JobId = 'guestbook@production';

function host(id: string, labels: Record<string, string> = {}, over: Partial<InventoryHost> = {}): InventoryHost {
  const capacity = { cpuMillis: 4000, memoryMb: 4000, maxTasks: 10 };
  return { id, state: 'up', isSilent: false, labels, capacity, ...over };
}

function request(over: Partial<PlaceRequest> = {}): PlaceRequest {
  const needs = { cpuMillis: 100, memoryMb: 100 };
  return { job, index: 0, needs, hostLabels: {}, isSingleton: false, ...over };
}

function inventory(hosts: InventoryHost[], placements: Placement[] = [], massSilence = false): Inventory {
  return { hosts, placements, massSilence };
}

function claim(index: number, on: string, over: Partial<Placement> = {}): Placement {
  return { job, index, incarnation: 1, host: on, cpuMillis: 100, memoryMb: 100, ...over };
}

/** Places `count` indices one after the other. */
function fill(hosts: InventoryHost[], count: number, needs = request().needs): Placement[] {
  let current = inventory(hosts);
  for (let index = 0; index < count; index++) {
    const placed = place(request({ index, needs }), current);
    if (placed.ok) current = withPlacement(current, { job, index, incarnation: 1, host: placed.value, ...needs });
  }
  return [...current.placements];
}

function countBy(placements: readonly Placement[], key: (host: string) => string): number[] {
  const counts = new Map<string, number>();
  for (const p of placements) counts.set(key(p.host), (counts.get(key(p.host)) ?? 0) + 1);
  return [...counts.values()];
}

test('a task is placed on hosts of its job’s driver alone', () => {
  const own = 'processes:guestbook@production';
  const hosts = inventory([host('a'), host('b', {}, { driver: own }), host('c', {}, { driver: 'processes:x@y' })]);
  expect(place(request(), hosts)).toEqual({ ok: true, value: 'a' });
  expect(place(request({ driver: own }), hosts)).toEqual({ ok: true, value: 'b' });
  const none = place(request({ driver: 'other:guestbook@production' }), hosts);
  expect(!none.ok && none.error.sentence).toMatch(/^The driver other has named no host yet/);
});

describe('what keeps a task off a host', () => {
  const obstacles: [string, Partial<InventoryHost>, Partial<PlaceRequest>, RegExp][] = [
    ['a host that is lost', { state: 'lost' }, {}, /it is lost/],
    ['a host that is leaving', { state: 'leaving' }, {}, /it is leaving/],
    ['a host that missed heartbeats', { isSilent: true }, {}, /not been heard/],
    ['an excluded host', {}, { excluded: { a: 'the last try failed there' } }, /last try failed/],
    ['a label that differs', {}, { hostLabels: { gpu: 'yes' } }, /label gpu is not yes/],
    ['too little cpu', {}, { needs: { cpuMillis: 4001, memoryMb: 1 } }, /cpu: 4001m wanted, 4000m free/],
    ['too little memory', {}, { needs: { cpuMillis: 1, memoryMb: 4001 } }, /memory: 4001 MB wanted, 4000 MB free/],
    ['as many tasks as it may run', { capacity: { cpuMillis: 1, memoryMb: 1, maxTasks: 0 } }, {}, /as many tasks/],
  ];
  test.each(obstacles)('%s', (_name, ofHost, ofRequest, sentence) => {
    const placed = place(request(ofRequest), inventory([host('a', {}, ofHost)]));
    expect(placed.ok).toBe(false);
    expect(!placed.ok && placed.error.sentence).toMatch(sentence);
    expect(!placed.ok && placed.error.perHost.a).toMatch(sentence);
  });

  test('no host at all says how to join one', () => {
    const placed = place(request(), inventory([]));
    expect(!placed.ok && placed.error.sentence).toMatch(/rollway agent token/);
  });

  test('TWA-6 a host is never filled beyond its capacity, and two incarnations of an index count once', () => {
    const small = host('a', {}, { capacity: { cpuMillis: 250, memoryMb: 4000, maxTasks: 10 } });
    expect(fill([small], 5)).toHaveLength(2);
    const replaced = inventory([small], [claim(0, 'a'), claim(0, 'a', { incarnation: 2 })]);
    expect(place(request({ index: 1 }), replaced).ok).toBe(true);
    expect(roomFor(replaced, request().needs)).toBe(1);
  });

  test('the room of its own older incarnation counts as free', () => {
    const full = host('a', {}, { capacity: { cpuMillis: 100, memoryMb: 100, maxTasks: 1 } });
    expect(place(request(), inventory([full], [claim(0, 'a')])).ok).toBe(true);
    expect(place(request({ index: 1 }), inventory([full], [claim(0, 'a')])).ok).toBe(false);
  });
});

describe('TWD-5 a singleton', () => {
  const states: [HostState, boolean][] = [
    ['up', false],
    ['suspected', false],
    ['lost', false],
    ['leaving', false],
    ['fenced', true],
  ];
  test.each(states)('whose host is %s is placed again: %s', (state, isPlaced) => {
    const world = inventory([host('a', {}, { state }), host('b')], [claim(0, 'a')]);
    const placed = place(request({ isSingleton: true }), world);
    expect(placed.ok).toBe(isPlaced);
    if (!placed.ok) expect(placed.error.sentence).toMatch(/rollway host dead a/);
  });

  test('that is no singleton goes elsewhere when its host is lost', () => {
    const world = inventory([host('a', {}, { state: 'lost' }), host('b')], [claim(0, 'a')]);
    expect(place(request(), world)).toEqual({ ok: true, value: 'b' });
  });
});

describe('TWA-2 spread', () => {
  const sixHosts = [1, 2, 3, 4, 5, 6].map((n) =>
    host(`host-${n}`, { region: n <= 4 ? 'north' : 'south', rack: `r${Math.ceil(n / 2)}` }),
  );

  test('twelve tasks over two regions, the first with twice the hosts: six and six, then even within each', () => {
    const byName = countBy(fill(sixHosts, 12), (id) => id).sort();
    expect(byName).toEqual([1, 1, 2, 2, 3, 3]);
    const inOneRegion = sixHosts.map((h) => ({ ...h, labels: { rack: h.labels.rack ?? '' } }));
    expect(countBy(fill(inOneRegion, 12), (id) => id)).toEqual([2, 2, 2, 2, 2, 2]);
  });

  test('a task returns to the host it was on when that is as good as any', () => {
    const world = inventory(sixHosts, [claim(0, 'host-6')]);
    expect(place(request(), world)).toEqual({ ok: true, value: 'host-6' });
  });

  const fleet = fc
    .array(fc.record({ region: fc.nat(2), rack: fc.nat(2) }), { minLength: 1, maxLength: 8 })
    .map((labels) => labels.map((l, i) => host(`h${i}`, { region: `g${l.region}`, rack: `k${l.rack}` })));

  test('regions, racks within a region and hosts within a rack differ by at most one while there is room', () => {
    fc.assert(
      fc.property(fleet, fc.integer({ min: 1, max: 12 }), (hosts, count) => {
        const placed = fill(
          hosts.map((h) => ({ ...h, capacity: { ...h.capacity, maxTasks: 100 } })),
          count,
        );
        expect(placed).toHaveLength(count);
        const tally = (of: (h: InventoryHost) => string, among: InventoryHost[]) => {
          const domains = [...new Set(among.map(of))];
          return domains.map((d) => placed.filter((p) => among.some((h) => h.id === p.host && of(h) === d)).length);
        };
        const isEven = (counts: number[]) => Math.max(...counts) - Math.min(...counts) <= 1;
        const region = (h: InventoryHost) => h.labels.region ?? '';
        const rack = (h: InventoryHost) => `${region(h)}/${h.labels.rack}`;
        expect(isEven(tally(region, hosts))).toBe(true);
        for (const g of new Set(hosts.map(region))) {
          const inRegion = hosts.filter((h) => region(h) === g);
          expect(isEven(tally(rack, inRegion))).toBe(true);
          for (const k of new Set(inRegion.map(rack))) {
            const inRack = inRegion.filter((h) => rack(h) === k);
            expect(isEven(tally((h) => h.id, inRack))).toBe(true);
          }
        }
      }),
    );
  });
});

describe('TWA-1 filter then rank, against trying every host', () => {
  const anyHost = fc.record({
    region: fc.nat(1),
    rack: fc.nat(2),
    ssd: fc.boolean(),
    state: fc.constantFrom<HostState>('up', 'up', 'up', ...hostStates),
    isSilent: fc.boolean().map((b) => b && true),
    cpu: fc.integer({ min: 0, max: 400 }),
    memory: fc.integer({ min: 0, max: 400 }),
    tasks: fc.integer({ min: 0, max: 4 }),
  });
  const world = fc
    .record({
      hosts: fc.array(anyHost, { maxLength: 8 }),
      claims: fc.array(
        fc.record({
          job: fc.constantFrom<JobId>(job, 'other@production'),
          index: fc.nat(5),
          incarnation: fc.integer({ min: 1, max: 3 }),
          at: fc.nat(7),
          cpu: fc.integer({ min: 1, max: 150 }),
          memory: fc.integer({ min: 1, max: 150 }),
        }),
        { maxLength: 10 },
      ),
    })
    .map(({ hosts, claims }) => {
      const list = hosts.map((h, i) =>
        host(
          `h${i}`,
          { region: `g${h.region}`, rack: `k${h.rack}`, ...(h.ssd ? { disk: 'ssd' } : {}) },
          {
            state: h.state,
            isSilent: h.isSilent,
            capacity: { cpuMillis: h.cpu, memoryMb: h.memory, maxTasks: h.tasks },
          },
        ),
      );
      const seen = new Set<string>();
      const placements: Placement[] = [];
      for (const c of claims) {
        const key = `${c.job}/${c.index}/${c.incarnation}`;
        const at = list[c.at];
        if (at === undefined || seen.has(key)) continue;
        seen.add(key);
        const { job, index, incarnation } = c;
        placements.push({ job, index, incarnation, host: at.id, cpuMillis: c.cpu, memoryMb: c.memory });
      }
      return inventory(list, placements);
    });
  const anyRequest = fc
    .record({
      index: fc.nat(5),
      cpu: fc.integer({ min: 1, max: 150 }),
      memory: fc.integer({ min: 1, max: 150 }),
      ssd: fc.boolean(),
    })
    .map((r) =>
      request({
        index: r.index,
        needs: { cpuMillis: r.cpu, memoryMb: r.memory },
        hostLabels: r.ssd ? { disk: 'ssd' } : {},
      }),
    );

  /** Written from the definition, sharing nothing with the code: sums by hand, spread as sums of squares. */
  function oracle(wanted: PlaceRequest, world: Inventory): string[] {
    const candidates = world.hosts.filter((h) => {
      const others = world.placements.filter(
        (p) => p.host === h.id && !(p.job === wanted.job && p.index === wanted.index),
      );
      const tasks = [...new Set(others.map((p) => `${p.job}/${p.index}`))];
      const peak = (pick: (p: Placement) => number) =>
        tasks.reduce(
          (sum, task) => sum + Math.max(...others.filter((p) => `${p.job}/${p.index}` === task).map(pick)),
          0,
        );
      return (
        h.state === 'up' &&
        !h.isSilent &&
        Object.entries(wanted.hostLabels).every(([k, v]) => h.labels[k] === v) &&
        peak((p) => p.cpuMillis) + wanted.needs.cpuMillis <= h.capacity.cpuMillis &&
        peak((p) => p.memoryMb) + wanted.needs.memoryMb <= h.capacity.memoryMb &&
        tasks.length + 1 <= h.capacity.maxTasks
      );
    });
    const siblings = new Map<number, Placement>();
    for (const p of world.placements) {
      if (p.job !== wanted.job || p.index === wanted.index) continue;
      if ((siblings.get(p.index)?.incarnation ?? 0) < p.incarnation) siblings.set(p.index, p);
    }
    const hostOf = (id: string) => world.hosts.find((h) => h.id === id) as InventoryHost;
    const alive = [...siblings.values()].map((p) => hostOf(p.host)).filter((h) => !/lost|fenced/.test(h.state));
    const squares = (chosen: InventoryHost, key: (h: InventoryHost) => string) => {
      const all = [...alive, chosen].map(key);
      return [...new Set(all)].reduce((sum, k) => sum + all.filter((x) => x === k).length ** 2, 0);
    };
    const score = (h: InventoryHost) => [
      squares(h, (x) => x.labels.region ?? ''),
      squares(h, (x) => `${x.labels.region}/${x.labels.rack}`),
      squares(h, (x) => x.id),
    ];
    const better = (a: number[], b: number[]) => {
      for (const [i, x] of a.entries()) if (x !== b[i]) return x - (b[i] as number);
      return 0;
    };
    const sorted = candidates.map((h) => ({ id: h.id, score: score(h) })).sort((a, b) => better(a.score, b.score));
    return sorted.filter((h) => better(h.score, (sorted[0] as { score: number[] }).score) === 0).map((h) => h.id);
  }

  test('the chosen host meets every hard constraint and is best by spread; none only when none fits', () => {
    fc.assert(
      fc.property(world, anyRequest, (hosts, wanted) => {
        const best = oracle(wanted, hosts);
        const placed = place(wanted, hosts);
        if (placed.ok) expect(best).toContain(placed.value);
        else expect(best).toEqual([]);
        const shuffled = { ...hosts, hosts: [...hosts.hosts].reverse(), placements: [...hosts.placements].reverse() };
        expect(place(wanted, shuffled).ok && place(wanted, shuffled)).toEqual(placed.ok && placed);
      }),
      { numRuns: 500 },
    );
  });
});

test('with the claims of one job and what the others take, by host, it is placed as with all claims', () => {
  const some = fc.record({
    own: fc.boolean(),
    index: fc.nat(5),
    incarnation: fc.integer({ min: 1, max: 3 }),
    host: fc.constantFrom('a', 'b', 'c'),
    cpuMillis: fc.constantFrom(100, 900, 2000),
    memoryMb: fc.constantFrom(100, 1500),
  });
  fc.assert(
    fc.property(
      fc.array(some, { maxLength: 20 }),
      fc.nat(5),
      fc.constantFrom(100, 1000),
      (claims, index, cpuMillis) => {
        const hosts = ['a', 'b', 'c'].map((id) => host(id, { rack: id === 'a' ? 'r1' : 'r2' }));
        const all = claims.map(({ own, ...one }): Placement => ({ ...one, job: own ? job : 'other@production' }));
        const mine = all.filter((one) => one.job === job);
        const others = usageByHost(all.filter((one) => one.job !== job));
        const wish = request({ index, needs: { cpuMillis, memoryMb: 100 } });
        expect(place(wish, { ...inventory(hosts, mine), others })).toEqual(place(wish, inventory(hosts, all)));
      },
    ),
  );
});

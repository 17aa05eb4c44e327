import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { HostState } from '../model/index.ts';
import { emptyWatchMemory, type HeardHost, isSilent, type Listener, type WatchMemory, watchHosts } from './silence.ts';

/** Hosts that are heard each second unless muted, and one look per second. */
class World {
  nowMs = 1_000_000;
  memory: WatchMemory = emptyWatchMemory;
  hosts: HeardHost[];
  listeners: string[] = ['server-1'];
  readonly muted = new Set<string>();
  readonly log: string[] = [];

  constructor(count: number) {
    this.hosts = Array.from({ length: count }, (_, i) => ({ id: `h${i + 1}`, state: 'up', lastSeenAtMs: this.nowMs }));
    this.look();
  }

  look(): void {
    const listeners: Listener[] = this.listeners.map((id) => ({ id, beatAtMs: this.nowMs }));
    const outcome = watchHosts(this.memory, this.hosts, listeners, this.nowMs);
    this.memory = outcome.memory;
    for (const { host, to } of outcome.changes) {
      this.log.push(`${host} ${to}`);
      this.hosts = this.hosts.map((h) => (h.id === host ? { ...h, state: to } : h));
    }
    if (outcome.alarm) this.log.push(outcome.alarm);
  }

  pass(seconds: number): this {
    for (let i = 0; i < seconds; i++) {
      this.nowMs += 1000;
      this.hosts = this.hosts.map((h) => (this.muted.has(h.id) ? h : { ...h, lastSeenAtMs: this.nowMs - 10 }));
      this.look();
    }
    return this;
  }

  mute(...ids: string[]): this {
    for (const id of ids) this.muted.add(id);
    return this;
  }

  states(): Record<string, HostState> {
    return Object.fromEntries(this.hosts.map((h) => [h.id, h.state]));
  }
}

describe('TWD-3 one silent host', () => {
  test('nothing happens before five misses, then it is suspected, and lost after 30 s', () => {
    const world = new World(6).mute('h1');
    expect(world.pass(4).log).toEqual([]);
    expect(isSilent(world.memory, 'h1')).toBe(true);
    expect(world.pass(2).log).toEqual(['h1 suspected']);
    expect(world.pass(23).log).toEqual(['h1 suspected']);
    expect(world.pass(2).log).toEqual(['h1 suspected', 'h1 lost']);
  });

  test('heard again it is up at once, from suspected and from lost', () => {
    for (const silentFor of [6, 40]) {
      const world = new World(6).mute('h1').pass(silentFor);
      world.muted.clear();
      expect(world.pass(1).states().h1).toBe('up');
    }
  });

  test('a host that was leaving is leaving again when it returns', () => {
    const world = new World(3);
    world.hosts = world.hosts.map((h) => (h.id === 'h1' ? { ...h, state: 'leaving' } : h));
    world.mute('h1').pass(40);
    expect(world.log).toEqual(['h1 suspected', 'h1 lost']);
    world.muted.clear();
    expect(world.pass(1).states().h1).toBe('leaving');
    expect(world.pass(10).log).toHaveLength(3);
  });

  test('a host that a person fenced stays fenced, also when it is heard', () => {
    const world = new World(3);
    world.hosts = world.hosts.map((h) => (h.id === 'h1' ? { ...h, state: 'fenced' } : h));
    expect(world.pass(3).log).toEqual([]);
  });
});

describe('silence counts only while somebody listened', () => {
  test('a restart of the server makes nobody suspected', () => {
    const world = new World(3).pass(5);
    world.listeners = [];
    world.nowMs += 120_000;
    world.look();
    world.listeners = ['server-2'];
    world.mute('h1');
    expect(world.pass(4).log).toEqual([]);
    expect(world.pass(3).log).toEqual(['h1 suspected']);
  });

  test('a look that comes a minute late counts as an ordinary one', () => {
    const world = new World(3).pass(3);
    world.nowMs += 60_000;
    world.look();
    expect(world.log).toEqual([]);
    expect(world.pass(1).log).toEqual([]);
  });

  test('when one of two servers goes, its hosts get time to find the other', () => {
    const world = new World(6);
    world.listeners = ['server-1', 'server-2'];
    world.pass(1).mute('h1');
    world.pass(4);
    world.listeners = ['server-2'];
    expect(world.pass(4).log).toEqual([]);
  });
});

describe('more than half silent together', () => {
  test('nothing moves, there is one alarm, and who is still silent afterwards gets the full time again', () => {
    const world = new World(6).mute('h1', 'h2', 'h3', 'h4');
    expect(world.pass(120).log).toEqual(['mass-silence-began']);
    expect(world.memory.massSilence).toBe(true);
    world.muted.delete('h1');
    world.pass(1);
    expect(world.log).toEqual(['mass-silence-began', 'mass-silence-ended']);
    world.pass(3);
    expect(world.log).toHaveLength(2);
    expect(world.pass(40).states()).toMatchObject({ h1: 'up', h2: 'lost', h3: 'lost', h4: 'lost' });
  });

  test('hosts that were lost before are not counted as silent together', () => {
    const world = new World(6).mute('h1').pass(40).mute('h2').pass(40).mute('h3').pass(40);
    expect(world.states()).toMatchObject({ h1: 'lost', h2: 'lost', h3: 'lost', h4: 'up' });
    expect(world.mute('h4').pass(40).states().h4).toBe('lost');
    expect(world.mute('h5', 'h6').pass(40).log.at(-1)).toBe('mass-silence-began');
  });

  test('one host out of two may be lost', () => {
    expect(new World(2).mute('h1').pass(40).states()).toEqual({ h1: 'lost', h2: 'up' });
  });
});

test('whatever is muted and unmuted: no state without its silence, and never worse during a mass silence', () => {
  const step = fc.record({ host: fc.integer({ min: 1, max: 5 }), mute: fc.boolean(), seconds: fc.nat(12) });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 20 }), (steps) => {
      const world = new World(5);
      for (const { host, mute, seconds } of steps) {
        const id = `h${host}`;
        if (mute) world.mute(id);
        else world.muted.delete(id);
        for (let i = 0; i < seconds; i++) {
          const before = world.states();
          world.pass(1);
          for (const h of world.hosts) {
            const silentMs = world.nowMs - h.lastSeenAtMs;
            if (h.state === 'suspected') expect(silentMs).toBeGreaterThanOrEqual(5_000);
            if (h.state === 'lost') expect(silentMs).toBeGreaterThanOrEqual(30_000);
            if (silentMs < 1000) expect(h.state).toBe('up');
            if (world.memory.massSilence && h.state !== 'up') expect(h.state).toBe(before[h.id]);
          }
        }
      }
    }),
  );
});

describe('hosts of several drivers', () => {
  const mixed = (): World => {
    const world = new World(5);
    const driverOf = (at: number) => (at < 3 ? {} : { driver: 'processes:a@b' });
    world.hosts = world.hosts.map((host, at) => ({ ...host, ...driverOf(at) }));
    return world;
  };

  test('a driver that says nothing loses nothing, is an alarm of its own, and stops nobody else', () => {
    const world = mixed().mute('h4', 'h5').pass(60);
    expect(world.states()).toMatchObject({ h4: 'up', h5: 'up' });
    expect(world.memory).toMatchObject({ massSilence: false, silentDrivers: ['processes:a@b'] });
    expect(world.mute('h1').pass(40).states()).toMatchObject({ h1: 'lost', h4: 'up' });
    world.muted.clear();
    expect(world.pass(2).memory.silentDrivers ?? []).toEqual([]);
  });

  test('agents that fall silent together leave a driver alone; one of its hosts is lost as ever', () => {
    const world = mixed();
    world.hosts = [...world.hosts, { ...world.hosts[4]!, id: 'h6' }];
    world.pass(1).mute('h1', 'h2', 'h6').pass(40);
    expect(world.memory.massSilence).toBe(true);
    expect(world.states()).toMatchObject({ h1: 'up', h2: 'up', h6: 'lost' });
  });
});

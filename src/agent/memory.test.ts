import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { canMount } from '../../test/can-mount.ts';
import { needsThat } from '../../test/skip.ts';
import type { ActionOrder } from '../api/index.ts';
import { type ActionMemory, Memory } from './memory.ts';

const isThere = needsThat(canMount(), 'right to mount', 'what an agent remembers on a disk that is really full');

/** About 20 kB. */
function action(id: string): ActionMemory {
  const order = { type: 'action', id, env: { TEXT: 'x'.repeat(20_000) } } as unknown as ActionOrder;
  return { order, keeper: null, shippedBytes: 0, isCancelled: false, report: null, isDelivered: false };
}

describe.skipIf(!isThere)('what an agent remembers on a full disk', () => {
  let disk: string;
  let folder: string;
  beforeEach(() => {
    disk = mkdtempSync(join(tmpdir(), 'rollway-memory-'));
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=8m', 'tmpfs', disk]);
    folder = join(disk, 'data');
    mkdirSync(folder);
  });
  afterEach(() => {
    execFileSync('umount', [disk]);
    rmSync(disk, { recursive: true });
  });
  const fill = () => spawnSync('dd', ['if=/dev/zero', `of=${join(disk, 'filler')}`, 'bs=4k', 'count=4096']);

  it('goes on with the room that was kept aside', () => {
    const memory = new Memory(folder);
    memory.keepReserve();
    fill();
    for (let i = 0; i < 20; i++) memory.putAction(action(`run_${i}`));
    expect(existsSync(join(folder, 'reserve'))).toBe(false);
    memory.close();
    const next = new Memory(folder);
    expect(next.actions().map(({ order }) => order.id)).toHaveLength(20);
    next.close();
  });

  it('what cannot be written down is not remembered either', () => {
    const memory = new Memory(folder);
    memory.putAction(action('run_1'));
    fill();
    expect(() => {
      for (let i = 2; i < 100; i++) memory.putAction(action(`run_${i}`));
    }).toThrow(/full|disk I\/O/);
    const known = memory.actions().map(({ order }) => order.id);
    expect(known.length).toBeLessThan(99);
    rmSync(join(disk, 'filler'));
    memory.close();
    const next = new Memory(folder);
    expect(next.actions().map(({ order }) => order.id)).toEqual([...known].sort());
    next.keepReserve();
    next.putAction(action('run_100'));
    next.close();
  });

  it('opens on a disk that was filled while nobody ran', () => {
    const memory = new Memory(folder);
    memory.keepReserve();
    memory.putAction(action('run_1'));
    memory.close();
    fill();
    const next = new Memory(folder);
    next.putAction(action('run_2'));
    expect(next.actions()).toHaveLength(2);
    next.close();
  });
});

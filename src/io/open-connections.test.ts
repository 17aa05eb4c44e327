import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { countOpenConnections, endpointKey } from './open-connections.ts';

const folder = mkdtempSync(join(tmpdir(), 'rw-net-'));
afterAll(() => rmSync(folder, { recursive: true }));

const head = '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n';
const line = (local: string, state: string) => `   0: ${local} 0100007F:C350 ${state} 00000000:00000000 00:00000000\n`;

test('counts what is established, by the own side; IPv4 in IPv6 clothes is IPv4', async () => {
  writeFileSync(
    join(folder, 'tcp'),
    head + line('0100007F:1F90', '01') + line('0100007F:1F90', '0A') + line('0200007F:1F90', '01'),
  );
  writeFileSync(
    join(folder, 'tcp6'),
    head + line('0000000000000000FFFF00000100007F:1F90', '01') + line('00000000000000000000000001000000:0050', '01'),
  );
  const counts = await countOpenConnections(folder);
  expect(counts?.get(endpointKey('127.0.0.1', 8080))).toBe(2);
  expect(counts?.get(endpointKey('127.0.0.2', 8080))).toBe(1);
  expect(counts?.get(endpointKey('::1', 80))).toBe(1);
});

test('where there is no such table, nothing is known', async () => {
  expect(await countOpenConnections(join(folder, 'none'))).toBeUndefined();
});

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Client } from '../../api/index.ts';
import { ensureFolder, writeFileAtomic } from '../../io/index.ts';
import { type Child, startChild } from './children.ts';

export interface LocalHost {
  readonly name: string;
  readonly address: string;
  readonly labels: readonly string[];
  readonly folder: string;
}

/** Hosts of the demo: six of them make two regions of three racks; each has a loopback address of its own. */
export function localHosts(count: number, dataFolder: string): LocalHost[] {
  const racks = Math.max(1, Math.ceil(count / 2));
  return Array.from({ length: count }, (_, i) => ({
    name: `host-${i + 1}`,
    address: `127.0.10.${i + 1}`,
    labels: [`region=${i < count / 2 ? 'north' : 'south'}`, `rack=r${(i % racks) + 1}`],
    folder: join(dataFolder, `host-${i + 1}`),
  }));
}

/** Starts a host's agent; the first time it gets a join token, in a file that only it reads. */
export async function startHost(
  client: Client,
  host: LocalHost,
  options: { serverFolder: string; logFolder: string },
): Promise<Child> {
  const argv = ['agent', '--data', host.folder, '--name', host.name, '--address', host.address, '--tasks', '200'];
  argv.push('--stop-tasks', '--tether', '--hide', options.serverFolder);
  for (const label of host.labels) argv.push('--label', label);
  const joined = join(host.folder, 'joined');
  if (!existsSync(joined)) {
    await ensureFolder(host.folder);
    const { file } = await client.createJoinToken();
    const path = join(host.folder, 'join.json');
    await writeFileAtomic(path, JSON.stringify(file));
    argv.push('--join', path);
  }
  return startChild(host.name, argv, options.logFolder);
}

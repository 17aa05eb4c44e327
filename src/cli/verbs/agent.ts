import { hostname, networkInterfaces } from 'node:os';
import { resolve } from 'node:path';
import { ProblemError, problem } from '../../model/index.ts';
import { readEnvironment } from '../environment.ts';
import type { GlobalFlags } from '../session.ts';
import { tetherSignal } from '../tether.ts';
import { version } from '../version.ts';

interface Flags extends GlobalFlags {
  readonly join?: string;
  readonly data: string;
  readonly name?: string;
  readonly address?: string;
  readonly label?: readonly string[];
  readonly tasks?: string;
  readonly hide?: readonly string[];
  readonly stopTasks?: boolean;
  readonly tether?: boolean;
}

/** Runs this host's agent until SIGTERM or Ctrl-C; its tasks go on, held by their keepers. */
export async function run(_args: readonly string[], flags: Flags, signal: AbortSignal) {
  const { buildEnvironment, runAgent } = await import('../../agent/index.ts');
  await runAgent(
    {
      dataDir: resolve(flags.data),
      version,
      address: flags.address ?? reachableAddress(),
      host: flags.name ?? hostname().toLowerCase(),
      labels: readLabels(flags.label ?? []),
      stopTasks: flags.stopTasks === true,
      buildEnvironment: buildEnvironment(readEnvironment(process.env, false).variables),
      onLog: (line) => console.log(line),
      ...(flags.join === undefined ? {} : { joinFile: resolve(flags.join) }),
      ...(flags.tasks === undefined ? {} : { capacity: { maxTasks: Number(flags.tasks) } }),
      ...(flags.hide === undefined ? {} : { hiddenFolders: flags.hide.map((folder) => resolve(folder)) }),
    },
    flags.tether === true ? AbortSignal.any([signal, tetherSignal()]) : signal,
  );
  return undefined;
}

/** `region=eu`, `rack=r1` → an object; anything else is refused. */
export function readLabels(texts: readonly string[]): Record<string, string> {
  const labels: Record<string, string> = {};
  for (const text of texts) {
    const match = /^([a-z][a-z0-9-]*)=(.+)$/.exec(text);
    if (match === null) throw new ProblemError(problem('api/bad-request', `--label "${text}" is not key=value`));
    labels[match[1] as string] = match[2] as string;
  }
  return labels;
}

/** The first address of this machine that others can reach; loopback when there is none. */
function reachableAddress(): string {
  const all = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  return all.find((entry) => !entry.internal && entry.family === 'IPv4')?.address ?? '127.0.0.1';
}

import { join } from 'node:path';
import { writeFileAtomic } from '../../io/index.ts';
import { whenAborted } from '../../kit/index.ts';
import { type GlobalFlags, outputOf } from '../session.ts';
import { tetherSignal } from '../tether.ts';

interface Flags extends GlobalFlags {
  readonly data: string;
  readonly port: number;
  readonly agentPort: number;
  readonly store?: string;
  readonly binMs?: number;
  readonly rate?: string;
  readonly ratePer?: string;
  readonly plugin?: readonly string[];
  readonly nextPort?: boolean;
  readonly tether?: boolean;
}

/** Runs the control plane until SIGTERM or Ctrl-C. Agents, keepers and tasks go on without it. */
export async function run(_args: readonly string[], flags: Flags, interrupted: AbortSignal) {
  const signal = flags.tether === true ? AbortSignal.any([interrupted, tetherSignal()]) : interrupted;
  const { limitsOf, startServer, storeOf } = await import('../../server/index.ts');
  const out = outputOf(flags);
  const server = await startServer({
    dataFolder: flags.data,
    port: flags.port,
    isPortFixed: flags.nextPort !== true,
    agentPort: flags.agentPort,
    ...(flags.context === undefined ? {} : { contextName: flags.context }),
    ...(flags.store === undefined ? {} : { store: storeOf(flags.store, flags.data) }),
    ...(flags.rate === undefined && flags.ratePer === undefined ? {} : { limits: limitsOf(flags.rate, flags.ratePer) }),
    ...(flags.plugin === undefined ? {} : { plugins: flags.plugin }),
    ...(flags.binMs === undefined ? {} : { binMs: flags.binMs }),
  });
  // Where programs on this machine find it, whatever port it got.
  await writeFileAtomic(join(flags.data, 'address.json'), JSON.stringify({ url: server.url, pid: process.pid }));
  if (flags.tether !== true) {
    const signInUrl = await server.signInUrl();
    out.show({ url: server.url, signInUrl }, () => {
      out.line(`Rollway listens on ${server.url}`);
      out.line(`sign in: ${signInUrl}`);
      out.next('rollway agent token  (then `rollway agent --join <file>` on each host)');
    });
  }
  await whenAborted(signal);
  await server.close();
  return undefined;
}

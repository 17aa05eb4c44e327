import { once } from 'node:events';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { createAdaptorServer } from '@hono/node-server';
import type { Order, TailAnswer } from '../../api/index.ts';
import { type FleetDriver, fleetDriver, OrderBook } from '../../drivers/fleet/index.ts';
import { listAbsentHosts } from '../../fleet/read.ts';
import { fleetWatchWork, joinTokenAddition, listeningWrites, stopListeningWrites } from '../../fleet/work.ts';
import { FindingBook } from '../../judge/index.ts';
import { makeId } from '../../kit/index.ts';
import {
  type Actor,
  actorName,
  type Digest,
  type HostId,
  type JobId,
  ProblemError,
  problem,
  type TaskIndex,
} from '../../model/index.ts';
import { type Log, silentLog } from '../log.ts';
import { createRefusals } from '../refusals.ts';
import { ActionLogs } from './action-logs.ts';
import { agentAddresses } from './addresses.ts';
import { createAgentApp } from './app.ts';
import { type AgentContext, type AgentSettings, defaultAgentSettings } from './context.ts';
import { Heard } from './heard.ts';
import { HeldPackages } from './held-packages.ts';
import { openIdentity } from './identity.ts';
import { KnownAgents } from './known-agents.ts';
import { Tails } from './tails.ts';
import { makeToken, type TokenFile } from './tokens.ts';

export type { AgentSettings } from './context.ts';
export type { TokenFile } from './tokens.ts';

/** What the composition root hands in. */
export type AgentServerParts = Pick<
  AgentContext,
  'store' | 'engine' | 'clock' | 'chance' | 'artifactStore' | 'sampleStore'
> & {
  readonly dataDir: string;
  readonly settings: Pick<AgentSettings, 'version'> & Partial<AgentSettings>;
  readonly log?: Log;
  readonly sourceFindings?: FindingBook;
};

/** The half of the server that agents talk to. */
export interface AgentServer {
  /** Opens the TLS port (0: any free one) on all addresses, or on `hostname`; gives the port. */
  listen(port: number, hostname?: string): Promise<number>;
  close(): Promise<void>;
  /** Writes down at once who was heard; it does so by itself once per heartbeat. */
  flushHeartbeats(): Promise<void>;
  readonly driver: FleetDriver;
  /** A host that no agent speaks for is well: its driver says so. */
  markHeard(host: HostId): void;
  /** It was given up meanwhile: what is said of it does not count before it is named anew. */
  isAbsent(host: HostId): boolean;
  /** It was named anew. */
  welcome(host: HostId): void;
  /** Sends any order; resolves when the agent has written it down. */
  sendOrder(host: HostId, order: Order, signal: AbortSignal): Promise<void>;
  isConnected(host: HostId): boolean;
  /** The host was removed: its key is worth nothing any more. */
  forgetHost(host: HostId): void;
  /** Tells every connected host to delete the packages that are not in `keep`; gives how many each was told. */
  forgetPackages(keep: ReadonlySet<Digest>, signal: AbortSignal): Promise<ReadonlyMap<HostId, number>>;
  /** The last lines of a task's output, from its host. */
  tail(host: HostId, job: JobId, index: TaskIndex, lines: number, signal: AbortSignal): Promise<TailAnswer>;
  readonly actionLogs: ActionLogs;
  /** A token file's content, good for one host, once, within the hour. */
  createJoinToken(createdBy: Actor): Promise<{ readonly file: TokenFile; readonly expiresAtMs: number }>;
  /** Hex SHA-256 of the server's certificate. */
  readonly fingerprint: string;
  /** Where agents may reach it, best first; empty before `listen`. */
  addresses(): string[];
}

const digestsPerOrder = 1000;

export async function createAgentServer(parts: AgentServerParts): Promise<AgentServer> {
  const { store, engine, clock, chance } = parts;
  const log = parts.log ?? silentLog;
  const settings: AgentSettings = { ...defaultAgentSettings, ...parts.settings };
  const identity = await openIdentity(parts.dataDir, clock.nowMs());
  const book = new OrderBook({ clock });
  const driver = fleetDriver(book);
  const listener = makeId('srv', clock.nowMs(), chance);
  const absent = new Set<HostId>();
  const heard = new Heard({
    clock,
    intervalMs: settings.heartbeatMs,
    async write(hosts, disks, atMs) {
      await engine.append({ write: listeningWrites(listener, hosts, disks, atMs) });
      const gone = await store.read(listAbsentHosts);
      absent.clear();
      for (const host of gone) absent.add(host);
    },
    onError: (error) => log.error('heartbeats could not be written down', error),
  });
  const context: AgentContext = {
    ...{ store, engine, clock, chance, log, settings, book, driver, heard },
    artifactStore: parts.artifactStore,
    sampleStore: parts.sampleStore,
    sourceFindings: parts.sourceFindings ?? new FindingBook(),
    agents: new KnownAgents(store),
    held: new HeldPackages(),
    tails: new Tails(book, clock, () => makeId('tail', clock.nowMs(), chance)),
    actionLogs: new ActionLogs(parts.dataDir, settings.maxActionLogBytes),
    absent,
    refusals: createRefusals({ engine, clock }, (error: unknown) =>
      log.error('a refused request is not in the audit', error),
    ),
    foreignEvents: new Map(),
    sampleBatches: new Map(),
  };
  const app = createAgentApp(context);
  const server = createAdaptorServer({
    fetch: app.fetch,
    overrideGlobalObjects: false,
    createServer,
    serverOptions: { key: identity.key, cert: identity.certificate, minVersion: 'TLSv1.3', keepAlive: true },
  });
  // A stream of orders stays open for days; a request must still arrive in good time.
  Object.assign(server, { requestTimeout: 300_000, headersTimeout: 20_000, keepAliveTimeout: 65_000, timeout: 0 });
  const listening = new AbortController();
  let heartbeats: Promise<void> | undefined;
  let bound: { readonly port: number; readonly hostname: string } | undefined;
  const addresses = (): string[] => (bound === undefined ? [] : agentAddresses(bound.port, bound.hostname));

  return {
    driver,
    actionLogs: context.actionLogs,
    fingerprint: identity.fingerprint,
    flushHeartbeats: () => heard.flush(),
    forgetHost: (host) => context.agents.forget(host),
    markHeard: (host) => heard.mark(host),
    isAbsent: (host) => absent.has(host),
    welcome(host) {
      absent.delete(host);
      heard.mark(host);
    },
    isConnected: (host) => book.isConnected(host),
    async sendOrder(host, order, signal) {
      await book.send(host, order, signal);
    },
    async forgetPackages(keep, signal) {
      const told = new Map<HostId, number>();
      const tell = async (host: HostId) => {
        const others = context.held.listOthers(host, keep);
        // In parts that one order can hold; what a host does not write down it is told again the next time.
        for (let at = 0; at < others.length; at += digestsPerOrder) {
          const digests = others.slice(at, at + digestsPerOrder);
          await book.send(host, { type: 'forget-packages', digests }, signal);
          context.held.remove(host, digests);
          told.set(host, (told.get(host) ?? 0) + digests.length);
        }
      };
      await Promise.all(
        book
          .connectedHosts()
          .map((host) =>
            tell(host).catch((error: unknown) =>
              log.info('a host was not told what to delete', { host, error: String(error) }),
            ),
          ),
      );
      return told;
    },
    tail: (host, job, index, lines, signal) => context.tails.ask(host, job, index, lines, signal),
    addresses,
    async createJoinToken(createdBy) {
      if (bound === undefined) throw new ProblemError(problem('api/unavailable', 'The agents’ port is not open.'));
      const { file, secretHash } = makeToken(identity.fingerprint, addresses());
      const nowMs = clock.nowMs();
      const expiresAtMs = nowMs + settings.joinTokenMs;
      const id = makeId('tok', nowMs, chance);
      const token = { id, secretHash, createdBy: actorName(createdBy), createdAtMs: nowMs, expiresAtMs };
      await engine.append(joinTokenAddition(token, createdBy));
      return { file, expiresAtMs };
    },
    async listen(wanted, hostname = '0.0.0.0') {
      const port = await openPort(server, wanted, hostname);
      bound = { port, hostname };
      // Before anything else is decided about silence: here is somebody who listens.
      await heard.flush();
      heartbeats = heard.run(listening.signal);
      await engine.enqueue(fleetWatchWork);
      return port;
    },
    async close() {
      listening.abort();
      book.close();
      await heartbeats;
      await engine.append({ write: stopListeningWrites(listener) }).catch(() => undefined);
      if (bound === undefined) return;
      bound = undefined;
      const closed = once(server, 'close');
      server.close();
      if ('closeAllConnections' in server) server.closeAllConnections();
      await closed;
    },
  };
}

async function openPort(
  server: ReturnType<typeof createAdaptorServer>,
  port: number,
  hostname: string,
): Promise<number> {
  const opened = once(server, 'listening');
  server.listen(port, hostname);
  try {
    await opened;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
    const detail = `Port ${port} for agents is taken.`;
    throw new ProblemError(problem('server/port-in-use', detail, { port }), { cause: error });
  }
  return (server.address() as AddressInfo).port;
}

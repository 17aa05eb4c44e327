import { availableParallelism, totalmem } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { agentProtocolVersion, type Hello, type HelloAnswer, helloAnswerSchema, type Reports } from '../api/index.ts';
import { freeDiskRatio } from '../io/files.ts';
import { bootId } from '../io/process.ts';
import { backoffMs } from '../kit/index.ts';
import { type AcceptOrder, readOrders } from './orders.ts';
import type { Parts } from './parts.ts';
import { paths } from './paths.ts';
import { leastFreeDiskRatio } from './reserve.ts';
import { RefusedError, type ServerClient } from './server-client.ts';

// A heartbeat that hangs is silence to the server: better to begin anew.
const reportMs = 5000;

/** What a session does with what the server says, and what it says of this host. */
export interface SessionPorts {
  readonly accept: AcceptOrder;
  readonly tasks: () => Hello['tasks'];
  readonly onHello: (answer: HelloAnswer) => void;
  /** Runs as long as the session does; rejecting ends the session. */
  readonly whileConnected: (answer: HelloAnswer, signal: AbortSignal) => Promise<void>;
}

/** Stays in contact with the server until the agent ends: hello, then orders and reports; anew when either breaks. */
export async function keepSession(parts: Parts, client: ServerClient, ports: SessionPorts): Promise<void> {
  const { signal, times, chance, log } = parts;
  let failures = 0;
  while (!signal.aborted) {
    try {
      const hello = await makeHello(parts, ports.tasks());
      const answer = helloAnswerSchema.parse(await client.postJson(paths.hello, hello, { signal }));
      ports.onHello(answer);
      if (failures > 0) log('connected to the server again');
      failures = 0;
      await runSession(parts, client, ports, answer);
    } catch (cause) {
      if (signal.aborted) return;
      failures += 1;
      if (failures === 1 || failures % 20 === 0) log(`no contact with the server: ${describe(cause)}`);
      const waitMs = backoffMs(failures, times.reconnectBaseMs, times.reconnectCapMs, chance);
      await sleep(waitMs, undefined, { signal }).catch(() => {});
    }
  }
}

/** Ends, by rejecting, when any of its parts breaks. */
async function runSession(parts: Parts, client: ServerClient, ports: SessionPorts, answer: HelloAnswer): Promise<void> {
  const session = new AbortController();
  const signal = AbortSignal.any([parts.signal, session.signal]);
  const running = [
    readOrders(client, parts.host, ports.accept, signal, parts.log),
    sendReports(parts, client, answer.heartbeatMs, signal),
    ports.whileConnected(answer, signal),
  ];
  parts.contact.open();
  try {
    await Promise.all(running);
  } finally {
    parts.contact.close();
    session.abort();
    await Promise.allSettled(running);
  }
}

async function sendReports(
  parts: Parts,
  client: ServerClient,
  heartbeatMs: number,
  signal: AbortSignal,
): Promise<void> {
  const { outbox, folders, contact, memory } = parts;
  for (let isSnapshot = true; !signal.aborted; ) {
    const report = contact.beginReport();
    const free = await freeDiskRatio(folders.root);
    if (free >= leastFreeDiskRatio) memory.keepReserve();
    const batch = outbox.makeBatch(isSnapshot, free);
    try {
      await client.postJson(paths.reports, batch, { signal, timeoutMs: reportMs });
      outbox.settle(batch);
      isSnapshot = false;
    } catch (cause) {
      const isEmpty = batch.tasks.length + batch.actions.length + batch.begun.length === 0;
      if (isEmpty || !(cause instanceof RefusedError && cause.isFinal)) throw cause;
      await sendOneByOne(parts, client, batch, signal);
    }
    contact.endReport(report);
    await outbox.whenChanged(heartbeatMs, signal);
  }
}

/** One thing in the batch is refused for good (not this host's to say): the others must not wait for it for ever. */
async function sendOneByOne(parts: Parts, client: ServerClient, batch: Reports, signal: AbortSignal): Promise<void> {
  const none = { snapshot: false, tasks: [], actions: [], begun: [] };
  const singles = [
    ...batch.tasks.map((task) => ({ tasks: [task] })),
    ...batch.actions.map((action) => ({ actions: [action] })),
    ...batch.begun.map((id) => ({ begun: [id] })),
  ];
  for (const single of singles) {
    const one = { ...batch, ...none, ...single, batch: parts.memory.takeBatchNumber() };
    try {
      await client.postJson(paths.reports, one, { signal });
    } catch (cause) {
      if (!(cause instanceof RefusedError && cause.isFinal)) throw cause;
      parts.log(`a report is dropped: ${cause.message} ${JSON.stringify(single).slice(0, 300)}`);
    }
    parts.outbox.settle(one);
  }
}

async function makeHello({ options, host, confinement, packages }: Parts, tasks: Hello['tasks']): Promise<Hello> {
  return {
    host,
    version: options.version,
    protocol: agentProtocolVersion,
    bootId: bootId(),
    address: options.address,
    labels: { ...options.labels },
    capacity: {
      cpuMillis: options.capacity?.cpuMillis ?? availableParallelism() * 1000,
      memoryMb: options.capacity?.memoryMb ?? Math.floor(totalmem() / 1024 / 1024),
      maxTasks: options.capacity?.maxTasks ?? 100,
    },
    abilities: [...confinement.abilities],
    tasks,
    packages: await packages.list(),
  };
}

function describe(cause: unknown): string {
  const { message, code } = cause as NodeJS.ErrnoException;
  return message || code || String(cause);
}

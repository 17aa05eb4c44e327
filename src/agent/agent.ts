import type { Order, OrderAck } from '../api/index.ts';
import { closeCgroups } from '../io/cgroup.ts';
import { realChance } from '../io/chance.ts';
import { Actions } from './actions.ts';
import { probeConfinement } from './confinement.ts';
import { Contact } from './contact.ts';
import { openFolders } from './folders.ts';
import { openIdentity } from './identity.ts';
import { lockFolder } from './lock.ts';
import { Memory } from './memory.ts';
import { Metrics } from './metrics/index.ts';
import { type AgentOptions, defaultTimes } from './options.ts';
import { Outbox } from './outbox.ts';
import { Packages } from './packages.ts';
import type { Parts } from './parts.ts';
import { paths } from './paths.ts';
import { ServerClient } from './server-client.ts';
import { keepSession } from './session.ts';
import { Tasks } from './tasks.ts';

const defaultLogMegabytes = 100;

/**
 * Runs this host's agent until the signal is aborted. Tasks and their keepers go on then, and the next agent on the
 * same data folder adopts them without a restart; with `stopTasks` they are ended in order, and the next agent brings
 * them back. Rejects only when it cannot begin: the folder is in use or damaged, or joining was refused.
 */
export async function runAgent(options: AgentOptions, signal: AbortSignal): Promise<void> {
  const folders = await openFolders(options.dataDir);
  const unlock = lockFolder(folders.root);
  try {
    const identity = await openIdentity(options, signal);
    const memory = new Memory(folders.root);
    try {
      const { host, key, fingerprint, addresses } = identity;
      const client = new ServerClient({ addresses, fingerprint, as: { host, key } });
      const confinement = probeConfinement(options);
      const outbox = new Outbox(memory, host);
      const parts: Parts = {
        options,
        times: { ...defaultTimes, ...options.times },
        host,
        folders,
        memory,
        outbox,
        contact: new Contact(() => outbox.sendNow()),
        packages: new Packages(folders, client),
        confinement,
        chance: realChance,
        maxLogBytes: (options.logMegabytesPerTask ?? defaultLogMegabytes) * 1024 * 1024,
        signal,
        log: options.onLog ?? (() => {}),
      };
      await run(parts, client);
      client.close();
      // Stays while a task is in it.
      if (confinement.cgroups) closeCgroups(confinement.cgroups);
    } finally {
      memory.close();
    }
  } finally {
    unlock();
  }
}

async function run(parts: Parts, client: ServerClient): Promise<void> {
  const tasks = new Tasks(parts);
  const actions = new Actions(parts, client);
  const metrics = new Metrics(parts, tasks);
  await tasks.open();
  actions.open();
  await keepSession(parts, client, {
    accept: (order) => accept({ parts, client, tasks, actions }, order),
    tasks: () => tasks.forHello(),
    onHello: (answer) => {
      tasks.settleHello(answer);
      metrics.begin(answer.binMs);
    },
    whileConnected: (_answer, signal) => metrics.ship(client, signal),
  });
  if (parts.options.stopTasks) await Promise.all([tasks.pauseAll(), actions.stopAll()]);
  tasks.detachAll();
  actions.detachAll();
  await Promise.all([tasks.settled(), actions.settled(), metrics.settled()]);
}

interface Receivers {
  readonly parts: Parts;
  readonly client: ServerClient;
  readonly tasks: Tasks;
  readonly actions: Actions;
}

/** On disk when it returns; what it starts goes on by itself. */
async function accept(
  { parts, client, tasks, actions }: Receivers,
  order: Order,
): Promise<OrderAck['cancels'][number] | undefined> {
  switch (order.type) {
    case 'execute':
      tasks.accept(order);
      return undefined;
    case 'cancel':
      return { id: order.id, answer: tasks.cancel(order.id) };
    case 'prefetch':
      inBackground(parts, `prefetch of ${order.package}`, parts.packages.unpacked(order.package, parts.signal));
      return undefined;
    case 'tail': {
      const answer = tasks.tail(order.job, order.index, order.lines);
      const sent = answer.then((tail) => client.postJson(paths.tail(order.request), tail, { signal: parts.signal }));
      inBackground(parts, `tail of ${order.job}/${order.index}`, sent);
      return undefined;
    }
    case 'forget-packages':
      inBackground(parts, 'forgetting packages', parts.packages.forget(order.digests, tasks.packagesInUse()));
      return undefined;
    case 'action':
      actions.accept(order);
      return undefined;
    case 'cancel-action':
      actions.cancel(order.id);
      return undefined;
  }
}

function inBackground(parts: Parts, what: string, work: Promise<unknown>): void {
  work.catch((cause: unknown) => {
    if (!parts.signal.aborted) parts.log(`${what} failed: ${String(cause)}`);
  });
}

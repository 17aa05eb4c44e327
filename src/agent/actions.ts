import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ActionOrder, Reports } from '../api/index.ts';
import { packTree } from '../artifact/index.ts';
import { makeCgroup } from '../io/cgroup.ts';
import { ensureFolder, freeDiskRatio } from '../io/files.ts';
import { openTreeReader } from '../io/tree-files.ts';
import { shipLog } from './action-log.ts';
import type { CommandsResult, KeeperSpec, KeeperState } from './keeper/spec.ts';
import { KeeperLink } from './keeper-link.ts';
import { cleanEnvironment, keeperId, keeperName } from './launch.ts';
import type { ActionMemory } from './memory.ts';
import type { Parts } from './parts.ts';
import { perfCommands, readPairs } from './perf/run-perf.ts';
import { leastFreeDiskRatio } from './reserve.ts';
import type { ServerClient } from './server-client.ts';

const maxLogBytes = 16 * 1024 * 1024;
const graceMs = 5000;
const retryMs = 1000;
const keptReports = 100;

type ActionReport = Reports['actions'][number];
type Ended = Omit<ActionReport, 'id'>;

/**
 * Builds, tests and other commands: each in a folder of its own, under a keeper, once. What a crash of the agent cut
 * off goes on under its keeper and is found again; only the loss of the keeper itself makes an action `lost`.
 */
export class Actions {
  readonly #parts: Parts;
  readonly #client: ServerClient;
  readonly #running = new Map<string, Promise<void>>();
  readonly #links = new Map<string, KeeperLink>();
  readonly #stops = new Map<string, AbortController>();

  constructor(parts: Parts, client: ServerClient) {
    this.#parts = parts;
    this.#client = client;
  }

  /** Goes on with what an earlier agent process began. */
  open(): void {
    for (const { order, report } of this.#parts.memory.actions()) if (report === null) this.#start(order);
  }

  accept(order: ActionOrder): void {
    const { memory, outbox } = this.#parts;
    outbox.addBegun(order.id);
    // Its present state, `running` or its end.
    outbox.addAction(order.id);
    if (memory.action(order.id)) return;
    const isCancelled = memory.isTombstoned(order.id);
    memory.putAction({ order, keeper: null, shippedBytes: 0, isCancelled, report: null, isDelivered: false });
    this.#start(order);
  }

  cancel(id: string): void {
    const action = this.#parts.memory.action(id);
    if (!action) this.#parts.memory.addTombstone(id);
    if (!action) return;
    if (action.report !== null) return;
    this.#parts.memory.putAction({ ...action, isCancelled: true });
    this.#stops.get(id)?.abort();
    this.#links.get(id)?.stop();
  }

  async settled(): Promise<void> {
    await Promise.all(this.#running.values());
  }

  detachAll(): void {
    for (const link of this.#links.values()) link.detach();
  }

  /** Ends what runs; the next agent reports it as lost to the machine, so that it may be run again. */
  async stopAll(): Promise<void> {
    const gone = [...this.#links.values()].map(async (link) => {
      link.stop();
      await link.whenGone();
    });
    // The timer holds nobody back: most of the time nothing runs.
    await Promise.race([Promise.all(gone), sleep(graceMs + 2000, undefined, { ref: false })]);
  }

  #start(order: ActionOrder): void {
    const stop = new AbortController();
    this.#stops.set(order.id, stop);
    const running = this.#run(order, AbortSignal.any([stop.signal, this.#parts.signal])).finally(() => {
      this.#running.delete(order.id);
      this.#stops.delete(order.id);
    });
    this.#running.set(order.id, running);
  }

  async #run(order: ActionOrder, signal: AbortSignal): Promise<void> {
    const { signal: agentSignal, log } = this.#parts;
    while (!agentSignal.aborted) {
      try {
        const ended = await this.#toEnd(order, signal);
        if (ended) this.#report(order, ended);
        if (ended) await this.#clean(order);
        return;
      } catch (cause) {
        if (agentSignal.aborted) return;
        log(`action ${order.id} is tried again: ${String(cause)}`);
        await sleep(retryMs, undefined, { signal: agentSignal }).catch(() => {});
      }
    }
  }

  /** Undefined: the agent ends first; the next one goes on. */
  async #toEnd(order: ActionOrder, signal: AbortSignal): Promise<Ended | undefined> {
    const { folders, signal: agentSignal } = this.#parts;
    const isCancelled = (): boolean => this.#memory(order).isCancelled;
    const folder = join(folders.actions, order.id);
    const isNew = this.#memory(order).keeper === null;
    if (isNew) {
      if (isCancelled()) return { state: 'cancelled', summary: 'cancelled before it began' };
      const refusal = await this.#prepare(order, folder, signal).catch((cause: unknown) => {
        if (isCancelled() && !agentSignal.aborted)
          return { state: 'cancelled', summary: 'cancelled before it began' } as const;
        throw cause;
      });
      if (refusal) return refusal;
    }
    const result = await this.#followKeeper(order, folder, isNew);
    if (result === 'agent-ends') return undefined;
    if (result === 'lost')
      return { state: 'lost', summary: 'its keeper was killed; what it did until then is unknown' };
    // Nobody asked for it: it was ended together with its agent, or its keeper was told to end.
    if (result.outcome === 'cancelled' && !isCancelled())
      return { state: 'lost', summary: 'it was ended with its host' };
    const exitCode = result.exitCode === null ? {} : { exitCode: result.exitCode };
    if (result.outcome !== 'succeeded') return { state: result.outcome, summary: result.summary, ...exitCode };
    return await this.#handIn(order, folder);
  }

  /** Everything up to the running keeper. A report: it cannot be run here. */
  async #prepare(order: ActionOrder, folder: string, signal: AbortSignal): Promise<Ended | undefined> {
    const { packages, folders, confinement, host } = this.#parts;
    const free = await freeDiskRatio(folders.root);
    if (free < leastFreeDiskRatio) {
      const percent = (free * 100).toFixed(1);
      return {
        state: 'lost',
        summary: `not run: the disk of ${host} has only ${percent} % free; builds stop below 5 %`,
      };
    }
    await rm(folder, { recursive: true, force: true });
    await ensureFolder(folder, 0o700);
    const tree = join(folder, 'tree');
    const unpacked = await packages.unpackTo(order.source, tree, signal);
    if (!unpacked.ok) return { state: 'failed', summary: `its source could not be had: ${unpacked.error.detail}` };
    const inputs = join(folder, 'inputs');
    await ensureFolder(inputs, 0o700);
    for (const [name, digest] of Object.entries(order.inputs)) {
      const there = await packages.unpackTo(digest, join(inputs, name), signal);
      if (!there.ok) return { state: 'failed', summary: `its input ${name} could not be had: ${there.error.detail}` };
    }
    const home = join(folder, 'home');
    const temporary = join(folder, 'tmp');
    for (const each of [home, temporary]) await ensureFolder(each, 0o700);
    const sandbox = confinement.sandboxForAction(folder);
    const commands = order.perf ? await perfCommands(order.perf, folder, order.timeoutMs) : order.commands;
    const name = keeperName(this.#parts);
    const spec: KeeperSpec = {
      format: 1,
      id: keeperId(host, name),
      work: { kind: 'commands', commands, timeoutMs: order.timeoutMs, graceMs },
      cwd: tree,
      env: {
        ...cleanEnvironment(home, temporary),
        ...this.#parts.options.buildEnvironment,
        CI: 'true',
        ...order.env,
        ROLLWAY_RUN: order.id,
        ...(Object.keys(order.inputs).length > 0 ? { ROLLWAY_INPUTS: inputs } : {}),
      },
      logs: { kind: 'plain', file: join(folder, 'output.log'), maxBytes: maxLogBytes },
      lease: { ms: this.#parts.times.leaseMs, atEnd: 'keep-running' },
      // Without limits: so that nothing it starts escapes its end, whatever it does to its environment.
      cgroup: confinement.cgroups ? makeCgroup(confinement.cgroups, name, undefined) : null,
      sandbox,
    };
    await KeeperLink.prepare(join(folders.keepers, name), spec);
    signal.throwIfAborted();
    this.#change(order, { keeper: name });
    return undefined;
  }

  async #followKeeper(
    order: ActionOrder,
    folder: string,
    isNew: boolean,
  ): Promise<CommandsResult | 'lost' | 'agent-ends'> {
    const { folders, times, signal } = this.#parts;
    const keeper = join(folders.keepers, this.#memory(order).keeper ?? '');
    const shipping = new AbortController();
    const shipped = shipLog(this.#parts, this.#client, order.id, join(folder, 'output.log'), shipping.signal);
    try {
      return await new Promise((resolve) => {
        signal.addEventListener('abort', () => resolve('agent-ends'), { once: true });
        const events = {
          onState: () => {},
          onGone: (state: KeeperState | undefined) => resolve(state?.result ?? 'lost'),
        };
        const open = isNew ? KeeperLink.launch : KeeperLink.adopt;
        const link = open(keeper, events, times.keeperSilenceMs);
        this.#links.set(order.id, link);
        if (this.#memory(order).isCancelled) link.stop();
      });
    } finally {
      this.#links.delete(order.id);
      shipping.abort();
      await shipped;
    }
  }

  async #handIn(order: ActionOrder, folder: string): Promise<Ended> {
    const { packages, signal } = this.#parts;
    if (order.perf) return { state: 'succeeded', exitCode: 0, summary: '', perf: await readPairs(folder) };
    if (!order.output) return { state: 'succeeded', exitCode: 0, summary: '' };
    const { include, exclude } = order.output;
    const packed = await packTree(openTreeReader(join(folder, 'tree')), packages.store, { include, exclude, signal });
    if (!packed.ok) {
      const state = packed.error.code === 'artifact/disk-full' ? 'lost' : 'failed';
      return { state, summary: `its output could not be packed: ${packed.error.detail}` };
    }
    const { digest, sizeBytes } = packed.value;
    const sent = await packages.upload(digest, signal);
    if (!sent.ok) return { state: 'failed', summary: `its output could not be handed in: ${sent.error.detail}` };
    return { state: 'succeeded', exitCode: 0, summary: '', output: { digest, sizeBytes } };
  }

  #report(order: ActionOrder, ended: Ended): void {
    this.#change(order, { report: { id: order.id, ...ended, summary: ended.summary.slice(0, 8000) } });
    this.#parts.outbox.addAction(order.id);
  }

  async #clean(order: ActionOrder): Promise<void> {
    const { folders, memory } = this.#parts;
    const { keeper } = this.#memory(order);
    await rm(join(folders.actions, order.id), { recursive: true, force: true });
    if (keeper) await rm(join(folders.keepers, keeper), { recursive: true, force: true });
    const old = memory.actions().filter(({ isDelivered }) => isDelivered);
    for (const { order: done } of old.slice(0, Math.max(0, old.length - keptReports))) memory.removeAction(done.id);
  }

  #memory(order: ActionOrder): ActionMemory {
    const action = this.#parts.memory.action(order.id);
    if (!action) throw new Error(`action ${order.id} is not known here`);
    return action;
  }

  #change(order: ActionOrder, change: Partial<ActionMemory>): void {
    this.#parts.memory.putAction({ ...this.#memory(order), ...change });
  }
}

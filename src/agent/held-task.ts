import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { whenAborted } from '../kit/index.ts';
import type { FailureCard, OperationOutcome, TaskReport, TaskState } from '../model/index.ts';
import type { KeeperState, LogLine } from './keeper/spec.ts';
import { type KeeperEvents, KeeperLink } from './keeper-link.ts';
import { assignPorts, keeperName, taskKeeperSpec } from './launch.ts';
import type { TaskMemory } from './memory.ts';
import { type Observed, observeKeeper } from './observe-keeper.ts';
import { portsWhile, taskFacts } from './outbox.ts';
import type { Parts } from './parts.ts';

const retryMs = 1000;

/** Whether a task whose keeper is gone may be started again; may wait for the server's word first. */
export type MayRestart = (task: TaskMemory) => Promise<boolean>;

/**
 * One incarnation on this host: its keeper, its newest report, its way to the next life when the keeper itself is lost.
 */
export class HeldTask {
  readonly #parts: Parts;
  readonly #mayRestart: MayRestart;
  readonly #watchers = new Set<() => void>();
  #memory: TaskMemory;
  #link: KeeperLink | undefined;
  #isDraining = false;
  #isGone: Promise<void> = Promise.resolve();
  #lossesAtMs: number[] = [];
  #isPausing = false;
  #launchedAtMs = Date.now();

  constructor(parts: Parts, memory: TaskMemory, mayRestart: MayRestart) {
    this.#parts = parts;
    this.#memory = memory;
    this.#mayRestart = mayRestart;
  }

  get #name(): string {
    return `${this.#memory.job}/${this.#memory.index}`;
  }

  get memory(): TaskMemory {
    return this.#parts.memory.task(this.#memory.job, this.#memory.index, this.#memory.incarnation) ?? this.#memory;
  }

  get keeperState(): KeeperState | undefined {
    return this.#link?.state;
  }

  /** When its keeper was started or found again: a keeper that was killed is not the version's fault. */
  get launchedAtMs(): number {
    return this.#launchedAtMs;
  }

  get hasKeeper(): boolean {
    return this.#link !== undefined;
  }

  /** Finds the keeper again that an earlier agent process started. */
  adopt(): void {
    const { keeper } = this.memory;
    if (keeper === null) {
      if (this.memory.wanted === 'running') void this.#restart(0);
      return;
    }
    this.#follow((events) => KeeperLink.adopt(this.#folderOf(keeper), events, this.#parts.times.keeperSilenceMs));
  }

  /** Starts a new keeper, unless it is no longer wanted. Rejects when the package or the folder cannot be had. */
  async launch(): Promise<void> {
    const name = keeperName(this.#parts);
    const folder = this.#folderOf(name);
    const spec = await taskKeeperSpec(this.#parts, this.memory, name, await this.#packageFolder());
    await KeeperLink.prepare(folder, spec);
    if (this.memory.wanted !== 'running' || this.#parts.signal.aborted) return;
    // Durable before it starts: a crash in between ends in adoption, never in a second one.
    this.#change({ keeper: name });
    this.#follow((events) => KeeperLink.launch(folder, events, this.#parts.times.keeperSilenceMs));
  }

  /** Says a state that no keeper says: before the first keeper begins. */
  tell(state: 'fetching' | 'starting'): void {
    this.#reportIfNew({ state, life: this.memory.nextLife, failure: null });
  }

  /** Resolves when its keeper has spoken, or is gone, or the agent ends. */
  async whenKnown(): Promise<void> {
    while (this.#link && !this.#link.state && !this.#parts.signal.aborted) {
      await Promise.race([this.#link.whenHeard(), this.#isGone, whenAborted(this.#parts.signal)]);
    }
  }

  /** Out of discovery from now on; the report that says so, when there is something to leave. */
  beginDraining(): TaskReport | undefined {
    this.#isDraining = true;
    const state = this.keeperState;
    if (state?.phase !== 'serving') return undefined;
    return this.#report(observeKeeper(state, { isDraining: true }));
  }

  /** Ends it in order and for good; resolves when nothing of it is left and that is reported. */
  async end(outcome?: OperationOutcome): Promise<void> {
    this.#change({ wanted: 'stopped' });
    this.#isDraining = true;
    if (this.#link) {
      this.#link.stop();
      await this.#isGone;
    }
    if (this.memory.reported.state !== 'stopped' || outcome) {
      this.#report({ state: 'stopped', life: this.memory.reported.life, failure: null }, outcome);
    }
  }

  /** Ends the process but not the wish: the next agent brings it back (`stopTasks`). */
  async pause(): Promise<void> {
    this.#isPausing = true;
    this.#link?.stop();
    await this.#isGone;
  }

  detach(): void {
    this.#link?.detach();
  }

  /** Reports the present state together with an operation's end. */
  reportOutcome(operation: OperationOutcome, failure?: FailureCard): void {
    const state = this.keeperState;
    const observed = state ? observeKeeper(state, { isDraining: this.#isDraining }) : this.memory.reported;
    this.#report({ ...observed, failure: failure ?? observed.failure }, operation);
  }

  /** It could not even be started: nothing of it runs, and nothing will before the next operation. */
  fail(operation: OperationOutcome, failure: FailureCard): void {
    this.#change({ wanted: 'stopped' });
    this.#report({ state: 'failed', life: this.memory.nextLife, failure }, operation);
  }

  async tail(lines: number): Promise<readonly LogLine[] | undefined> {
    return await this.#link?.tail(lines, 2000);
  }

  /** Calls back at each change until the returned function is called. */
  watch(watcher: () => void): () => void {
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  }

  #follow(open: (events: KeeperEvents) => KeeperLink): void {
    this.#launchedAtMs = Date.now();
    this.#isGone = new Promise<void>((resolve) => {
      this.#link = open({
        onState: (state) => this.#fold(state),
        onGone: (state, why) => {
          this.#link = undefined;
          resolve();
          this.#lost(state, why).catch((cause: unknown) => this.#parts.log(`${this.#name}: ${String(cause)}`));
        },
      });
    });
  }

  /** What cannot be written down now (a full disk) is tried again: it must not end the agent. */
  #fold(state: KeeperState): void {
    try {
      this.#foldOnce(state);
    } catch (cause) {
      this.#parts.log(`${this.#name}: its state cannot be written down: ${String(cause)}`);
      setTimeout(() => this.#link?.state && this.#fold(this.#link.state), retryMs).unref();
    }
  }

  #foldOnce(state: KeeperState): void {
    if (this.#parts.signal.aborted) return;
    const observed = observeKeeper(state, { isDraining: this.#isDraining });
    // That it stopped is said when its keeper is gone too.
    if (observed.state !== 'stopped') this.#reportIfNew(observed);
    for (const watcher of this.#watchers) watcher();
  }

  /** The keeper is gone. Wanted: it was killed, or told to end by somebody else; the next life follows. */
  async #lost(state: KeeperState | undefined, why: string): Promise<void> {
    const { memory } = this;
    const { keeper } = memory;
    if (memory.wanted === 'stopped' || this.#isPausing) {
      const nextLife = this.#isPausing ? (state?.life ?? memory.nextLife) + 1 : memory.nextLife;
      this.#change({ nextLife, keeper: null });
      if (keeper) await rm(this.#folderOf(keeper), { recursive: true, force: true });
      return;
    }
    const summary = state?.phase === 'stopped' ? 'its keeper was told to end it' : why;
    const failure: FailureCard = { reason: 'lost', summary, lastLogLines: [] };
    const life = state?.life ?? memory.nextLife;
    this.#parts.log(`${this.#name}: ${summary}; life ${life} is over`);
    await this.#untilWritten(() => {
      this.#reportIfNew({ state: 'failed', life, failure });
      this.#change({ keeper: null, nextLife: life + 1 });
    });
    for (const watcher of this.#watchers) watcher();
    if (keeper) await rm(this.#folderOf(keeper), { recursive: true, force: true });
    const now = Date.now();
    const { windowMs, baseMs, capMs } = this.#parts.times.restart;
    this.#lossesAtMs = [...this.#lossesAtMs.filter((atMs) => atMs > now - windowMs), now];
    await this.#restart(Math.min(capMs, baseMs * 2 ** (this.#lossesAtMs.length - 1)));
  }

  async #untilWritten(write: () => void): Promise<void> {
    while (!this.#parts.signal.aborted) {
      try {
        return write();
      } catch (cause) {
        this.#parts.log(`${this.#name}: its state cannot be written down: ${String(cause)}`);
        await sleep(retryMs, undefined, { signal: this.#parts.signal }).catch(() => {});
      }
    }
  }

  async #restart(waitMs: number): Promise<void> {
    const { signal, log } = this.#parts;
    for (let pauseMs = waitMs; !signal.aborted; pauseMs = Math.min(5000, 2 * pauseMs + 100)) {
      await sleep(pauseMs, undefined, { signal }).catch(() => {});
      if (signal.aborted || !(await this.#mayRestart(this.memory)) || this.#isPausing) return;
      if (signal.aborted || this.memory.wanted !== 'running' || this.#link) return;
      try {
        // The ports it had may be somebody else's by now.
        this.#change({ ports: await assignPorts(this.#parts, this.memory.order) });
        return await this.launch();
      } catch (cause) {
        log(`${this.#name} cannot be started again: ${String(cause)}`);
      }
    }
  }

  #reportIfNew(observed: Observed): void {
    const { state, life, failure } = this.memory.reported;
    const isTold = this.memory.reported.sequence > 0;
    const isSame =
      isTold && state === observed.state && life === observed.life && failure?.summary === observed.failure?.summary;
    if (!isSame) this.#report(observed);
  }

  #report({ state, life, failure }: Observed, operation?: OperationOutcome): TaskReport {
    const { memory } = this;
    return this.#parts.outbox.add({
      ...taskFacts(memory, memory.address),
      life,
      state: state as TaskState,
      ports: portsWhile(state, memory),
      atMs: Date.now(),
      ...(failure && { failure }),
      ...(operation && { operation }),
    });
  }

  #change(change: Partial<TaskMemory>): void {
    const { job, index, incarnation } = this.#memory;
    if (!this.#parts.memory.task(job, index, incarnation)) return; // forgotten meanwhile
    this.#parts.memory.putTask({ ...this.memory, ...change });
  }

  #folderOf(keeper: string): string {
    return join(this.#parts.folders.keepers, keeper);
  }

  async #packageFolder(): Promise<string> {
    const { version } = this.memory.order;
    if (!version) throw new Error('no version');
    const folder = await this.#parts.packages.unpacked(version.package, this.#parts.signal);
    if (!folder.ok) throw new Error(folder.error.detail);
    return folder.value;
  }
}

import { spawn } from 'node:child_process';
import { closeSync, existsSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { cgroupMembers, killCgroup, removeCgroup } from '../io/cgroup.ts';
import { ensureFolder, readJson, writeFileAtomic } from '../io/files.ts';
import { findMarked, isAlive, isGroupAlive, type ProcessIdentity, signalGroup, signalProcess } from '../io/process.ts';
import { connectUnix, readJsonLines, writeJsonLine } from '../io/sockets.ts';
import {
  type KeeperMessage,
  type KeeperRequest,
  type KeeperSpec,
  type KeeperState,
  keeperFiles,
  type LogLine,
} from './keeper/spec.ts';

const leaseEveryMs = 1000;
const claimMs = 30_000;
const pollMs = 40;
const lookAgainMs = 40;
const maxMessageBytes = 4 * 1024 * 1024;
const maxErrorChars = 1000;

// Beside this file, in the language this file is in: `main.ts` from sources, `main.js` when compiled.
const keeperMain = fileURLToPath(
  new URL(`./keeper/main${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url),
);
// A keeper mostly sleeps: small heaps, few threads.
const keeperFlags = ['--max-semi-space-size=1', '--max-old-space-size=96', '--v8-pool-size=1', '--no-warnings'];

export interface KeeperEvents {
  /** Whole, at every change, newest last. */
  readonly onState: (state: KeeperState) => void;
  /** It is gone, and nothing of its task is left. `state` is the last it wrote. */
  readonly onGone: (state: KeeperState | undefined, why: string) => void;
}

/** The agent's end of one keeper: starts it or finds it again, renews its lease, and buries it. */
export class KeeperLink {
  readonly folder: string;
  readonly #events: KeeperEvents;
  readonly #silenceMs: number;
  readonly #tails = new Map<number, (lines: readonly LogLine[]) => void>();
  readonly #detached = new AbortController();
  readonly #heard = Promise.withResolvers<void>();
  readonly #gone = Promise.withResolvers<void>();
  #socket: Socket | undefined;
  #state: KeeperState | undefined;
  #heardAtMs = Date.now();
  #stopWanted = false;
  #tailNumber = 0;

  private constructor(folder: string, events: KeeperEvents, silenceMs: number) {
    this.folder = folder;
    this.#events = events;
    this.#silenceMs = silenceMs;
  }

  /** Makes a new keeper's folder, durably: whoever finds it can go on from there. */
  static async prepare(folder: string, spec: KeeperSpec): Promise<void> {
    await ensureFolder(folder);
    await writeFileAtomic(join(folder, keeperFiles.spec), JSON.stringify(spec));
  }

  /** Starts a keeper in a prepared folder. */
  static launch(folder: string, events: KeeperEvents, silenceMs: number): KeeperLink {
    spawnKeeper(folder);
    return KeeperLink.adopt(folder, events, silenceMs);
  }

  /** Finds a keeper again that another agent process started, or may have started. */
  static adopt(folder: string, events: KeeperEvents, silenceMs: number): KeeperLink {
    const link = new KeeperLink(folder, events, silenceMs);
    void link.#follow();
    return link;
  }

  get state(): KeeperState | undefined {
    return this.#state;
  }

  /** Asks it to end its task in order; `onGone` follows. */
  stop(): void {
    this.#stopWanted = true;
    this.#ask({ type: 'stop' });
  }

  /** Resolves when its state is known. */
  async whenHeard(): Promise<void> {
    await this.#heard.promise;
  }

  /** Resolves when it is gone and buried; never after `detach`. */
  async whenGone(): Promise<void> {
    await this.#gone.promise;
  }

  async tail(lines: number, timeoutMs: number): Promise<readonly LogLine[] | undefined> {
    if (!this.#socket) return undefined;
    const request = ++this.#tailNumber;
    const answer = new Promise<readonly LogLine[]>((resolve) => this.#tails.set(request, resolve));
    this.#ask({ type: 'tail', request, lines });
    try {
      return await Promise.race([answer, sleep(timeoutMs, undefined)]);
    } finally {
      this.#tails.delete(request);
    }
  }

  /** Leaves it alone: the next agent adopts it. */
  detach(): void {
    this.#detached.abort();
    this.#socket?.destroy();
  }

  async #follow(): Promise<void> {
    const { signal } = this.#detached;
    const keeper = await this.#waitForClaim();
    let why = keeper ? 'the keeper was killed' : `the keeper did not start: ${readErrors(this.folder)}`;
    while (keeper && !signal.aborted && isAlive(keeper)) {
      const socket = await connectUnix(this.folder, keeperFiles.socket).catch(() => undefined);
      if (socket) await this.#listen(socket);
      if (Date.now() - this.#heardAtMs > this.#silenceMs) {
        why = `the keeper said nothing for ${this.#silenceMs} ms`;
        signalProcess(keeper, 'SIGKILL');
      }
      await sleep(pollMs);
    }
    if (signal.aborted) return;
    const state = (await readState(this.folder)) ?? this.#state;
    await bury(this.folder, state);
    if (signal.aborted) return;
    this.#state = state;
    this.#gone.resolve();
    this.#events.onGone(state, why);
  }

  /** Which process keeps this folder: written by the keeper itself, first of all. */
  async #waitForClaim(): Promise<ProcessIdentity | undefined> {
    const until = Date.now() + claimMs;
    let isSpawnedAgain = false;
    while (!this.#detached.signal.aborted) {
      const claim = await readJson(join(this.folder, keeperFiles.claim));
      if (claim) return claim as ProcessIdentity;
      if (!existsSync(join(this.folder, keeperFiles.spec))) return undefined;
      // Given up for good: taken by nobody, so that one that is only slow finds it taken and ends.
      if (Date.now() > until && takeForNobody(this.folder)) return undefined;
      // The agent that made the folder may have been killed before it started the keeper. If both start one, one wins.
      if (!isSpawnedAgain && Date.now() > until - claimMs / 2) {
        isSpawnedAgain = true;
        spawnKeeper(this.folder);
      }
      await sleep(pollMs);
    }
    return undefined;
  }

  async #listen(socket: Socket): Promise<void> {
    this.#socket = socket;
    if (this.#stopWanted) this.#ask({ type: 'stop' });
    const lease = setInterval(() => {
      if (Date.now() - this.#heardAtMs > this.#silenceMs) socket.destroy();
      else this.#ask({ type: 'lease' });
    }, leaseEveryMs);
    readJsonLines(socket, maxMessageBytes, (message) => this.#hear(message as KeeperMessage));
    socket.on('error', () => {});
    await new Promise<void>((resolve) => socket.once('close', () => resolve()));
    clearInterval(lease);
    this.#socket = undefined;
  }

  #hear(message: KeeperMessage): void {
    this.#heardAtMs = Date.now();
    if (message.type === 'tail') this.#tails.get(message.request)?.(message.lines);
    if (message.type !== 'state' || this.#detached.signal.aborted) return;
    this.#state = message.state;
    this.#heard.resolve();
    this.#events.onState(message.state);
  }

  #ask(request: KeeperRequest): void {
    if (this.#socket) writeJsonLine(this.#socket, request);
  }
}

/** False: a keeper took it just now. */
function takeForNobody(folder: string): boolean {
  try {
    writeFileSync(join(folder, keeperFiles.claim), JSON.stringify({ pid: 0, startTicks: 0 }), {
      flag: 'wx',
      mode: 0o600,
    });
    return true;
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw cause;
  }
}

function spawnKeeper(folder: string): void {
  const errors = openSync(join(folder, 'errors.log'), 'a', 0o600);
  try {
    const child = spawn(process.execPath, [...keeperFlags, keeperMain, folder], {
      cwd: folder,
      detached: true,
      stdio: ['ignore', errors, errors],
      env: { PATH: `${dirname(process.execPath)}:/usr/local/bin:/usr/bin:/bin`, UV_THREADPOOL_SIZE: '2' },
    });
    child.on('error', () => {}); // noticed by the missing claim
    child.unref();
  } finally {
    closeSync(errors);
  }
}

async function readState(folder: string): Promise<KeeperState | undefined> {
  return (await readJson(join(folder, keeperFiles.state))) as KeeperState | undefined;
}

/** Makes sure that nothing of a dead keeper's task is alive, wherever it went. Returns only when that is true. */
async function bury(folder: string, state: KeeperState | undefined): Promise<void> {
  const spec = (await readJson(join(folder, keeperFiles.spec))) as KeeperSpec | undefined;
  if (!spec) return;
  let isEmptyBefore = false;
  for (let pauseMs = 5; ; pauseMs = Math.min(500, pauseMs * 2)) {
    const main = state?.main;
    if (main && isAlive(main)) signalGroup(main.pid, 'SIGKILL');
    if (spec.cgroup) killCgroup(spec.cgroup);
    const strays = findMarked(`ROLLWAY_KEEPER=${spec.id}`);
    for (const stray of strays) signalProcess(stray, 'SIGKILL');
    const isEmpty = strays.length === 0 && !(main && isAlive(main) && isGroupAlive(main.pid));
    const wasEmptyBefore = isEmptyBefore;
    isEmptyBefore = isEmpty && (!spec.cgroup || cgroupMembers(spec.cgroup).length === 0);
    // Killed while it started a process, that process shows its mark only after a moment: looked for twice.
    const isOrderly = state?.phase === 'stopped' || state?.phase === 'finished';
    if (isEmptyBefore && (wasEmptyBefore || isOrderly)) break;
    await sleep(isEmptyBefore ? lookAgainMs : pauseMs);
  }
  if (spec.cgroup) removeCgroup(spec.cgroup);
}

function readErrors(folder: string): string {
  try {
    return readFileSync(join(folder, 'errors.log'), 'utf8').trim().slice(-maxErrorChars);
  } catch {
    return 'it left no word';
  }
}

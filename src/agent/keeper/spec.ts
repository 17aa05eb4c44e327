import type { Cgroup } from '../../io/cgroup.ts';
import type { ProcessIdentity } from '../../io/process.ts';
import type { FailureCard } from '../../model/index.ts';

/**
 * What an agent hands a keeper (`spec.json` in the keeper's folder), and what the keeper says of itself. Both outlive
 * the agent that wrote them, so a newer agent must be able to read them: add fields, never change one.
 */

/** How readiness is probed; addresses and port numbers filled in. */
export type Probe =
  | { readonly kind: 'http'; readonly host: string; readonly port: number; readonly path: string }
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number }
  | { readonly kind: 'log'; readonly contains: string }
  | { readonly kind: 'running'; readonly afterMs: number };

export interface RestartPolicy {
  readonly baseMs: number;
  readonly capMs: number;
  /** This many ends within the window: crash-looping. */
  readonly maxEnds: number;
  readonly windowMs: number;
  /** A crash-looping task counts as serving again only after this long. */
  readonly settleMs: number;
}

export interface TaskWork {
  readonly kind: 'task';
  readonly command: readonly string[];
  readonly stop: { readonly signal: NodeJS.Signals; readonly graceMs: number };
  readonly probe: Probe;
  readonly readyDeadlineMs: number;
  readonly restart: RestartPolicy;
  /** Lives of this incarnation before this keeper. */
  readonly firstLife: number;
}

/** Commands run one after another, once. */
export interface CommandsWork {
  readonly kind: 'commands';
  readonly commands: readonly (readonly string[])[];
  readonly timeoutMs: number;
  readonly graceMs: number;
}

export interface KeeperSpec {
  readonly format: 1;
  /** Unique; every process of the task carries it in its environment as `ROLLWAY_KEEPER`. */
  readonly id: string;
  readonly work: TaskWork | CommandsWork;
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  readonly logs:
    | { readonly kind: 'segments'; readonly folder: string; readonly maxBytes: number }
    | { readonly kind: 'plain'; readonly file: string; readonly maxBytes: number };
  /** What happens when no agent was heard of for so long. */
  readonly lease: { readonly ms: number; readonly atEnd: 'keep-running' | 'stop' };
  readonly cgroup: Cgroup | null;
  /** Words put before each command: a program that confines what follows (made by `io/sandbox.ts`). */
  readonly sandbox: readonly string[];
}

/** One ended life. */
export interface LifeEnd {
  readonly life: number;
  readonly atMs: number;
  readonly wasServing: boolean;
  readonly failure: FailureCard;
}

export type KeeperPhase = 'starting' | 'serving' | 'failed' | 'crash-looping' | 'stopping' | 'stopped' | 'finished';

/** What the keeper knows, whole: also written to `state.json` at each change. */
export interface KeeperState {
  readonly format: 1;
  readonly id: string;
  readonly keeper: ProcessIdentity;
  /** Grows with every change. */
  readonly revision: number;
  readonly phase: KeeperPhase;
  readonly life: number;
  /** The task's main process and process group (its pid), while there is one. */
  readonly main: ProcessIdentity | null;
  /** The last 20. */
  readonly ends: readonly LifeEnd[];
  readonly droppedLines: number;
  /** Commands only. */
  readonly result: CommandsResult | null;
}

export interface CommandsResult {
  readonly outcome: 'succeeded' | 'failed' | 'timed-out' | 'cancelled';
  readonly exitCode: number | null;
  /** Which command, and the last lines of the output. */
  readonly summary: string;
}

export interface LogLine {
  readonly atMs: number;
  readonly stream: 'out' | 'err' | 'rollway';
  readonly text: string;
}

/** Agent → keeper, one JSON line each. */
export type KeeperRequest =
  | { readonly type: 'lease' }
  | { readonly type: 'stop' }
  | { readonly type: 'tail'; readonly request: number; readonly lines: number };

/** Keeper → agent. `state` comes first on every connection, and at each change. */
export type KeeperMessage =
  | { readonly type: 'state'; readonly state: KeeperState }
  | { readonly type: 'pong' }
  | { readonly type: 'tail'; readonly request: number; readonly lines: readonly LogLine[] };

/** Files in a keeper's folder. */
export const keeperFiles = { spec: 'spec.json', state: 'state.json', claim: 'claim.json', socket: 's' } as const;

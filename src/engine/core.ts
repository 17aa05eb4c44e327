import type { Chance, Clock } from '../kit/index.ts';
import type { Store, Tx } from '../store/index.ts';
import type { Bell } from './bell.ts';
import { despiteConflicts } from './conflict.ts';
import type { EffectFence } from './effects-rows.ts';
import { Abandon, type Hooks, type Moment } from './hooks.ts';
import type { EffectKind, WorkKind } from './port.ts';
import type { EngineSettings } from './settings.ts';
import type { WorkFence } from './work-rows.ts';

/** Something that went wrong without anybody waiting for the answer. */
export interface Trouble {
  readonly what: string;
  readonly error: unknown;
}

/** What all parts of one engine share. */
export interface Core {
  readonly store: Store;
  readonly clock: Clock;
  readonly chance: Chance;
  readonly processId: string;
  readonly settings: EngineSettings;
  readonly hooks: Hooks;
  readonly onTrouble: (trouble: Trouble) => void;
  readonly workKinds: Map<string, WorkKind>;
  readonly effectKinds: Map<string, EffectKind>;
  /** Rung when this process enqueued work, wrote effects, sealed events. */
  readonly workBell: Bell;
  readonly effectBell: Bell;
  readonly eventBell: Bell;
  /** What this process holds leases of and is working on. */
  readonly turnsUnderWay: Set<WorkFence>;
  readonly effectsUnderWay: Set<EffectFence>;
  readonly listeners: Set<(position: number) => void>;
  /** A hook abandoned this engine: nothing may touch the database any more. */
  isAbandoned: boolean;
  /** The position that listeners were last told of. */
  toldPosition: number;
  isRecovered: boolean;
  /** Grows whenever this process wrote, ended or freed effects. */
  effectStirs: number;
  /** At so many stirs no effect was due before that time. */
  quietEffects: { readonly stirs: number; readonly untilMs: number } | undefined;
}

/** What a transaction did that somebody may be waiting for. */
export interface Ripples {
  work?: boolean;
  effects?: boolean;
  events?: boolean;
  /** The last position, when events were sealed in the same commit. */
  position?: number;
}

/**
 * One transaction with the hooks around its commit; afterwards those who wait are woken. `work` returns undefined when
 * there is nothing to commit; it runs again when the database gave the transaction up in favour of another one.
 */
export async function transact<T>(
  core: Core,
  moment: Moment,
  work: (tx: Tx, ripples: Ripples) => Promise<T | undefined>,
): Promise<T | undefined> {
  failIfAbandoned(core);
  let ripples: Ripples = {};
  const result = await despiteConflicts(() =>
    core.store.transaction(async (tx) => {
      ripples = {};
      const done = await work(tx, ripples);
      if (done !== undefined) callHook(core, core.hooks.beforeCommit, moment);
      return done;
    }),
  );
  if (result === undefined) return undefined;
  callHook(core, core.hooks.afterCommit, moment);
  spread(core, ripples);
  return result;
}

function spread(core: Core, ripples: Ripples): void {
  if (ripples.work) core.workBell.ring();
  if (ripples.effects) {
    core.effectStirs += 1;
    core.effectBell.ring();
  }
  if (ripples.events) core.eventBell.ring();
  if (ripples.position !== undefined) tellListeners(core, ripples.position);
}

export function tellListeners(core: Core, position: number): void {
  if (position <= core.toldPosition) return;
  core.toldPosition = position;
  for (const listener of core.listeners) {
    try {
      listener(position);
    } catch (error) {
      core.onTrouble({ what: 'a listener to events threw', error });
    }
  }
}

/** Calls a hook; whatever it throws ends this engine for ever. */
export function callHook(core: Core, hook: ((moment: Moment) => void) | undefined, moment: Moment): void {
  failIfAbandoned(core);
  if (hook === undefined) return;
  try {
    hook(moment);
  } catch (error) {
    if (error instanceof Abandon) core.isAbandoned = true;
    throw error;
  }
}

export function failIfAbandoned(core: Core): void {
  if (core.isAbandoned) throw new Abandon('this engine was abandoned');
}

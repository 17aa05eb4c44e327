import { type Actor, assert } from '../model/index.ts';
import { addEffects, addEvents, addWork } from './apply.ts';
import { createBell } from './bell.ts';
import { verifyAll, verifyStream } from './chain.ts';
import { findCommand, insertCommand } from './commands-rows.ts';
import { type Attempt, commitAttempt } from './commit.ts';
import { type Core, transact } from './core.ts';
import { dropParkedEffect, hastenEffects, listParkedEffects, unparkEffects } from './effects-rows.ts';
import type { Addition, Engine, EngineOptions, ParkedEffect, ParkedWork } from './engine.ts';
import { listNewestOfStream, listOfStream, listSealed, loadSeal } from './events-rows.ts';
import { never } from './never.ts';
import type { CommandRow } from './port.ts';
import { restoreEvents } from './read-events.ts';
import { run } from './run.ts';
import { defaultSettings } from './settings.ts';
import { nextDueAtMs, runDue, step } from './step.ts';
import { listParkedWork, unparkWork } from './work-rows.ts';

/** Makes an engine on an open store. Register kinds first, then `run` or `step`. */
export function createEngine(options: EngineOptions): Engine {
  const core = createCore(options);
  const { store } = core;
  return {
    registerWork: (kind) => register(core.workKinds, kind),
    registerEffect: (kind) => register(core.effectKinds, kind),

    enqueue: (...work) => append(core, { work }),
    append: (addition) => append(core, addition),
    commitAs: (actor, attempt) =>
      commitAttempt(core, { what: 'append', kind: 'commit', key: '' }, checkActor(actor, attempt)),
    submitCommand: (...commands) => submitCommands(core, commands),
    findCommand: (id) => store.read((tx) => findCommand(tx, id)),

    step: () => step(core),
    runDue: () => runDue(core),
    nextDueAtMs: () => nextDueAtMs(core),
    run: (signal) => run(core, signal),

    listParked: () => listParked(core),
    retryParked: (which) => retryParked(core, which),
    hasten: (receiver) => hasten(core, receiver),
    dropEffect: (id) => dropEffect(core, id),

    readEvents: (after, limit) => store.read(async (tx) => restoreEvents(tx, await listSealed(tx, after, limit))),
    readStream: (stream, after, limit) =>
      store.read(async (tx) => restoreEvents(tx, await listOfStream(tx, stream, after, limit))),
    readNewest: (stream, limit) =>
      store.read(async (tx) => restoreEvents(tx, await listNewestOfStream(tx, stream, limit))),
    lastPosition: async () => (await store.read(loadSeal)).position,
    subscribe: (listener) => {
      core.listeners.add(listener);
      return () => core.listeners.delete(listener);
    },
    verifyChain: (which) => store.read((tx) => (which === 'all' ? verifyAll(tx) : verifyStream(tx, which.stream))),
  };
}

function createCore({ store, clock, chance, processId, settings, hooks, onTrouble }: EngineOptions): Core {
  return {
    store,
    clock,
    chance,
    processId,
    settings: { ...defaultSettings, ...settings },
    hooks: hooks ?? {},
    onTrouble: onTrouble ?? (() => {}),
    workKinds: new Map(),
    effectKinds: new Map(),
    workBell: createBell(),
    effectBell: createBell(),
    eventBell: createBell(),
    turnsUnderWay: new Set(),
    effectsUnderWay: new Set(),
    listeners: new Set(),
    isAbandoned: false,
    toldPosition: 0,
    isRecovered: false,
    effectStirs: 0,
    quietEffects: undefined,
  };
}

function register<T extends { readonly kind: string }>(kinds: Map<string, T>, kind: T): void {
  assert(!kinds.has(kind.kind), 'a kind is registered twice', { kind: kind.kind });
  kinds.set(kind.kind, kind);
}

async function append(core: Core, addition: Addition): Promise<void> {
  const first = addition.work?.[0];
  const moment = { what: 'append', kind: first?.kind ?? '', key: first?.key ?? '' } as const;
  await transact(core, moment, async (tx, ripples) => {
    const nowMs = core.clock.nowMs();
    if (addition.write !== undefined) await addition.write(tx);
    await addEffects(tx, addition.effects, nowMs, ripples);
    await addEvents(core, tx, addition.events, nowMs, ripples);
    await addWork(tx, addition.work ?? [], nowMs, ripples);
    return true;
  });
}

/** Nobody writes an event in another person's name. */
function checkActor<T>(actor: Actor, attempt: Attempt<T>): Attempt<T> {
  return async (view) => {
    const proposal = await attempt(view);
    for (const event of proposal?.events ?? []) {
      const isOwn = event.actor.kind !== 'person' || (actor.kind === 'person' && event.actor.name === actor.name);
      assert(isOwn, 'an event in the name of somebody else', { actor, event: event.type });
    }
    return proposal;
  };
}

/** All of them or none. */
async function submitCommands(core: Core, commands: readonly Omit<CommandRow, 'outcome'>[]): Promise<void> {
  const sorted = [...commands].sort((a, b) => (`${a.kind} ${a.key}` < `${b.kind} ${b.key}` ? -1 : 1));
  const [first] = sorted;
  if (first === undefined) return;
  await transact(core, { what: 'append', kind: first.kind, key: first.key }, async (tx, ripples) => {
    const nowMs = core.clock.nowMs();
    for (const command of sorted) await insertCommand(tx, command);
    for (const { kind, key } of sorted) await unparkWork(tx, { kind, key }, nowMs);
    await addWork(
      tx,
      sorted.map(({ kind, key }) => ({ kind, key, urgent: true })),
      nowMs,
      ripples,
    );
    return true;
  });
}

async function listParked(core: Core): Promise<{ work: ParkedWork[]; effects: ParkedEffect[] }> {
  return core.store.read(async (tx) => ({
    work: (await listParkedWork(tx)).map(({ kind, key, attempts, parked_at, last_error }) => ({
      kind,
      key,
      attempts,
      parkedAtMs: parked_at ?? 0,
      lastError: last_error ?? '',
    })),
    effects: (await listParkedEffects(tx)).map(({ id, kind, receiver, attempts, last_error, ready_at }) => ({
      id,
      kind,
      receiver,
      attempts,
      lastError: last_error ?? '',
      isUncertain: ready_at === never,
    })),
  }));
}

async function retryParked(core: Core, which: Parameters<Engine['retryParked']>[0]): Promise<number> {
  const count = await transact(core, { what: 'append', kind: 'retry', key: '' }, async (tx, ripples) => {
    const nowMs = core.clock.nowMs();
    let retried = 0;
    if (which === 'all' || 'kind' in which) retried += await unparkWork(tx, which, nowMs);
    if (which === 'all' || 'effect' in which) retried += await unparkEffects(tx, which, nowMs);
    ripples.work = true;
    ripples.effects = true;
    return retried;
  });
  return count ?? 0;
}

async function hasten(core: Core, receiver: string): Promise<number> {
  const count = await transact(core, { what: 'append', kind: 'hasten', key: receiver }, async (tx, ripples) => {
    ripples.effects = true;
    return hastenEffects(tx, receiver, core.clock.nowMs());
  });
  return count ?? 0;
}

async function dropEffect(core: Core, id: string): Promise<boolean> {
  const done = await transact(core, { what: 'append', kind: 'drop', key: id }, async (tx, ripples) => {
    ripples.effects = true;
    return (await dropParkedEffect(tx, id, core.clock.nowMs())) || undefined;
  });
  return done === true;
}

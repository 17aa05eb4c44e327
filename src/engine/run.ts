import type { Bell } from './bell.ts';
import { deleteAnsweredCommands } from './commands-rows.ts';
import { despiteConflicts } from './conflict.ts';
import { type Core, failIfAbandoned, tellListeners } from './core.ts';
import { giveBack, longestAttemptMs, runEffect, takeEffects } from './effects.ts';
import { type ClaimedEffect, deleteEndedEffects, findNextEffectAtMs, renewEffectLease } from './effects-rows.ts';
import { loadSeal } from './events-rows.ts';
import { recoverOnce } from './recover.ts';
import { sealAll } from './seal.ts';
import { type EndedTurn, runTurn, settleAndClaim } from './turns.ts';
import { type ClaimedWork, deleteIdleWork, findNextWorkAtMs, renewWorkLease } from './work-rows.ts';

const housekeepingEveryMs = 600_000;
/** When the database fails: not at once again. */
const troubleWaitMs = 1000;
const sealPollMs = 40;
/** A safety net only: where this process is alone, it hears of everything itself. */
const solePollMs = 5000;

/** Everything that goes on in a server, until aborted; then waits for what is under way. */
export async function run(core: Core, stop: AbortSignal): Promise<void> {
  await recoverOnce(core);
  const failure = new AbortController();
  const signal = AbortSignal.any([stop, failure.signal]);
  const isSqlite = core.store.kind === 'sqlite';
  const loops = [
    ...Array.from({ length: isSqlite ? 1 : core.settings.turnsAtOnce }, () => turnLoop(core, signal)),
    effectLoop(core, signal),
    renewLoop(core, signal),
    housekeepingLoop(core, signal),
    ...(isSqlite ? [] : [sealLoop(core, signal)]),
  ].map((loop) =>
    loop.catch((error) => {
      failure.abort(error);
      throw error;
    }),
  );
  const ended = await Promise.allSettled(loops);
  for (const loop of ended) if (loop.status === 'rejected') throw loop.reason;
}

/**
 * Settles the last batch and claims the next in one transaction. On SQLite the rows of a batch run together, so that
 * their commits are grouped into one; on PostgreSQL several loops run theirs one after another.
 */
async function turnLoop(core: Core, signal: AbortSignal): Promise<void> {
  const isSqlite = core.store.kind === 'sqlite';
  const limit = isSqlite ? core.settings.claimBatch : Math.ceil(core.settings.claimBatch / core.settings.turnsAtOnce);
  const runBatch = isSqlite ? runTogether : runInTurn;
  let ended: EndedTurn[] = [];
  while (!signal.aborted || ended.length > 0) {
    const batch = await orTrouble(core, signal, 'claiming work', () =>
      settleAndClaim(core, ended, signal.aborted ? 0 : limit),
    );
    if (batch === undefined) {
      if (signal.aborted) return;
      continue;
    }
    for (const { row } of ended) core.turnsUnderWay.delete(row);
    ended = [];
    if (batch.length === 0) {
      if (!signal.aborted) await waitFor(core, core.workBell, () => core.store.read(findNextWorkAtMs), signal);
      continue;
    }
    for (const row of batch) core.turnsUnderWay.add(row);
    ended = await runBatch(core, batch, signal);
    await breathe();
  }
}

/** Lets requests and timers in: SQLite answers at once, so that a long backlog would otherwise never give way. */
function breathe(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

function runTogether(core: Core, batch: readonly ClaimedWork[], signal: AbortSignal): Promise<EndedTurn[]> {
  return Promise.all(batch.map((row) => runTurn(core, row, signal)));
}

async function runInTurn(core: Core, batch: readonly ClaimedWork[], signal: AbortSignal): Promise<EndedTurn[]> {
  const ended: EndedTurn[] = [];
  for (const row of batch) ended.push(signal.aborted ? { row, outcome: 'released' } : await runTurn(core, row, signal));
  return ended;
}

/** Starts due effects as long as there are places, without waiting for those under way. */
async function effectLoop(core: Core, signal: AbortSignal): Promise<void> {
  const underWay = new Set<Promise<void>>();
  let failure: unknown;
  while (!signal.aborted && failure === undefined) {
    const free = core.settings.effectsAtOnce - underWay.size;
    const batch =
      free === 0 ? [] : ((await orTrouble(core, signal, 'claiming effects', () => takeEffects(core, free))) ?? []);
    // Told to stop while they were claimed: nothing begins any more.
    if (signal.aborted) {
      for (const effect of batch) await giveBack(core, effect);
      break;
    }
    for (const effect of batch) {
      const one = runOneEffect(core, effect, signal)
        .catch((error) => {
          failure ??= error;
        })
        .finally(() => {
          underWay.delete(one);
          core.effectBell.ring();
        });
      underWay.add(one);
    }
    if (batch.length > 0) continue;
    const next = free === 0 ? async () => undefined : () => core.store.read(findNextEffectAtMs);
    await waitFor(core, core.effectBell, next, signal);
  }
  await Promise.all(underWay);
  if (failure !== undefined) throw failure;
}

async function runOneEffect(core: Core, effect: ClaimedEffect, signal: AbortSignal): Promise<void> {
  core.effectsUnderWay.add(effect);
  const attempt = new AbortController();
  const over = new AbortController();
  const untilMs = core.clock.nowMs() + longestAttemptMs(core, effect);
  core.clock.sleepUntil(untilMs, over.signal).then(
    () => attempt.abort(new Error('the attempt took too long')),
    () => {},
  );
  try {
    await runEffect(core, effect, AbortSignal.any([signal, attempt.signal]));
  } catch (error) {
    failIfAbandoned(core);
    // Not recorded: the lease ends, and it is taken up again.
    core.onTrouble({ what: `recording the effect ${effect.kind}`, error });
  } finally {
    over.abort();
    core.effectsUnderWay.delete(effect);
  }
}

/** Keeps the leases of what is under way. */
async function renewLoop(core: Core, signal: AbortSignal): Promise<void> {
  const { leaseMs } = core.settings;
  while (await sleep(core, leaseMs / 3, signal)) {
    if (core.turnsUnderWay.size + core.effectsUnderWay.size === 0) continue;
    await orTrouble(core, signal, 'renewing leases', () =>
      despiteConflicts(() =>
        core.store.transaction(async (tx) => {
          const untilMs = core.clock.nowMs() + leaseMs;
          for (const row of core.turnsUnderWay) await renewWorkLease(tx, row, untilMs);
          for (const effect of core.effectsUnderWay) await renewEffectLease(tx, effect, untilMs);
        }),
      ),
    );
  }
}

/** PostgreSQL: seals, or notices what another process sealed. */
async function sealLoop(core: Core, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await orTrouble(core, signal, 'sealing events', async () => {
      await sealAll(core);
      const { position } = await core.store.read(loadSeal);
      tellListeners(core, position);
    });
    // Other servers' events are nobody else's to seal, and theirs do not ring here.
    await waitFor(core, core.eventBell, async () => core.clock.nowMs() + sealPollMs, signal);
  }
  await orTrouble(core, signal, 'sealing events', () => sealAll(core));
}

async function housekeepingLoop(core: Core, signal: AbortSignal): Promise<void> {
  do {
    await orTrouble(core, signal, 'housekeeping', () =>
      despiteConflicts(() =>
        core.store.transaction(async (tx) => {
          const beforeMs = core.clock.nowMs() - core.settings.keepEndedMs;
          await deleteEndedEffects(tx, beforeMs);
          await deleteAnsweredCommands(tx, beforeMs);
          await deleteIdleWork(tx);
        }),
      ),
    );
  } while (await sleep(core, housekeepingEveryMs, signal));
}

/** Until the bell rings, something becomes due, it is time to poll, or the end. */
async function waitFor(
  core: Core,
  bell: Bell,
  findNextAtMs: () => Promise<number | undefined>,
  signal: AbortSignal,
): Promise<void> {
  const isSole = core.settings.isSoleProcess ?? core.store.kind === 'sqlite';
  const pollAtMs = core.clock.nowMs() + (isSole ? solePollMs : core.settings.pollMs);
  const nextAtMs = await orTrouble(core, signal, 'looking for the next due time', findNextAtMs);
  const over = new AbortController();
  const either = AbortSignal.any([signal, over.signal]);
  const time = core.clock.sleepUntil(Math.min(pollAtMs, nextAtMs ?? pollAtMs), either).catch(() => {});
  await Promise.race([bell.heard(either), time]);
  over.abort();
}

async function sleep(core: Core, forMs: number, signal: AbortSignal): Promise<boolean> {
  await core.clock.sleepUntil(core.clock.nowMs() + forMs, signal).catch(() => {});
  return !signal.aborted;
}

/** The database may fail for a while (disk full, connection lost): tell, wait, let the caller go on. */
async function orTrouble<T>(
  core: Core,
  signal: AbortSignal,
  what: string,
  work: () => Promise<T>,
): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    failIfAbandoned(core);
    core.onTrouble({ what, error });
    await sleep(core, troubleWaitMs, signal);
    return undefined;
  }
}

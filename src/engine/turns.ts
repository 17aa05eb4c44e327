import { backoffMs, makeId } from '../kit/index.ts';
import { rollway } from '../model/index.ts';
import { addEvents, Fenced } from './apply.ts';
import { commitAttempt } from './commit.ts';
import { type Core, transact } from './core.ts';
import { describeError } from './describe-error.ts';
import type { Turn } from './port.ts';
import { type ClaimedWork, claimWork, finishWork, recordWorkFailure, releaseWork } from './work-rows.ts';

/** How a turn ended; written down by `settleAndClaim`. Fenced: somebody else has the row; released: never begun. */
export interface EndedTurn {
  readonly row: ClaimedWork;
  readonly outcome: 'finished' | 'fenced' | 'released' | { readonly error: string };
}

/** Writes down how turns ended and takes the next due rows: one transaction for both. */
export async function settleAndClaim(core: Core, ended: readonly EndedTurn[], limit: number): Promise<ClaimedWork[]> {
  const first = ended[0]?.row;
  const moment = {
    what: ended.length > 0 ? 'finish' : 'claim',
    kind: first?.kind ?? '',
    key: first?.key ?? '',
  } as const;
  const claimed = await transact(core, moment, async (tx, ripples) => {
    const now = core.clock.nowMs();
    for (const { row, outcome } of inKeyOrder(ended)) {
      if (outcome === 'finished') await finishWork(tx, row);
      else if (outcome === 'released') await releaseWork(tx, row, now);
      else if (outcome !== 'fenced') {
        const failure = whatFollows(core, row, outcome.error, now);
        await recordWorkFailure(tx, row, failure);
        if (failure.parkedAtMs !== null) {
          const data = { kind: row.kind, key: row.key, attempts: row.attempts + 1, error: outcome.error };
          const stream = `work/${row.kind}`;
          await addEvents(core, tx, [{ stream, type: 'work.parked', actor: rollway('engine'), data }], now, ripples);
        }
      }
    }
    if (limit === 0) return [];
    const until = now + core.settings.leaseMs;
    const rows = await claimWork(tx, { now, until, owner: core.processId, limit });
    return rows.length === 0 && ended.length === 0 ? undefined : rows;
  });
  return claimed ?? [];
}

/** Rows are locked in one order by everybody. */
function inKeyOrder(ended: readonly EndedTurn[]): readonly EndedTurn[] {
  if (ended.length < 2) return ended;
  return [...ended].sort(({ row: a }, { row: b }) => {
    if (a.kind !== b.kind) return a.kind < b.kind ? -1 : 1;
    return a.key < b.key ? -1 : 1;
  });
}

function whatFollows(core: Core, row: ClaimedWork, error: string, nowMs: number) {
  const { settings } = core;
  const maxAttempts = core.workKinds.get(row.kind)?.maxAttempts ?? settings.maxAttempts;
  if (row.attempts + 1 >= maxAttempts) {
    return { error, retryAtMs: nowMs + settings.parkedRetryMs, parkedAtMs: nowMs };
  }
  const waitMs = backoffMs(row.attempts + 1, settings.backoffBaseMs, settings.backoffCapMs, core.chance);
  return { error, retryAtMs: nowMs + waitMs, parkedAtMs: null };
}

/** Runs one claimed row. Only `Abandon` gets out; everything else that is thrown is the turn's outcome. */
export async function runTurn(core: Core, row: ClaimedWork, signal: AbortSignal): Promise<EndedTurn> {
  const nowMs = core.clock.nowMs();
  // Waited too long for its turn: somebody else may have it by now.
  if (nowMs >= row.ready_at) return { row, outcome: 'fenced' };
  const kind = core.workKinds.get(row.kind);
  if (kind === undefined) return { row, outcome: { error: `nobody is registered for ${row.kind}` } };
  const moment = { what: 'turn', kind: row.kind, key: row.key } as const;
  const turn: Turn = {
    key: row.key,
    nowMs,
    chance: core.chance,
    signal,
    id: (prefix) => makeId(prefix, nowMs, core.chance),
    commit: (attempt) => commitAttempt(core, moment, attempt, row),
  };
  try {
    await kind.run(turn);
    return { row, outcome: 'finished' };
  } catch (error) {
    if (core.isAbandoned) throw error;
    if (error instanceof Fenced) return { row, outcome: 'fenced' };
    core.onTrouble({ what: `${row.kind} ${row.key} failed`, error });
    return { row, outcome: { error: describeError(error) } };
  }
}

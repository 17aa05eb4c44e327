import type { CommandView } from '../api/index.ts';
import type { CommandRow } from '../engine/index.ts';
import { makeId } from '../kit/index.ts';
import type { ProblemCode } from '../model/index.ts';
import type { Call, ServerContext } from './context.ts';
import { refuse } from './errors.ts';
import { commandView } from './views/commands.ts';
import { waitFor } from './wait.ts';

export interface NewCommand {
  /** The work kind and key that decide it: `('job/decide', 'guestbook@production')`. */
  readonly kind: string;
  readonly key: string;
  readonly name: string;
  readonly arguments: Readonly<Record<string, unknown>>;
  readonly reason: string | undefined;
}

/**
 * Writes a person's command down and waits a while for the decision on it. A refusal is a problem of the given code;
 * no decision yet is an answer too: the caller can ask for it later.
 */
export async function command(
  context: ServerContext,
  wish: NewCommand,
  call: Call,
  waitMs: number,
  refusedAs: ProblemCode,
): Promise<CommandView> {
  const { engine, clock, chance } = context;
  const atMs = clock.nowMs();
  const row: Omit<CommandRow, 'outcome'> = { ...wish, id: makeId('cmd', atMs, chance), actor: call.actor, atMs };
  await engine.submitCommand(row);
  const limits = { waitMs, signal: call.signal, pollMs: 50 };
  const found = await waitFor(
    context,
    limits,
    () => engine.findCommand(row.id),
    (now) => now?.outcome !== undefined,
  );
  const outcome = found?.outcome;
  if (outcome && !outcome.ok) refuse(refusedAs, outcome.detail, { command: row.id });
  return commandView(found ?? { ...row, outcome: undefined });
}

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
  return commandAll(context, [{ wish, name: '' }], call, waitMs, refusedAs);
}

/** The same to several subjects, written down together. Refused when every one of them refuses. */
export async function commandAll(
  context: ServerContext,
  wishes: readonly { readonly wish: NewCommand; readonly name: string }[],
  call: Call,
  waitMs: number,
  refusedAs: ProblemCode,
): Promise<CommandView> {
  const { engine, clock, chance } = context;
  const atMs = clock.nowMs();
  const rows = wishes.map(({ wish, name }) => {
    const row: Omit<CommandRow, 'outcome'> = { ...wish, id: makeId('cmd', atMs, chance), actor: call.actor, atMs };
    return { row, name };
  });
  await engine.submitCommand(...rows.map(({ row }) => row));
  const limits = { waitMs, signal: call.signal, pollMs: 50 };
  const found = await waitFor(
    context,
    limits,
    () => Promise.all(rows.map(async ({ row, name }) => ({ row: await engine.findCommand(row.id), name }))),
    (now) => now.every(({ row }) => row?.outcome !== undefined),
  );
  const answers = found.map(({ row, name }, at) => ({ row: row ?? { ...rows[at]!.row, outcome: undefined }, name }));
  const outcomes = answers.flatMap(({ row, name }) => (row.outcome ? [{ ...row.outcome, name }] : []));
  const detail = outcomes.map((one) => (one.name === '' ? one.detail : `${one.name}: ${one.detail}`)).join('\n');
  const [first] = answers;
  if (first === undefined) return refuse(refusedAs, 'There is nobody to tell.');
  if (outcomes.length === answers.length && outcomes.every(({ ok }) => !ok)) {
    refuse(refusedAs, detail, { command: first.row.id });
  }
  const isDecided = outcomes.length === answers.length;
  return commandView({ ...first.row, outcome: isDecided ? { ok: true, detail } : undefined });
}

import type { Selectable } from 'kysely';
import type { Actor } from '../model/index.ts';
import { prepare, prepareChange, type Schema, type Tx } from '../store/index.ts';
import type { CommandAnswer, CommandRow } from './port.ts';

type CommandColumns = Selectable<Schema['command']>;

const selectPending = prepare<{ kind: string; key: string }, CommandColumns>((db, p) =>
  db
    .selectFrom('command')
    .selectAll()
    .where('kind', '=', p.kind)
    .where('key', '=', p.key)
    .where('answered_at', 'is', null)
    .orderBy('sequence'),
);

/** Commands that wait for this work row's decision, in the order they were given. Answer them in `Proposal.answers`. */
export async function pendingCommands(tx: Tx, kind: string, key: string): Promise<CommandRow[]> {
  return (await selectPending(tx, { kind, key })).map(toCommand);
}

const selectOne = prepare<{ id: string }, CommandColumns>((db, p) =>
  db.selectFrom('command').selectAll().where('id', '=', p.id),
);

export async function findCommand(tx: Tx, id: string): Promise<CommandRow | undefined> {
  const [row] = await selectOne(tx, { id });
  return row === undefined ? undefined : toCommand(row);
}

export async function insertCommand(tx: Tx, command: Omit<CommandRow, 'outcome'>): Promise<void> {
  await tx
    .insertInto('command')
    .values({
      id: command.id,
      kind: command.kind,
      key: command.key,
      name: command.name,
      arguments: JSON.stringify(command.arguments),
      actor: JSON.stringify(command.actor),
      reason: command.reason ?? null,
      at_ms: command.atMs,
    })
    .execute();
}

const updateAnswer = prepareChange<CommandAnswerRow>((db, p) =>
  db
    .updateTable('command')
    .set({ answered_at: p.answered_at, ok: p.ok, detail: p.detail })
    .where('id', '=', p.id)
    .where('answered_at', 'is', null),
);

interface CommandAnswerRow {
  readonly id: string;
  readonly ok: number;
  readonly detail: string;
  readonly answered_at: number;
}

/** The first answer stands. */
export async function recordAnswer(tx: Tx, answer: CommandAnswer, atMs: number): Promise<void> {
  await updateAnswer(tx, { id: answer.id, ok: answer.ok ? 1 : 0, detail: answer.detail, answered_at: atMs });
}

/** Commands answered before this time are forgotten; their events stay. */
export async function deleteAnsweredCommands(tx: Tx, beforeMs: number): Promise<void> {
  await tx.deleteFrom('command').where('answered_at', '<', beforeMs).execute();
}

function toCommand(row: CommandColumns): CommandRow {
  return {
    id: row.id,
    kind: row.kind,
    key: row.key,
    name: row.name,
    arguments: JSON.parse(row.arguments) as CommandRow['arguments'],
    actor: JSON.parse(row.actor) as Actor,
    reason: row.reason ?? undefined,
    atMs: row.at_ms,
    outcome: row.answered_at === null ? undefined : { ok: row.ok === 1, detail: row.detail ?? '' },
  };
}

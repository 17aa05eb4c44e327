import type { CommandView } from '../../api/index.ts';
import type { CommandRow } from '../../engine/index.ts';
import { actorView } from './events.ts';

export function commandView(row: CommandRow): CommandView {
  return {
    id: row.id,
    name: row.name,
    subject: `${row.kind.split('/')[0]}/${row.key}`,
    actor: actorView(row.actor),
    reason: row.reason ?? null,
    atMs: row.atMs,
    outcome: row.outcome ? { ok: row.outcome.ok, detail: row.outcome.detail } : null,
  };
}

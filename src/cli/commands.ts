import { randomUUID } from 'node:crypto';
import type { CommandView } from '../api/index.ts';
import { exitCodes } from './failure.ts';
import type { Session } from './session.ts';

/** For a call that may be repeated after a broken connection without doing the thing twice. */
export const once = () => ({ idempotencyKey: randomUUID() });

/** Shows what became of a command; the exit code says whether it was accepted. */
export function showCommand(session: Session, command: CommandView, next?: string): number | undefined {
  const { out } = session;
  out.show(command, () => {
    if (command.outcome === null)
      out.line(`${command.name}: written down; it is decided as soon as its subject is looked at`);
    else if (command.outcome.ok) out.line(`${out.style.good('✓')} ${command.outcome.detail}`);
    else out.line(`${out.style.bad('✗')} ${command.outcome.detail}`);
    if (next !== undefined && command.outcome?.ok !== false) out.next(next);
  });
  return command.outcome?.ok === false ? exitCodes.error : undefined;
}

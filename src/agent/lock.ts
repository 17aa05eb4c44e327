import { linkSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { identifyProcess, isAlive, type ProcessIdentity } from '../io/process.ts';
import { ProblemError, problem } from '../model/index.ts';

/** Keeps a second agent out of a data folder. A lock whose process is dead is taken over. */
export function lockFolder(folder: string): () => void {
  const file = join(folder, 'agent.lock');
  const mine = join(folder, `agent.lock.${process.pid}`);
  writeFileSync(mine, JSON.stringify(identifyProcess(process.pid) ?? { pid: process.pid, startTicks: 0 }));
  try {
    for (let tries = 0; ; tries++) {
      try {
        linkSync(mine, file);
        break;
      } catch (cause) {
        if ((cause as NodeJS.ErrnoException).code !== 'EEXIST' || tries > 5) throw cause;
        refuseIfHeld(folder, file);
        rmSync(file, { force: true });
      }
    }
  } finally {
    rmSync(mine, { force: true });
  }
  return () => rmSync(file, { force: true });
}

function refuseIfHeld(folder: string, file: string): void {
  let holder: ProcessIdentity | undefined;
  try {
    holder = JSON.parse(readFileSync(file, 'utf8')) as ProcessIdentity;
  } catch {
    return; // gone meanwhile, or cut off by a full disk
  }
  // Taken by this very process: another agent in it, as tests have.
  if (!isAlive(holder)) return;
  const detail = `Another agent (process ${holder.pid}) uses ${folder}.`;
  throw new ProblemError(
    problem('server/data-folder', detail, { folder }, 'Stop it, or give this agent its own folder.'),
  );
}

import { join } from 'node:path';
import { ensureFolder } from '../io/files.ts';
import { ProblemError, problem } from '../model/index.ts';

/** Where everything of an agent lies. */
export interface Folders {
  readonly root: string;
  readonly keepers: string;
  /** Compressed chunks and manifests. */
  readonly store: string;
  /** Unpacked packages by digest; read-only, shared by tasks. */
  readonly packages: string;
  readonly tasks: string;
  readonly actions: string;
  readonly samples: string;
}

/** Makes what is missing. Throws `agent/data-folder`. */
export async function openFolders(root: string): Promise<Folders> {
  try {
    return await makeAll(root);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new ProblemError(problem('agent/data-folder', `${root} cannot be used: ${why}.`, { path: root }), { cause });
  }
}

async function makeAll(root: string): Promise<Folders> {
  await ensureFolder(root, 0o700);
  const inside = (name: string): string => join(root, name);
  const folders: Folders = {
    root,
    keepers: inside('keepers'),
    store: inside('store'),
    packages: inside('packages'),
    tasks: inside('tasks'),
    actions: inside('actions'),
    samples: inside('samples'),
  };
  for (const name of ['keepers', 'store', 'packages', 'tasks', 'actions', 'samples'] as const) {
    await ensureFolder(folders[name], 0o700);
  }
  return folders;
}

/** What an index keeps over all its incarnations on this host. `guestbook@production`, 3 → `tasks/guestbook@production/3`. */
export function indexFolder({ tasks }: Folders, job: string, index: number): string {
  return join(tasks, job, String(index));
}

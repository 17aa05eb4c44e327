import { join, resolve } from 'node:path';
import { cgroupAbilities, probeCgroups } from '../io/cgroup.ts';
import { probeSandbox } from '../io/sandbox.ts';
import { sha256 } from '../kit/index.ts';
import type { AgentOptions } from './options.ts';
import type { Confinement } from './parts.ts';

/** Finds by trying what this host can limit and hide. What it cannot is not in `abilities`, and is not pretended. */
export function probeConfinement(options: AgentOptions): Confinement {
  const none = { cgroups: undefined, sandboxForAction: () => [], sandboxForTask: () => [], abilities: [] };
  if (options.confine === false) return none;
  const cgroups = probeCgroups(groupNameOf(options.dataDir));
  const sandbox = probeSandbox();
  // The agent's key, other tasks' data, a server's data folder on the same machine.
  const hidden = [options.dataDir, ...(options.hiddenFolders ?? [])].map((folder) => resolve(folder));
  return {
    cgroups,
    sandboxForAction: (folder) => sandbox?.({ open: folder, cwd: join(folder, 'tree'), hidden }) ?? [],
    sandboxForTask: (folder, packageFolder) =>
      sandbox?.({ open: folder, readOnly: packageFolder, cwd: packageFolder, hidden }) ?? [],
    abilities: [...cgroupAbilities(cgroups), ...(sandbox ? ['hidden-folders', 'read-only-packages'] : [])],
  };
}

/** Groups of agents on one machine must not meet: named by the data folder. */
export function groupNameOf(dataDir: string): string {
  return `rollway-${sha256(resolve(dataDir)).slice(0, 12)}`;
}

import { cgroupAbilities, probeCgroups } from '../io/cgroup.ts';
import type { AgentOptions } from './options.ts';
import type { Confinement } from './parts.ts';

/** Finds by trying what this host can limit and hide. What it cannot is not in `abilities`, and is not pretended. */
export async function probeConfinement(options: AgentOptions, name: string): Promise<Confinement> {
  if (options.confine === false) return { cgroups: undefined, sandboxForAction: () => [], abilities: [] };
  const cgroups = probeCgroups(name);
  return { cgroups, sandboxForAction: () => [], abilities: cgroupAbilities(cgroups) };
}
